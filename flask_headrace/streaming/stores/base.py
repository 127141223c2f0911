"""What a store is: where the events of resumable streams are kept, for readers who come back.

A store knows streams by their ids, their events as encoded bytes, and workers by their names. It knows nothing of
events, sessions, greenlets that fill or follow them, or HTTP. Every method may wait for a disk or a network and lets
other greenlets run meanwhile; any of them raises `StoreUnavailable` where the store cannot be reached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import msgspec

LEASE_DURATION = 4.0
"""Seconds for which a worker that renewed its lease counts as alive."""

RESERVED_TERMINAL_BYTES = 4096
"""Bytes of an entry that ends its stream for which there is always room: those who follow must learn of the end."""


class StreamClaim(msgspec.Struct, frozen=True, gc=False):
    """A stream that is about to begin.

    Args:
        id: The stream's id.
        worker: The name of the worker that fills it.
        owner: Who asks; the stream is theirs.
        question: A digest of what is asked, by which a second claim of the same id is told from a different question.
        about: What the engine needs to account for the stream if its worker dies; opaque here.
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
        first: The number of the first event; a stream's events are numbered 1, 2, 3, ….
        count: How many events there are.
        payload: Them, encoded; opaque here.
        is_last: Whether the stream has ended with them.
    """

    id: str
    first: int
    count: int
    payload: bytes
    is_last: bool = False


class StreamRecord(msgspec.Struct, frozen=True, gc=False):
    """A stream as the store knows it.

    Args:
        claim: What it began with; `claim.worker` is who fills it now.
        last: The number of its last event; 0 where there is none yet.
        is_finished: Whether it has ended.
        is_stopping: Whether somebody has asked for its end.
    """

    claim: StreamClaim
    last: int = 0
    is_finished: bool = False
    is_stopping: bool = False


class StoreLimits(msgspec.Struct, frozen=True, gc=False):
    """How much a store keeps, and for how long.

    Args:
        stream: Bytes of payloads that one stream may have.
        total: Bytes of payloads of all streams together.
        retention: Seconds for which a finished stream can be read.
    """

    stream_bytes: int = 8 * 1024 * 1024
    total_bytes: int = 512 * 1024 * 1024
    retention: float = 300.0


@runtime_checkable
class Store(Protocol):
    """Keeps the events of resumable streams.

    Attributes:
        window: Seconds for which it is worth to collect events before they are appended together, where somebody
            waits for them elsewhere.
    """

    @property
    def window(self) -> float: ...  # noqa: D102

    def check(self) -> str | None:
        """Look whether the store can be used.

        Returns:
            A sentence on what may lose answers, such as a policy to evict; None where there is nothing to be said.

        Raises:
            ConfigurationError: it never can be without a change, such as of the password.
            StoreUnavailable: it cannot be used now.
        """
        ...

    def claim(self, claim: StreamClaim, name: str | None = None) -> StreamRecord | None:
        """Begin a stream, if there is none of that id: one atomic step, whoever else tries at the same moment.

        Args:
            claim: What it begins with.
            name: By what it is to be found as well, as long as it is there and until another is begun by that name.

        Returns:
            None where the stream is the caller's to fill now; the record of the one that is there otherwise.

        Raises:
            StoreUnavailable: also where all streams together have the bytes that they may have, and no finished one
                is left to make room.
        """
        ...

    def withdraw(self, id: str, worker: str) -> None:  # noqa: A002
        """Take back a claim of a worker's of which no event was written, so that the id is free again.

        Does nothing where there is none, or it is another worker's, has an event, or has ended.
        """
        ...

    def append(self, worker: str, entries: Sequence[EventBatch]) -> set[str]:
        """Add events to streams, in order; all of them in one step, and all that watch them are told.

        Returns:
            The ids of streams whose entries were refused, because the stream is not this worker's any more, is
            finished, is gone, does not go on with this number, or would be larger than a stream may be; or because
            all streams together would be, and no finished one is left to make room. For an entry of at most
            `LAST_WORDS` bytes with which a stream ends there is always room.
        """
        ...

    def find(self, id: str) -> StreamRecord | None:  # noqa: A002  # the field's name
        """Return the record of a stream; None where there is none, or its retention is over."""
        ...

    def find_by_name(self, name: str) -> StreamRecord | None:
        """Return the record of the stream that was last begun by a name; None where it cannot be found any more."""
        ...

    def clear_name(self, name: str, id: str) -> None:  # noqa: A002
        """Let a stream not be found by a name any more. Does nothing where another was begun by it since."""
        ...

    def read(self, id: str, after: int, most: int) -> list[EventBatch]:  # noqa: A002
        """Return the entries that hold events beyond number `after`, oldest first.

        The first of them may begin before that number. At most `most` bytes of payloads, but one entry at least where
        there is one; empty where there is none. They are what is there: a store that loses what it took, such as a
        Redis that evicts, may leave a gap between their numbers.
        """
        ...

    def request_stop(self, id: str) -> None:  # noqa: A002
        """Ask whoever fills a stream to end it; its watchers are told. Does nothing where it has ended or is gone."""
        ...

    def add_reader(self, id: str, reader: str, seconds: float) -> None:  # noqa: A002
        """Note that a reader follows a stream, for so many seconds from now."""
        ...

    def remove_reader(self, id: str, reader: str) -> None:  # noqa: A002
        """Note that a reader has left. May be called twice, and for one that never attended."""
        ...

    def has_stream_readers(self, id: str) -> bool:  # noqa: A002
        """Whether any reader that attends the stream has neither left nor run out of its time."""
        ...

    def has_readers(self, worker: str) -> bool:
        """Whether anybody attends any stream that a worker fills, or did a moment ago."""
        ...

    def renew_lease(self, worker: str) -> None:
        """Note that a worker is alive; it counts as such for `LEASE` seconds."""
        ...

    def is_alive(self, worker: str) -> bool:
        """Whether a worker has renewed its lease in time. Clocks of different machines are never compared."""
        ...

    def acquire(self, id: str, dead: str, worker: str) -> bool:  # noqa: A002
        """Make an unfinished stream of a dead worker this worker's, in one atomic step.

        Returns:
            Whether it is; False where it has ended, is another worker's by now, or `dead` is alive.
        """
        ...

    def watch(self, id: str, wake: Callable[[], None]) -> Callable[[], None]:  # noqa: A002
        """Call `wake` in the event loop after each change of a stream by anybody: new events, its end, a wish to stop.

        `wake` must not block, and may be called without a change. A change that comes before this returns may be
        missed: look once after it. What a store notices late it notices within 20 ms.

        Returns:
            What ends the watch; may be called twice.
        """
        ...

    def watch_stop(self, id: str, wake: Callable[[], None]) -> Callable[[], None]:  # noqa: A002
        """Call `wake` in the event loop after somebody has asked for a stream's end, and at no other change.

        This is for whoever fills the stream, whom its own events need not wake; otherwise as `watch`.
        """
        ...

    def delete_expired(self) -> None:
        """Remove what is too old to be read.

        That is finished streams after their retention, and unfinished ones when their worker has been dead for as
        long; it is seen alive when it adds something, and by a sweep.
        """
        ...

    def close(self) -> None:
        """Let go of connections, files and threads. May be called twice."""
        ...
