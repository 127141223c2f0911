"""The interface of a store: the events of resumable streams, kept for readers at other workers and later ones.

A store identifies streams by their ids, handles their events as encoded bytes, and identifies workers by their names.
It knows nothing of the events themselves, of sessions or of HTTP. Every method may wait for a disk or a network and
lets other greenlets run meanwhile. Every method raises `StoreUnavailable` if the store cannot be reached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import msgspec

LEASE_DURATION = 4.0
"""Seconds for which a worker counts as alive after it has renewed its lease."""

MAX_ORPHANS = 500
"""Streams of dead workers that a store returns at once."""

RESERVED_TERMINAL_BYTES = 4096
"""Payload size up to which a store accepts a stream's last batch even if it is full: readers must learn of the end."""


class StreamClaim(msgspec.Struct, frozen=True, gc=False):
    """A stream that is about to begin.

    Args:
        id: The stream's id.
        worker: The name of the worker that fills the stream.
        owner: The owner of the stream; empty for anybody.
        request_digest: A digest of the request. It tells a repeated request from another one with the same id.
        metadata: What is needed to account for the stream if its worker dies; opaque to the store.
    """

    id: str
    worker: str
    owner: str
    request_digest: str
    metadata: bytes


class EventBatch(msgspec.Struct, frozen=True, gc=False):
    """Consecutive events of a stream.

    Args:
        id: The stream's id.
        first: The number of the first event. The events of a stream are numbered 1, 2, 3, ….
        count: The number of events.
        payload: The encoded events; opaque to the store.
        is_last: Whether the batch ends the stream.
    """

    id: str
    first: int
    count: int
    payload: bytes
    is_last: bool = False


class StreamRecord(msgspec.Struct, frozen=True, gc=False):
    """A stream as the store has it.

    Args:
        claim: The claim of the stream; `claim.worker` is the worker that fills it now.
        last: The number of the last event; 0 if there is none yet.
        is_finished: Whether the stream has ended.
        is_stopping: Whether somebody has requested that the stream is stopped.
    """

    claim: StreamClaim
    last: int = 0
    is_finished: bool = False
    is_stopping: bool = False


class StoreLimits(msgspec.Struct, frozen=True, gc=False):
    """How much a store keeps, and for how long.

    Args:
        stream_bytes: The most bytes of payloads of one stream.
        total_bytes: The most bytes of payloads of all streams together.
        retention: Seconds for which a finished stream can be read.
    """

    stream_bytes: int = 8 * 1024 * 1024
    total_bytes: int = 512 * 1024 * 1024
    retention: float = 300.0


