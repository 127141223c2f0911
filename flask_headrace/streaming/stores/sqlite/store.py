"""A store in an SQLite file: for all workers of one machine.

Nothing waits in the event loop: one thread and connection writes, in the order of the calls, and another one reads.
Moments are those of the monotonic clock, which all processes of a machine share until the machine restarts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ....core.errors import StoreUnavailable
from ..base import EventBatch, StoreLimits, StreamClaim, StreamRecord
from . import expiry, leases, queries
from .connection import SqliteConnection
from .database import check_database
from .location import check_location
from .watcher import SqliteWatcher


class SqliteStore:
    """A store for the streams of one machine. Implements `Store`.

    Args:
        path: The file; created if it does not exist.
        limits: How much the store keeps, and for how long.

    Raises:
        ConfigurationError: the file is no store, or has another version of the schema.
    """

    window = 0.01  # a transaction costs much more than a batch

    def __init__(self, path: Path, limits: StoreLimits) -> None:
        check_database(path)
        self._path = path
        self._limits = limits
        self._writes = SqliteConnection(path)
        self._reads = SqliteConnection(path)
        self._watcher = SqliteWatcher(self._reads)

    def __repr__(self) -> str:
        return f"<SqliteStore {self._path}>"

    def claim(self, claim: StreamClaim, name: str | None = None) -> StreamRecord | None:
        """Begin a stream unless one of that id exists; see `Store.claim`."""
        try:
            return self._writes.run(queries.claim, claim, name, self._limits)
        except queries.StoreFull:
            raise StoreUnavailable(
                f"The streams in {self._path} have the {self._limits.total_bytes} bytes that they may have.",
                retry_after=self._limits.retention,
            ) from None

    def check_location(self) -> None:
        """Raise if the file of the store cannot be created or written to.

        Raises:
            ConfigurationError: it cannot; the message says why and what to do.
        """
        check_location(self._path)

    def check(self) -> None:
        """Check whether the file can be written to.

        Raises:
            StoreUnavailable: it cannot now.
        """
        self._writes.run(queries.check)

    def withdraw(self, id: str, worker: str) -> None:  # noqa: A002
        """Withdraw the claim of a worker before any event was written."""
        self._writes.run(queries.withdraw, id, worker)

    def delete(self, id: str) -> None:  # noqa: A002
        """Delete a stream, finished or not, in small transactions, between which others may write."""
        for key in self._writes.run(expiry.mark_deleted, id):
            self._remove(key)

    def append(self, worker: str, batches: Sequence[EventBatch]) -> set[str]:
        """Append batches to their streams; return the ids of the streams whose batches were refused."""
        return self._writes.run(queries.append, worker, batches, self._limits) if batches else set()

    def find(self, id: str) -> StreamRecord | None:  # noqa: A002
        """Return the record of a stream; None if there is none, or if its retention is over."""
        return self._reads.run(queries.find, id, self._limits.retention)

    def find_by_name(self, name: str) -> StreamRecord | None:
        """Return the record of the stream that was last begun by a name; None if there is none any more."""
        return self._reads.run(queries.find_by_name, name, self._limits.retention)

    def clear_name(self, name: str, id: str) -> None:  # noqa: A002
        """Remove the name of a stream. Does nothing if another stream was begun by that name since."""
        self._writes.run(queries.clear_name, name, id)

    def read(self, id: str, after: int, max_bytes: int) -> list[EventBatch]:  # noqa: A002
        """Return the batches with events after number `after`, up to `max_bytes` bytes but at least one batch."""
        return self._reads.run(queries.read, id, after, max_bytes, self._limits.retention)

    def request_stop(self, id: str) -> None:  # noqa: A002
        """Request that the worker of a stream stops it. Does nothing if it has ended."""
        self._writes.run(queries.request_stop, id)

    def add_reader(self, id: str, reader: str, seconds: float) -> None:  # noqa: A002
        """Record that a reader reads a stream, for the next `seconds` seconds."""
        self._writes.run(leases.add_reader, id, reader, seconds)

    def remove_reader(self, id: str, reader: str) -> None:  # noqa: A002
        """Record that a reader has left. Idempotent."""
        self._writes.run(leases.remove_reader, id, reader)

    def has_stream_readers(self, id: str) -> bool:  # noqa: A002
        """Whether a stream has any reader that has neither left nor expired."""
        return self._reads.run(leases.has_stream_readers, id)

    def has_readers(self, worker: str) -> bool:
        """Whether any stream that a worker fills has readers."""
        return self._reads.run(leases.has_readers, worker)

    def add_ticket(self, name: str, seconds: float) -> None:
        """Add a ticket that can be taken once, within the next `seconds` seconds."""
        self._writes.run(leases.add_ticket, name, seconds)

    def take_ticket(self, name: str) -> bool:
        """Take a ticket; return whether it was there."""
        return self._writes.run(leases.take_ticket, name)

    def renew_lease(self, worker: str) -> None:
        """Record that a worker is alive, for the next `LEASE_DURATION` seconds."""
        self._writes.run(leases.renew_lease, worker)

    def is_alive(self, worker: str) -> bool:
        """Whether the lease of a worker has not expired."""
        return self._reads.run(leases.is_alive, worker)

    def orphans(self) -> list[StreamRecord]:
        """Return the records of unfinished streams whose workers' leases have expired."""
        return self._reads.run(queries.orphans)

    def acquire(self, id: str, dead: str, worker: str) -> bool:  # noqa: A002
        """Make a worker the one that fills an unfinished stream of a dead worker; return whether it is."""
        return self._writes.run(queries.acquire, id, dead, worker)

    def watch(self, id: str, callback: Callable[[], object]) -> Callable[[], None]:  # noqa: A002
        """Call `callback` after each change of a stream; return a function that ends the watch."""
        return self._watcher.add(id, callback)

    def watch_stop(self, id: str, callback: Callable[[], object]) -> Callable[[], None]:  # noqa: A002
        """Call `callback` after a stop request for a stream; return a function that ends the watch."""
        return self._watcher.add_stop(id, callback)

    def delete_expired(self) -> None:
        """Delete expired streams in small transactions, between which others may write; see `Store.delete_expired`."""
        for key in self._writes.run(expiry.mark_expired, self._limits.retention):
            self._remove(key)
        self._writes.run(expiry.release_free_pages)

    def _remove(self, key: int) -> None:
        while not self._writes.run(expiry.remove_batch, key):
            pass

    def close(self) -> None:
        """Close the file and end the threads. Idempotent."""
        self._watcher.close()
        self._writes.close()
        self._reads.close()
