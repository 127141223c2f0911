"""Cancels a resumable stream that has had no reader on any worker for its grace time."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent

POLL_INTERVAL = 1.0
"""Seconds between two checks for readers on other workers."""


class DisconnectGrace:
    """The grace timer of one stream.

    Args:
        seconds: The grace time, from the last moment at which the stream had a reader on any worker.
        has_remote_readers: Returns whether the stream has readers on other workers; may block.
        on_expired: Called when the grace time has passed.
    """

    __slots__ = ("_greenlet", "_has_remote_readers", "_on_expired", "_seconds")

    def __init__(
        self, seconds: float, has_remote_readers: Callable[[], bool], on_expired: Callable[[], object]
    ) -> None:
        self._seconds = seconds
        self._has_remote_readers, self._on_expired = has_remote_readers, on_expired
        self._greenlet: gevent.Greenlet | None = None

    def start(self) -> None:
        """Start the timer. Does nothing if the timer runs."""
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """Cancel the timer. Idempotent."""
        greenlet, self._greenlet = self._greenlet, None
        if greenlet is not None:
            greenlet.kill(block=False)

    def _run(self) -> None:
        expires_at = time.monotonic() + self._seconds
        while (left := expires_at - time.monotonic()) > 0:
            gevent.sleep(min(left, POLL_INTERVAL))
            if self._has_remote_readers():
                expires_at = time.monotonic() + self._seconds
        # A reader may have come back in this turn of the loop and called `stop`: this greenlet still runs to its end.
        if self._greenlet is gevent.getcurrent():
            self._greenlet = None
            self._on_expired()