@runtime_checkable
class Store(Protocol):
    """Keeps the events of resumable streams.

    Attributes:
        window: Seconds for which it is worthwhile to collect events before they are appended together, while a reader
            at another worker waits for them.
    """

    @property
    def window(self) -> float: ...  # noqa: D102

    def check(self) -> str | None:
        """Check whether the store can be used.

        Returns:
            A warning if the store may lose events, for example by an eviction policy; None if all is well.

        Raises:
            ConfigurationError: the store cannot be used until somebody changes something, for example the password.
            StoreUnavailable: the store cannot be used now.
        """
        ...

    def claim(self, claim: StreamClaim, name: str | None = None) -> StreamRecord | None:
        """Begin a stream unless one of that id exists, in one atomic step.

        Args:
            claim: The stream.
            name: A name by which `find_by_name` finds the stream, until another stream is begun by that name; None for
                no name.

        Returns:
            None if the stream is the caller's to fill now; the record of the existing stream otherwise.

        Raises:
            StoreUnavailable: also if all streams together have reached `StoreLimits.total_bytes`, and no finished
                stream is left to be removed.
        """
        ...

    def withdraw(self, id: str, worker: str) -> None:  # noqa: A002
        """Withdraw the claim of a worker before any event was written, so that the id is free again.

        Does nothing if there is no such stream, or if it belongs to another worker, has an event, or has ended.
        """
        ...

    def delete(self, id: str) -> None:  # noqa: A002
        """Delete a stream, finished or not, so that the id is free, and notify the watchers.

        Batches that its worker appends later are refused. Does nothing if there is no such stream.
        """
        ...

    def append(self, worker: str, batches: Sequence[EventBatch]) -> set[str]:
        """Append batches to their streams, in order and in one atomic step, and notify the watchers of the streams.

        A batch is refused if its stream is not this worker's, is finished or gone, does not continue with this number,
        or would be larger than `StoreLimits.stream_bytes`; or if all streams together would be larger than
        `StoreLimits.total_bytes`, and no finished stream is left to be removed. A batch that ends its stream and has at
        most `RESERVED_TERMINAL_BYTES` bytes is never refused for its size.

        Args:
            worker: The name of the worker that fills the streams.
            batches: The batches, of any streams.

        Returns:
            The ids of the streams whose batches were refused.
        """
        ...

    def find(self, id: str) -> StreamRecord | None:  # noqa: A002  # the field's name
        """Return the record of a stream; None if there is none, or if its retention is over."""
        ...

    def find_by_name(self, name: str) -> StreamRecord | None:
        """Return the record of the stream that was last begun by a name; None if there is none any more."""
        ...

    def clear_name(self, name: str, id: str) -> None:  # noqa: A002
        """Remove the name of a stream. Does nothing if another stream was begun by that name since."""
        ...

    def read(self, id: str, after: int, max_bytes: int) -> list[EventBatch]:  # noqa: A002
        """Return the batches of a stream that contain events after number `after`, oldest first.

        The first batch may begin before that number. If a store has lost batches, for example a Redis that evicts keys,
        there may be a gap between their numbers.

        Args:
            id: The stream's id.
            after: The number of the last event that is not wanted.
            max_bytes: The most bytes of payloads that are returned; at least one batch is returned if there is one.

        Returns:
            The batches, whose `is_last` is not set; empty if there are none.
        """
        ...

    def request_stop(self, id: str) -> None:  # noqa: A002
        """Request that the worker of a stream stops it, and notify the watchers. Does nothing if it has ended."""
        ...

    def add_reader(self, id: str, reader: str, seconds: float) -> None:  # noqa: A002
        """Record that a reader reads a stream, for the next `seconds` seconds. Called again, it extends that time."""
        ...

    def remove_reader(self, id: str, reader: str) -> None:  # noqa: A002
        """Record that a reader has left. Idempotent; does nothing for a reader that was never added."""
        ...

    def has_stream_readers(self, id: str) -> bool:  # noqa: A002
        """Whether a stream has any reader that has neither left nor expired."""
        ...

    def has_readers(self, worker: str) -> bool:
        """Whether any stream that a worker fills has readers, or had one a moment ago."""
        ...

    def add_ticket(self, name: str, seconds: float) -> None:
        """Add a ticket that can be taken once, within the next `seconds` seconds, by any worker."""
        ...

    def take_ticket(self, name: str) -> bool:
        """Take a ticket, in one atomic step.

        Returns:
            Whether the caller has it now; False if nobody has added it, or if it is taken, expired or lost.
        """
        ...

    def renew_lease(self, worker: str) -> None:
        """Record that a worker is alive, for the next `LEASE_DURATION` seconds."""
        ...

    def is_alive(self, worker: str) -> bool:
        """Whether the lease of a worker has not expired. Clocks of different machines are never compared."""
        ...

    def orphans(self) -> list[StreamRecord]:
        """Return the records of unfinished streams whose workers' leases have expired, at most `MAX_ORPHANS`."""
        ...

    def acquire(self, id: str, dead: str, worker: str) -> bool:  # noqa: A002
        """Make a worker the one that fills an unfinished stream of a dead worker, in one atomic step.

        Args:
            id: The stream's id.
            dead: The name of the dead worker.
            worker: The name of the worker that acquires the stream.

        Returns:
            Whether the stream was acquired; False if it has ended, belongs to another worker, or `dead` is alive.
        """
        ...

    def watch(self, id: str, callback: Callable[[], object]) -> Callable[[], None]:  # noqa: A002
        """Call `callback` in the event loop after each change of a stream by any worker.

        A change is a new event, the end, a stop request, or the removal of the stream. A change that comes before this
        method returns may be missed, so check once afterwards. A store that polls notices a change within 20 ms.

        Args:
            id: The stream's id.
            callback: Must not block. It may also be called without a change.

        Returns:
            A function that ends the watch. Idempotent.
        """
        ...

    def watch_stop(self, id: str, callback: Callable[[], object]) -> Callable[[], None]:  # noqa: A002
        """Call `callback` in the event loop after somebody has requested that a stream is stopped.

        For the worker that fills the stream, which its own events need not notify. Otherwise like `watch`.
        """
        ...

    def delete_expired(self) -> None:
        """Delete finished streams after their retention, and unfinished ones whose worker has been dead for as long.

        A worker is seen alive when it appends events, and when this method finds its lease.
        """
        ...

    def close(self) -> None:
        """Close connections, files and threads. Idempotent."""
        ...
