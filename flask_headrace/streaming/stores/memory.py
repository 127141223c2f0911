"""A store in the memory of this process: for a service with one worker. The streams are gone when the worker ends.

Sizes are those of the Python objects, their overhead included. Only `has_readers` and `delete_expired` look at more
than one stream, since no other greenlet runs meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import gevent
import msgspec

from ...core.errors import StoreUnavailable
from .base import (
    LEASE_DURATION,
    MAX_ORPHANS,
    RESERVED_TERMINAL_BYTES,
    EventBatch,
    StoreLimits,
    StreamClaim,
    StreamRecord,
)
from .memory_stream import BATCH_OVERHEAD_BYTES, STREAM_OVERHEAD_BYTES, MemoryStream
from .notifier import ChangeNotifier

SWEEP_BATCH = 500
"""Expired streams that are deleted before other greenlets run: about a millisecond."""


class MemoryStore:
    """A store for the streams of one worker. Implements `Store`.

    Args:
        limits: How much the store keeps, and for how long.
    """

    window = 0.0  # collecting events saves nothing here

    def __init__(self, limits: StoreLimits) -> None:
        self._limits = limits
        self._streams: dict[str, MemoryStream] = {}
        self._running: set[str] = set()
        self._finished: dict[str, None] = {}  # ids of finished streams, the oldest first
        self._names: dict[str, str] = {}
        self._size = 0
        self._leases: dict[str, float] = {}
        self._readers: dict[str, dict[str, float]] = {}
        self._tickets: dict[str, float] = {}
        self._changes = ChangeNotifier()
        self._stop_requests = ChangeNotifier()

    def __repr__(self) -> str:
        return f"<MemoryStore {len(self._streams)} streams, {self._size} bytes>"

    def claim(self, claim: StreamClaim, name: str | None = None) -> StreamRecord | None:
        """Begin a stream unless one of that id exists; see `Store.claim`."""
        if stream := self._find(claim.id):
            return stream.record()
        self._remove(claim.id)
        if not self._make_room(max(1, STREAM_OVERHEAD_BYTES)):
            raise StoreUnavailable(
                f"The streams that are kept in memory have the {self._limits.total_bytes} bytes that they may have.",
                retry_after=self._limits.retention,
            )
        self._streams[claim.id] = MemoryStream(claim, name, time.monotonic())
        self._running.add(claim.id)
        self._size += STREAM_OVERHEAD_BYTES
        if name is not None:
            self._names[name] = claim.id
        return None

    def check(self) -> None:
        """Do nothing: this store can always be used."""

    def withdraw(self, id: str, worker: str) -> None:  # noqa: A002
        """Withdraw the claim of a worker before any event was written."""
        stream = self._streams.get(id)
        if stream is not None and stream.claim.worker == worker and stream.last == 0 and not stream.is_finished:
            self._remove(id)

    def delete(self, id: str) -> None:  # noqa: A002
        """Delete a stream, finished or not."""
        self._remove(id)

    def append(self, worker: str, batches: Sequence[EventBatch]) -> set[str]:
        """Append batches to their streams; return the ids of the streams whose batches were refused."""
        refused: set[str] = set()
        self._make_room(sum(len(batch.payload) + BATCH_OVERHEAD_BYTES for batch in batches))
        for batch in batches:
            stream = self._streams.get(batch.id)
            if stream is not None and self._accepts(stream, worker, batch):
                stream.add(batch)
                self._size += len(batch.payload) + BATCH_OVERHEAD_BYTES
                if batch.is_last:
                    self._running.discard(batch.id)
                    self._finished[batch.id] = None
            else:
                refused.add(batch.id)
        self._changes.notify({batch.id for batch in batches})
        return refused

    def _accepts(self, stream: MemoryStream, worker: str, batch: EventBatch) -> bool:
        is_next = stream.claim.worker == worker and not stream.is_finished and batch.first == stream.last + 1
        room = min(
            self._limits.stream_bytes - stream.size, self._limits.total_bytes - self._size - BATCH_OVERHEAD_BYTES
        )
        size = len(batch.payload)
        return is_next and (size <= room or (batch.is_last and size <= RESERVED_TERMINAL_BYTES))

    def _make_room(self, size: int) -> bool:
        """Remove finished streams, the oldest first, until `size` more bytes fit; return whether they do."""
        while self._size + size > self._limits.total_bytes:
            oldest = next(iter(self._finished), None)
            if oldest is None:
                return False
            self._remove(oldest)
        return True

    def _remove(self, id_: str) -> None:
        if removed := self._streams.pop(id_, None):
            self._size -= removed.size_in_memory
            self._running.discard(id_)
            self._finished.pop(id_, None)
            if removed.name is not None:
                self.clear_name(removed.name, id_)
            self._changes.notify([id_])

    def _find(self, id_: str) -> MemoryStream | None:
        found = self._streams.get(id_)
        is_expired = found is not None and found.is_finished and not self._is_recent(found)
        return None if is_expired else found

    def _is_recent(self, stream: MemoryStream) -> bool:
        return stream.touched + self._limits.retention > time.monotonic()

    def find(self, id: str) -> StreamRecord | None:  # noqa: A002
        """Return the record of a stream; None if there is none, or if its retention is over."""
        stream = self._find(id)
        return None if stream is None else stream.record()

    def find_by_name(self, name: str) -> StreamRecord | None:
        """Return the record of the stream that was last begun by a name; None if there is none any more."""
        return self.find(self._names[name]) if name in self._names else None

    def clear_name(self, name: str, id: str) -> None:  # noqa: A002
        """Remove the name of a stream. Does nothing if another stream was begun by that name since."""
        if self._names.get(name) == id:
            del self._names[name]

    def read(self, id: str, after: int, max_bytes: int) -> list[EventBatch]:  # noqa: A002
        """Return the batches with events after number `after`, up to `max_bytes` bytes but at least one batch."""
        stream = self._find(id)
        found: list[EventBatch] = []
        for batch in () if stream is None else stream.after(after):
            max_bytes -= len(batch.payload)
            if found and max_bytes < 0:
                break
            found.append(batch)
        return found

    def request_stop(self, id: str) -> None:  # noqa: A002
        """Request that the worker of a stream stops it. Does nothing if it has ended."""
        stream = self._find(id)
        if stream is not None and not stream.is_finished:
            stream.is_stopping = True
            self._changes.notify([id])
            self._stop_requests.notify([id])

    def add_reader(self, id: str, reader: str, seconds: float) -> None:  # noqa: A002
        """Record that a reader reads a stream, for the next `seconds` seconds."""
        self._readers.setdefault(id, {})[reader] = time.monotonic() + seconds

    def remove_reader(self, id: str, reader: str) -> None:  # noqa: A002
        """Record that a reader has left. Idempotent."""
        readers = self._readers.get(id, {})
        readers.pop(reader, None)
        if not readers:
            self._readers.pop(id, None)

    def has_stream_readers(self, id: str) -> bool:  # noqa: A002
        """Whether a stream has any reader that has neither left nor expired."""
        now = time.monotonic()
        return any(until > now for until in self._readers.get(id, {}).values())

    def has_readers(self, worker: str) -> bool:
        """Whether any stream that a worker fills has readers."""
        streams = [stream for id_ in self._readers if (stream := self._streams.get(id_)) is not None]
        return any(stream.claim.worker == worker and self.has_stream_readers(stream.claim.id) for stream in streams)

    def add_ticket(self, name: str, seconds: float) -> None:
        """Add a ticket that can be taken once, within the next `seconds` seconds."""
        self._delete_expired_tickets()
        self._tickets[name] = time.monotonic() + seconds

    def take_ticket(self, name: str) -> bool:
        """Take a ticket; return whether it was there."""
        return self._tickets.pop(name, 0.0) > time.monotonic()

    def renew_lease(self, worker: str) -> None:
        """Record that a worker is alive, for the next `LEASE_DURATION` seconds."""
        self._leases[worker] = time.monotonic() + LEASE_DURATION

    def is_alive(self, worker: str) -> bool:
        """Whether the lease of a worker has not expired."""
        return self._leases.get(worker, 0.0) > time.monotonic()

    def orphans(self) -> list[StreamRecord]:
        """Return the records of unfinished streams whose workers' leases have expired."""
        running = [self._streams[id_] for id_ in self._running]
        dead = [stream.record() for stream in running if not self.is_alive(stream.claim.worker)]
        return dead[:MAX_ORPHANS]

    def acquire(self, id: str, dead: str, worker: str) -> bool:  # noqa: A002
        """Make a worker the one that fills an unfinished stream of a dead worker; return whether it is."""
        stream = self._find(id)
        if stream is None or stream.is_finished or stream.claim.worker != dead or self.is_alive(dead):
            return False
        stream.claim = msgspec.structs.replace(stream.claim, worker=worker)
        return True

    def watch(self, id: str, callback: Callable[[], object]) -> Callable[[], None]:  # noqa: A002
        """Call `callback` after each change of a stream; return a function that ends the watch."""
        return self._changes.add(id, callback)

    def watch_stop(self, id: str, callback: Callable[[], object]) -> Callable[[], None]:  # noqa: A002
        """Call `callback` after a stop request for a stream; return a function that ends the watch."""
        return self._stop_requests.add(id, callback)

    def delete_expired(self) -> None:
        """Delete finished streams after their retention, and unfinished ones whose worker has been dead for as long."""
        now = time.monotonic()
        self._readers = {
            id_: readers for id_, readers in self._readers.items() if max(readers.values(), default=0) > now
        }
        self._delete_expired_tickets()
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

    def _delete_expired_tickets(self) -> None:
        # No sweep may ever come: a worker without resumable streams has none. A copy, since other threads may add some.
        now = time.monotonic()
        for name, until in list(self._tickets.items()):
            if until <= now:
                self._tickets.pop(name, None)

    def _expired(self) -> Iterator[str]:
        while (oldest := next(iter(self._finished), None)) is not None and not self._is_recent(self._streams[oldest]):
            yield oldest

    def close(self) -> None:
        """Delete all streams."""
        self._streams.clear()
        self._running.clear()
        self._finished.clear()
        self._names.clear()
        self._readers.clear()
        self._tickets.clear()
        self._size = 0
