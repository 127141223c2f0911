"""Streams in an SQLite file: for all workers of one machine.

Nothing here waits in the event loop: writes have a thread and a connection, so that they keep their order, and reads
have another. Moments are those of the monotonic clock, which all processes of a machine share until it starts again.
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
    """A store for the streams of one machine.

    Args:
        path: The file; it is made where it is missing.
        bounds: How much is kept, and for how long.

    Raises:
        ConfigurationError: the file holds something else, or a schema of another version.
    """

    window = 0.01  # a transaction costs much more than an entry

    def __init__(self, path: Path, bounds: StoreLimits) -> None:
        check_database(path)
        self._path = path
        self._bounds = bounds
        self._writes = SqliteConnection(path)
        self._reads = SqliteConnection(path)
        self._watch = SqliteWatcher(self._reads)

    def __repr__(self) -> str:
        return f"<SqliteStore {self._path}>"

    def claim(self, claim: StreamClaim, name: str | None = None) -> StreamRecord | None:
        """Begin a stream, if there is none of that id."""
        try:
            return self._writes.run(queries.claim, claim, name, self._bounds)
        except queries.StoreFull:
            raise StoreUnavailable(
                f"The streams in {self._path} have the {self._bounds.total_bytes} bytes that they may have.",
                retry_after=self._bounds.retention,
            ) from None

    def check_location(self) -> None:
        """Look whether there can be a file where this store's is to be.

        Raises:
            ConfigurationError: there cannot.
        """
        check_location(self._path)

    def check(self) -> None:
        """Look whether the file can be written to."""
        self._writes.run(queries.check)

    def withdraw(self, id: str, worker: str) -> None:  # noqa: A002
        """Take back a claim of a worker's of which no event was written."""
        self._writes.run(queries.withdraw, id, worker)

    def append(self, worker: str, entries: Sequence[EventBatch]) -> set[str]:
        """Add events to streams; return the ids of those that were refused."""
        return self._writes.run(queries.append, worker, entries, self._bounds) if entries else set()

    def find(self, id: str) -> StreamRecord | None:  # noqa: A002
        """Return the record of a stream, or None."""
        return self._reads.run(queries.find, id, self._bounds.retention)

    def find_by_name(self, name: str) -> StreamRecord | None:
        """Return the record of the stream that was last begun by a name, or None."""
        return self._reads.run(queries.find_by_name, name, self._bounds.retention)

    def clear_name(self, name: str, id: str) -> None:  # noqa: A002
        """Let a stream not be found by a name any more."""
        self._writes.run(queries.clear_name, name, id)

    def read(self, id: str, after: int, most: int) -> list[EventBatch]:  # noqa: A002
        """Return the entries that hold events beyond number `after`, up to `most` bytes, one at least."""
        return self._reads.run(queries.read, id, after, most, self._bounds.retention)

    def request_stop(self, id: str) -> None:  # noqa: A002
        """Ask whoever fills a stream to end it."""
        self._writes.run(queries.request_stop, id)

    def add_reader(self, id: str, reader: str, seconds: float) -> None:  # noqa: A002
        """Note that a reader follows a stream, for so many seconds from now."""
        self._writes.run(leases.add_reader, id, reader, seconds)

    def remove_reader(self, id: str, reader: str) -> None:  # noqa: A002
        """Note that a reader has left."""
        self._writes.run(leases.remove_reader, id, reader)

    def has_stream_readers(self, id: str) -> bool:  # noqa: A002
        """Whether any reader that attends the stream has neither left nor run out of its time."""
        return self._reads.run(leases.has_stream_readers, id)

    def has_readers(self, worker: str) -> bool:
        """Whether anybody attends any stream that a worker fills."""
        return self._reads.run(leases.has_readers, worker)

    def renew_lease(self, worker: str) -> None:
        """Note that a worker is alive."""
        self._writes.run(leases.renew_lease, worker)

    def is_alive(self, worker: str) -> bool:
        """Whether a worker has renewed its lease in time."""
        return self._reads.run(leases.is_alive, worker)

    def acquire(self, id: str, dead: str, worker: str) -> bool:  # noqa: A002
        """Make an unfinished stream of a dead worker this worker's."""
        return self._writes.run(queries.acquire, id, dead, worker)

    def watch(self, id: str, wake: Callable[[], None]) -> Callable[[], None]:  # noqa: A002
        """Call `wake` after each change of a stream."""
        return self._watch.add(id, wake)

    def watch_stop(self, id: str, wake: Callable[[], None]) -> Callable[[], None]:  # noqa: A002
        """Call `wake` after somebody has asked for a stream's end."""
        return self._watch.add_stop(id, wake)

    def delete_expired(self) -> None:
        """Remove what is too old to be read, in small steps, between which others may write."""
        for key in self._writes.run(expiry.mark_expired, self._bounds.retention):
            while not self._writes.run(expiry.remove_batch, key):
                pass
        self._writes.run(expiry.release_free_pages)

    def close(self) -> None:
        """Let go of the file and the threads."""
        self._watch.close()
        self._writes.close()
        self._reads.close()
