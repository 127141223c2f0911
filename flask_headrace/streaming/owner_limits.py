"""How many of a worker's streams each owner has open: one who asks with a key may not take them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from gevent.monkey import get_original

from ..core.errors import StreamLimitExceeded


class OwnerLimits:
    """The open streams, and the readings of streams from elsewhere, by who has them.

    Nobody in particular (the empty owner, who asks where there are no keys) may have any number.

    Args:
        most: How many one owner may have.
    """

    def __init__(self, max_streams: int) -> None:
        self.max_streams = max_streams
        self._owners: dict[Hashable, str] = {}
        self._counts: Counter[str] = Counter()
        # Each request may have a thread of its own. Nothing waits while it is held.
        self._lock = get_original("_thread", "allocate_lock")()

    def __repr__(self) -> str:
        return f"<Shares of {len(self._counts)} owners, {self.max_streams} each at most>"

    def check(self, owner: str) -> None:
        """Return if an owner may have another one.

        Raises:
            StreamLimitExceeded: they have as many as they may; 429.
        """
        if owner and self._counts[owner] >= self.max_streams:
            refused = StreamLimitExceeded(
                f"You have {self.max_streams} streams open on this worker, which are all that one may have. End one of them, "
                "or try again soon.",
                retry_after=2,
            )
            refused.status = 429
            raise refused

    def add(self, stream: Hashable, owner: str) -> None:
        """Count one that is open now. Does nothing where it is counted, or has no owner."""
        with self._lock:
            if owner and stream not in self._owners:
                self._owners[stream] = owner
                self._counts[owner] += 1

    def remove(self, stream: Hashable) -> None:
        """Count it no more. May be called twice, and for one that was never counted."""
        with self._lock:
            owner = self._owners.pop(stream, None)
            if owner is not None:
                self._counts[owner] -= 1
                if not self._counts[owner]:
                    del self._counts[owner]
