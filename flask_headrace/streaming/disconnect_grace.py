"""The time that a resumable stream goes on without a reader here. In that time one may come, to any worker."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent

POLL_INTERVAL = 1.0
"""Seconds between two looks for readers elsewhere."""


class DisconnectGrace:
    """The time that one stream has without a reader here.

    Args:
        seconds: Its length, from the moment at which the last reader was seen anywhere.
        has_remote_readers: Returns whether anybody reads the stream elsewhere; may wait.
        on_over: Called when the time is over.
    """

    __slots__ = ("_greenlet", "_has_remote_readers", "_on_expired", "_seconds")

    def __init__(
        self, seconds: float, has_remote_readers: Callable[[], bool], on_expired: Callable[[], object]
    ) -> None:
        self._seconds = seconds
        self._has_remote_readers, self._on_expired = has_remote_readers, on_expired
        self._greenlet: gevent.Greenlet | None = None

    def start(self) -> None:
        """Start the time. Does nothing where it runs."""
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """Cancel the time. May be called twice."""
        running, self._greenlet = self._greenlet, None
        if running is not None:
            running.kill(block=False)

    def _run(self) -> None:
        over = time.monotonic() + self._seconds
        while (left := over - time.monotonic()) > 0:
            gevent.sleep(min(left, POLL_INTERVAL))
            if self._has_remote_readers():
                over = time.monotonic() + self._seconds
        # A reader may have come back in this very turn of the loop: the greenlet runs all the same, and has no say.
        if self._greenlet is gevent.getcurrent():
            self._greenlet = None
            self._on_expired()
