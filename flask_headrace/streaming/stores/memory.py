"""Streams in the memory of this process: enough for one worker, and gone with it.

What counts is what is held, Python's own share included; and no operation looks at all streams, since nothing else runs
meanwhile.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import gevent
import msgspec

from ...core.errors import StoreUnavailable
from .base import LEASE_DURATION, RESERVED_TERMINAL_BYTES, EventBatch, StoreLimits, StreamClaim, StreamRecord
from .notifier import ChangeNotifier

BATCH_OVERHEAD_BYTES, STREAM_OVERHEAD = 128, 640
"""Bytes that an entry takes beside its payload, and a stream beside its entries."""

SWEEP_BATCH = 500
"""Streams that a sweep removes before others have their turn: about a millisecond."""


@dataclass(slots=True)
class _Stream:
    """A stream and its entries; `touched` is when it was last added to."""

    claim: StreamClaim
    name: str | None
    touched: float
    entries: list[EventBatch] = field(default_factory=list)
    last: int = 0
    size: int = 0
    is_finished: bool = False
    is_stopping: bool = False

    def record(self) -> StreamRecord:
        return StreamRecord(self.claim, self.last, self.is_finished, self.is_stopping)

    @property
    def held(self) -> int:
        return STREAM_OVERHEAD + self.size + BATCH_OVERHEAD_BYTES * len(self.entries)

    def add(self, entry: EventBatch) -> None:
        self.entries.append(entry)
        self.last += entry.count
        self.size += len(entry.payload)
        self.is_finished = entry.is_last
        self.touched = time.monotonic()

    def beyond(self, after: int) -> Iterator[EventBatch]:
        start = bisect_right(self.entries, after, key=lambda entry: entry.first + entry.count - 1)
        return (self.entries[number] for number in range(start, len(self.entries)))


class MemoryStore:
    """A store for the streams of one worker."""

    window = 0.0  # nothing is gained by collecting

    def __init__(self, bounds: StoreLimits) -> None:
        self._bounds = bounds
        self._streams: dict[str, _Stream] = {}
        self._running: set[str] = set()
        self._finished: dict[str, None] = {}  # those that have ended, the oldest first
        self._names: dict[str, str] = {}
        self._size = 0
        self._leases: dict[str, float] = {}
        self._readers: dict[str, dict[str, float]] = {}
        self._watches = ChangeNotifier()
        self._stops = ChangeNotifier()

    def __repr__(self) -> str:
        return f"<MemoryStore {len(self._streams)} streams, {self._size} bytes>"

    def claim(self, claim: StreamClaim, name: str | None = None) -> StreamRecord | None:
        """Begin a stream, if there is none of that id."""
        if stream := self._find(claim.id):
            return stream.record()
        self._remove(claim.id)
        if not self._make_room(max(1, STREAM_OVERHEAD)):
            raise StoreUnavailable(
                f"The streams that are kept in memory have the {self._bounds.total_bytes} bytes that they may have.",
                retry_after=self._bounds.retention,
            )
        self._streams[claim.id] = _Stream(claim, name, time.monotonic())
        self._running.add(claim.id)
        self._size += STREAM_OVERHEAD
        if name is not None:
            self._names[name] = claim.id
        return None

    def check(self) -> None:
        """Look whether it can be used: always."""

    def withdraw(self, id: str, worker: str) -> None:  # noqa: A002
        """Take back a claim of a worker's of which no event was written."""
        stream = self._streams.get(id)
        if stream is not None and stream.claim.worker == worker and stream.last == 0 and not stream.is_finished:
            self._remove(id)

    def append(self, worker: str, entries: Sequence[EventBatch]) -> set[str]:
        """Add events to streams; return the ids of those that were refused."""
        refused: set[str] = set()
        self._make_room(sum(len(entry.payload) + BATCH_OVERHEAD_BYTES for entry in entries))
        for entry in entries:
            stream = self._streams.get(entry.id)
            if stream is not None and self._may_add(stream, worker, entry):
                stream.add(entry)
                self._size += len(entry.payload) + BATCH_OVERHEAD_BYTES
                if entry.is_last:
                    self._running.discard(entry.id)
                    self._finished[entry.id] = None
            else:
                refused.add(entry.id)
        self._watches.notify({entry.id for entry in entries})
        return refused

    def _may_add(self, stream: _Stream, worker: str, entry: EventBatch) -> bool:
        goes_on = stream.claim.worker == worker and not stream.is_finished and entry.first == stream.last + 1
        room = min(
            self._bounds.stream_bytes - stream.size, self._bounds.total_bytes - self._size - BATCH_OVERHEAD_BYTES
        )
        return goes_on and (
            len(entry.payload) <= room or (entry.is_last and len(entry.payload) <= RESERVED_TERMINAL_BYTES)
        )

    def _make_room(self, size: int) -> bool:
        """Forget finished streams, the oldest first, until so many bytes fit; return whether they do."""
        while self._size + size > self._bounds.total_bytes:
            oldest = next(iter(self._finished), None)
            if oldest is None:
                return False
            self._remove(oldest)
        return True

    def _remove(self, stream: str) -> None:
        if removed := self._streams.pop(stream, None):
            self._size -= removed.held
            self._running.discard(stream)
            self._finished.pop(stream, None)
            if removed.name is not None:
                self.clear_name(removed.name, stream)
            self._watches.notify([stream])

    def _find(self, stream: str) -> _Stream | None:
        found = self._streams.get(stream)
        is_over = found is not None and found.is_finished and not self._is_recent(found)
        return None if is_over else found

    def _is_recent(self, stream: _Stream) -> bool:
        return stream.touched + self._bounds.retention > time.monotonic()

    def find(self, id: str) -> StreamRecord | None:  # noqa: A002
        """Return the record of a stream, or None."""
        stream = self._find(id)
        return None if stream is None else stream.record()

    def find_by_name(self, name: str) -> StreamRecord | None:
        """Return the record of the stream that was last begun by a name, or None."""
        return self.find(self._names[name]) if name in self._names else None

    def clear_name(self, name: str, id: str) -> None:  # noqa: A002
        """Let a stream not be found by a name any more."""
        if self._names.get(name) == id:
            del self._names[name]

    def read(self, id: str, after: int, most: int) -> list[EventBatch]:  # noqa: A002
        """Return the entries that hold events beyond number `after`, up to `most` bytes, one at least."""
        stream = self._find(id)
        found: list[EventBatch] = []
        for entry in () if stream is None else stream.beyond(after):
            most -= len(entry.payload)
            if found and most < 0:
                break
            found.append(entry)
        return found

    def request_stop(self, id: str) -> None:  # noqa: A002
        """Ask whoever fills a stream to end it."""
        stream = self._find(id)
        if stream is not None and not stream.is_finished:
            stream.is_stopping = True
            self._watches.notify([id])
            self._stops.notify([id])

    def add_reader(self, id: str, reader: str, seconds: float) -> None:  # noqa: A002
        """Note that a reader follows a stream, for so many seconds from now."""
        self._readers.setdefault(id, {})[reader] = time.monotonic() + seconds

    def remove_reader(self, id: str, reader: str) -> None:  # noqa: A002
        """Note that a reader has left."""
        readers = self._readers.get(id, {})
        readers.pop(reader, None)
        if not readers:
            self._readers.pop(id, None)

    def has_stream_readers(self, id: str) -> bool:  # noqa: A002
        """Whether any reader that attends the stream has neither left nor run out of its time."""
        now = time.monotonic()
        return any(until > now for until in self._readers.get(id, {}).values())

    def has_readers(self, worker: str) -> bool:
        """Whether anybody attends any stream that a worker fills."""
        attended = [stream for id_ in self._readers if (stream := self._streams.get(id_)) is not None]
        return any(stream.claim.worker == worker and self.has_stream_readers(stream.claim.id) for stream in attended)

    def renew_lease(self, worker: str) -> None:
        """Note that a worker is alive."""
        self._leases[worker] = time.monotonic() + LEASE_DURATION

    def is_alive(self, worker: str) -> bool:
        """Whether a worker has renewed its lease in time."""
        return self._leases.get(worker, 0.0) > time.monotonic()

    def acquire(self, id: str, dead: str, worker: str) -> bool:  # noqa: A002
        """Make an unfinished stream of a dead worker this worker's."""
        stream = self._find(id)
        if stream is None or stream.is_finished or stream.claim.worker != dead or self.is_alive(dead):
            return False
        stream.claim = msgspec.structs.replace(stream.claim, worker=worker)
        return True

    def watch(self, id: str, wake: Callable[[], None]) -> Callable[[], None]:  # noqa: A002
        """Call `wake` after each change of a stream."""
        return self._watches.add(id, wake)

    def watch_stop(self, id: str, wake: Callable[[], None]) -> Callable[[], None]:  # noqa: A002
        """Call `wake` after somebody has asked for a stream's end."""
        return self._stops.add(id, wake)

    def delete_expired(self) -> None:
        """Remove what is too old to be read."""
        now = time.monotonic()
        self._readers = {
            id_: readers for id_, readers in self._readers.items() if max(readers.values(), default=0) > now
        }
        self._leases = {worker: until for worker, until in self._leases.items() if until > now}
        for id_ in list(self._running):
            stream = self._streams[id_]
            if self.is_alive(stream.claim.worker):
                stream.touched = now
            elif not self._is_recent(stream):
                self._remove(id_)
        for number, id_ in enumerate(self._expired(), 1):
            self._remove(id_)
            if number % SWEEP_BATCH == 0:
                gevent.sleep(0)

    def _expired(self) -> Iterator[str]:
        while (oldest := next(iter(self._finished), None)) is not None and not self._is_recent(self._streams[oldest]):
            yield oldest

    def close(self) -> None:
        """Forget everything."""
        self._streams.clear()
        self._running.clear()
        self._finished.clear()
        self._names.clear()
        self._readers.clear()
        self._size = 0
