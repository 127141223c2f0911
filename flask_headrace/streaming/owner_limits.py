"""The limit of open streams per owner on one worker: no API key may use all streams of a worker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from gevent.monkey import get_original

from ..core.errors import StreamLimitExceeded


class OwnerLimits:
    """Counts the open streams of each owner, read-only ones from other workers included.

    The empty owner (a service without API keys) has no limit.

    Args:
        max_streams: How many streams one owner may have.
    """

    def __init__(self, max_streams: int) -> None:
        self.max_streams = max_streams
        self._owners: dict[Hashable, str] = {}
        self._counts: Counter[str] = Counter()
        # Requests may run in threads of their own. No code blocks while it has this lock.
        self._lock = get_original("_thread", "allocate_lock")()

    def __repr__(self) -> str:
        return f"<OwnerLimits {len(self._counts)} owners, at most {self.max_streams} streams each>"

    def check(self, owner: str) -> None:
        """Return if an owner may open another stream.

        Raises:
            StreamLimitExceeded: the owner has `max_streams` open streams; 429.
        """
        if owner and self._counts[owner] >= self.max_streams:
            error = StreamLimitExceeded(
                f"You have {self.max_streams} streams open on this worker, the maximum for one owner. Close one of "
                "them, or retry soon.",
                retry_after=2,
            )
            error.status = 429
            raise error

    def add(self, stream: Hashable, owner: str) -> None:
        """Count a stream for its owner. Does nothing if the stream is counted or has no owner."""
        with self._lock:
            if owner and stream not in self._owners:
                self._owners[stream] = owner
                self._counts[owner] += 1

    def remove(self, stream: Hashable) -> None:
        """Stop counting a stream. Idempotent; does nothing for a stream that was never counted."""
        with self._lock:
            owner = self._owners.pop(stream, None)
            if owner is not None:
                self._counts[owner] -= 1
                if not self._counts[owner]:
                    del self._counts[owner]
