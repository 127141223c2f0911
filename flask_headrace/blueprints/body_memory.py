"""The memory that large request bodies take on one worker: all of them together have a limit.

A body counts while it is received and until the upstream has begun to answer. Small ones do not count: the limit of
open streams bounds them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing

from gevent.monkey import get_original

from ..core.body_errors import BodyLimitExceeded
from ..core.events import Event, StreamMetadata
from ..streaming.producer import Source

OWNER_SHARE = 2
"""The part of the memory that one owner may take: one divided by this, and always one body."""


class BodyMemory:
    """Counts the bytes of the large bodies that a worker holds.

    Args:
        max_bytes: Maximum bytes of all bodies together.
        max_body: Maximum bytes of one body.
    """

    def __init__(self, max_bytes: int, max_body: int) -> None:
        self.max_bytes = max(max_bytes, max_body)
        self._max_per_owner = max(self.max_bytes // OWNER_SHARE, max_body)
        self._owners: Counter[str] = Counter()
        self._total = 0
        # Requests may run in threads of their own. No code blocks while it has this lock.
        self._lock = get_original("_thread", "allocate_lock")()

    def __repr__(self) -> str:
        return f"<BodyMemory {self._total} of {self.max_bytes} bytes>"

    @property
    def total(self) -> int:
        """The bytes that are reserved now."""
        return self._total

    def reserve(self, owner: str) -> BodyReservation:
        """Return a reservation of no bytes yet, for a body of this owner; empty for everybody together."""
        return BodyReservation(self, owner)

    def add(self, owner: str, size: int) -> None:
        """Count further bytes of an owner; a negative number no longer counts them.

        Raises:
            BodyLimitExceeded: that would be more than the worker, or this owner on it, may hold; 503 or 429.
        """
        with self._lock:
            if size > 0:
                self._check(owner, size)
            self._total += size
            self._owners[owner] += size
            if not self._owners[owner]:
                del self._owners[owner]

    def _check(self, owner: str, size: int) -> None:
        if self._total + size > self.max_bytes:
            raise BodyLimitExceeded(
                f"This worker holds {self.max_bytes} bytes of large requests, the maximum: send this one again soon.",
                retry_after=2,
            )
        if owner and self._owners[owner] + size > self._max_per_owner:
            error = BodyLimitExceeded(
                f"You have {self._max_per_owner} bytes of large requests on this worker, the maximum for one owner: "
                "send this one again soon.",
                retry_after=2,
            )
            error.status = 429
            raise error


class BodyReservation:
    """The bytes of one body that count. Closed with the request in which the body came, or earlier."""

    __slots__ = ("_memory", "_owner", "_size")

    def __init__(self, memory: BodyMemory, owner: str) -> None:
        self._memory, self._owner, self._size = memory, owner, 0

    def grow_to(self, size: int) -> None:
        """Count so many bytes.

        Raises:
            BodyLimitExceeded: see `BodyMemory.add`.
        """
        self._memory.add(self._owner, size - self._size)
        self._size = size

    def close(self) -> None:
        """Count none. Idempotent."""
        size, self._size = self._size, 0
        if size:
            self._memory.add(self._owner, -size)


def close_at_first_event(source: Source, reservation: BodyReservation) -> Source:
    """Return a source that closes a reservation with its first event: the upstream has the request then.

    Args:
        source: A source that does not need the request after that.
        reservation: The reservation of the request's body.
    """
    sources = [source]
    del source  # has the conversation, and the source that is returned lives longer
    return lambda: _batches(sources, reservation)


def _batches(sources: list[Source], reservation: BodyReservation) -> Iterator[list[Event] | StreamMetadata]:
    batches = sources.pop()()
    with closing(batches):  # type: ignore[type-var]  # iterators of sources can be closed
        for batch in batches:
            reservation.close()
            yield batch
