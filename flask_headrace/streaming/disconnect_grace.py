"""What comes of a stream that nobody reads here: a plain one ends, a kept one goes on for a while.

In that while a reader may come back, to this worker or to another.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import gevent

if TYPE_CHECKING:
    from .context import Keeper
    from .session import Session

LOOK = 1.0
"""Seconds between two looks for readers elsewhere."""


class Grace:
    """The time that a session has without a reader here.

    Args:
        session: It.
    """

    __slots__ = ("_running", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._running: gevent.Greenlet | None = None

    def start(self) -> None:
        """Let the time run; for a plain stream it is over at once."""
        keeper = self._session.keeper
        if keeper is None:
            self._session.cancel("reader_left")
        elif self._running is None:
            self._running = gevent.spawn(self._run, keeper)

    def stop(self) -> None:
        """Let it run no more. May be called twice."""
        running, self._running = self._running, None
        if running is not None:
            running.kill(block=False)

    def _run(self, keeper: Keeper) -> None:
        session = self._session
        over = time.monotonic() + session.limits.grace
        while (left := over - time.monotonic()) > 0:
            gevent.sleep(min(left, LOOK))
            if keeper.is_attended(session):
                over = time.monotonic() + session.limits.grace
        # A reader may have come back in this very turn of the loop: the greenlet runs all the same, and has no say.
        if self._running is gevent.getcurrent():
            self._running = None
            session.cancel("reader_left")
