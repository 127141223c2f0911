"""A minimal store, with which the real ones are compared."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask_headrace.streaming.stores.base import RESERVED_TERMINAL_BYTES, EventBatch, StreamClaim, StreamRecord


@dataclass
class StoredStream:
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
        self.streams: dict[str, StoredStream] = {}
        self.names: dict[str, str] = {}
        self.ended: list[str] = []
        self.readers: set[tuple[str, str]] = set()
        self.tickets: set[str] = set()
        self.alive: set[str] = set()

    def visible(self, stream: str) -> StoredStream | None:
        stored = self.streams.get(stream)
        return None if stored is None or (stored.is_finished and stored.is_old) else stored

    def remove(self, stream: str) -> None:
        self.streams.pop(stream, None)
        self.names = {name: named for name, named in self.names.items() if named != stream}
        self.ended = [ended for ended in self.ended if ended != stream]

    @property
    def room(self) -> int:
        return self.total - sum(stored.size for stored in self.streams.values())

    def room_for(self, entry: EventBatch, stored: StoredStream) -> int:
        return max(min(self.room, self.largest - stored.size), RESERVED_TERMINAL_BYTES if entry.is_last else 0)

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
        self.streams[claim.id] = StoredStream(claim)
        if name is not None:
            self.names[name] = claim.id
        return None

    def append(self, worker: str, entries: list[EventBatch]) -> set[str]:
        refused = set()
        self.make_room(sum(len(entry.payload) for entry in entries))
        for entry in entries:
            stored = self.streams.get(entry.id)
            if (
                stored is None
                or stored.is_finished
                or stored.claim.worker != worker
                or entry.first != stored.last + 1
                or len(entry.payload) > self.room_for(entry, stored)
            ):
                refused.add(entry.id)
                continue
            stored.entries.append(entry)
            stored.is_old = False
            if entry.is_last:
                stored.is_finished = True
                self.ended.append(entry.id)
        return refused

    def find(self, stream: str) -> StreamRecord | None:
        stored = self.visible(stream)
        return stored.record() if stored else None

    def find_by_name(self, name: str) -> StreamRecord | None:
        return self.find(self.names[name]) if name in self.names else None

    def clear_name(self, name: str, stream: str) -> None:
        if self.names.get(name) == stream:
            del self.names[name]

    def read(self, stream: str, after: int, most: int) -> list[tuple[int, int, bytes]]:
        found: list[tuple[int, int, bytes]] = []
        stored = self.visible(stream)
        for entry in stored.entries if stored else []:
            if entry.first + entry.count - 1 > after:
                most -= len(entry.payload)
                if found and most < 0:
                    break
                found.append((entry.first, entry.count, entry.payload))
        return found

    def request_stop(self, stream: str) -> None:
        if (stored := self.visible(stream)) and not stored.is_finished:
            stored.is_stopping = True

    def acquire(self, stream: str, dead: str, worker: str) -> bool:
        stored = self.visible(stream)
        if stored is None or stored.is_finished or stored.claim.worker != dead or dead in self.alive:
            return False
        stored.claim = StreamClaim(
            stream, worker, stored.claim.owner, stored.claim.request_digest, stored.claim.metadata
        )
        return True

    def delete_expired(self) -> None:
        for stream, stored in list(self.streams.items()):
            if not stored.is_finished and stored.claim.worker in self.alive:
                stored.is_old = False
            elif stored.is_old:
                self.remove(stream)

    def pass_time(self) -> None:
        """Let more time pass than anything lasts without being renewed."""
        self.alive, self.readers, self.tickets = set(), set(), set()
        for stored in self.streams.values():
            stored.is_old = True
