"""A minimal store, with which the real ones are compared."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask_headrace.streaming.stores.base import RESERVED_TERMINAL_BYTES, EventBatch, StreamClaim, StreamRecord


@dataclass
class Kept:
    claim: StreamClaim
    entries: list[EventBatch] = field(default_factory=list)
    is_finished: bool = False
    is_stopping: bool = False
    is_old: bool = False

    @property
    def last(self) -> int:
        return sum(entry.count for entry in self.entries)

    @property
    def size(self) -> int:
        return sum(len(entry.payload) for entry in self.entries)

    def record(self) -> StreamRecord:
        return StreamRecord(self.claim, self.last, self.is_finished, self.is_stopping)


class Model:
    """What a store should do, with `pass_time` in the place of clocks."""

    def __init__(self, stream: int, total: int) -> None:
        self.largest, self.total = stream, total
        self.kept: dict[str, Kept] = {}
        self.names: dict[str, str] = {}
        self.ended: list[str] = []
        self.readers: set[tuple[str, str]] = set()
        self.alive: set[str] = set()

    def visible(self, stream: str) -> Kept | None:
        kept = self.kept.get(stream)
        return None if kept is None or (kept.is_finished and kept.is_old) else kept

    def remove(self, stream: str) -> None:
        self.kept.pop(stream, None)
        self.names = {name: named for name, named in self.names.items() if named != stream}
        self.ended = [ended for ended in self.ended if ended != stream]

    @property
    def room(self) -> int:
        return self.total - sum(kept.size for kept in self.kept.values())

    def room_for(self, entry: EventBatch, kept: Kept) -> int:
        return max(min(self.room, self.largest - kept.size), RESERVED_TERMINAL_BYTES if entry.is_last else 0)

    def make_room(self, size: int) -> None:
        while self.room < size and self.ended:
            self.remove(self.ended[0])

    def claim(self, claim: StreamClaim, name: str | None) -> StreamRecord | str | None:
        if there := self.visible(claim.id):
            return there.record()
        self.remove(claim.id)
        self.make_room(1)
        if self.room < 1:
            return "full"
        self.kept[claim.id] = Kept(claim)
        if name is not None:
            self.names[name] = claim.id
        return None

    def append(self, worker: str, entries: list[EventBatch]) -> set[str]:
        refused = set()
        self.make_room(sum(len(entry.payload) for entry in entries))
        for entry in entries:
            kept = self.kept.get(entry.id)
            if (
                kept is None
                or kept.is_finished
                or kept.claim.worker != worker
                or entry.first != kept.last + 1
                or len(entry.payload) > self.room_for(entry, kept)
            ):
                refused.add(entry.id)
                continue
            kept.entries.append(entry)
            kept.is_old = False
            if entry.is_last:
                kept.is_finished = True
                self.ended.append(entry.id)
        return refused

    def find(self, stream: str) -> StreamRecord | None:
        kept = self.visible(stream)
        return kept.record() if kept else None

    def find_by_name(self, name: str) -> StreamRecord | None:
        return self.find(self.names[name]) if name in self.names else None

    def clear_name(self, name: str, stream: str) -> None:
        if self.names.get(name) == stream:
            del self.names[name]

    def read(self, stream: str, after: int, most: int) -> list[tuple[int, int, bytes]]:
        found: list[tuple[int, int, bytes]] = []
        kept = self.visible(stream)
        for entry in kept.entries if kept else []:
            if entry.first + entry.count - 1 > after:
                most -= len(entry.payload)
                if found and most < 0:
                    break
                found.append((entry.first, entry.count, entry.payload))
        return found

    def request_stop(self, stream: str) -> None:
        if (kept := self.visible(stream)) and not kept.is_finished:
            kept.is_stopping = True

    def acquire(self, stream: str, dead: str, worker: str) -> bool:
        kept = self.visible(stream)
        if kept is None or kept.is_finished or kept.claim.worker != dead or dead in self.alive:
            return False
        kept.claim = StreamClaim(stream, worker, kept.claim.owner, kept.claim.request_digest, kept.claim.metadata)
        return True

    def delete_expired(self) -> None:
        for stream, kept in list(self.kept.items()):
            if not kept.is_finished and kept.claim.worker in self.alive:
                kept.is_old = False
            elif kept.is_old:
                self.remove(stream)

    def pass_time(self) -> None:
        """Let more time pass than anything lasts without being renewed."""
        self.alive, self.readers = set(), set()
        for kept in self.kept.values():
            kept.is_old = True
