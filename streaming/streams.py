"""The open streams of one worker: how many there may be, and how they end when the worker does."""

from __future__ import annotations

from collections.abc import Callable

import gevent
from gevent.event import Event as Flag

from . import pump
from .errors import ShuttingDown, TooManyStreams
from .pump import Source
from .session import Limits, Session, Target


class Streams:
    """All streams that are open here.

    Args:
        limits: The bounds of each.
        most: How many may be open at once.
        on_start: Called when one is opened, before its upstream is asked.
        on_end: Called once for each after its end, in a greenlet of its own; may block.
    """

    def __init__(
        self,
        limits: Limits,
        most: int,
        on_start: Callable[[Session], None],
        on_end: Callable[[Session], None],
    ) -> None:
        self._limits = limits
        self._most = most
        self._on_start = on_start
        self._on_end = on_end
        self._open: dict[str, Session] = {}
        self._is_empty = Flag()
        self._is_empty.set()
        self.is_closing = False

    def __len__(self) -> int:
        return len(self._open)

    def __repr__(self) -> str:
        return f"<Streams {len(self)} of {self._most} open{', closing' if self.is_closing else ''}>"

    def open(self, target: Target, source: Source) -> Session:
        """Open a stream; its upstream is asked as soon as the caller waits for something.

        Raises:
            TooManyStreams: as many as allowed are open; 503.
            ShuttingDown: the worker is about to leave; 503.
        """
        if self.is_closing:
            raise ShuttingDown("This worker is shutting down. Try again in a moment.", retry_after=1)
        if len(self._open) >= self._most:
            raise TooManyStreams(f"All {self._most} streams of this worker are taken. Try again soon.", retry_after=2)
        session = Session(target, self._limits)
        self._open[session.id] = session
        self._is_empty.clear()
        try:
            self._on_start(session)
        except BaseException:
            session.cancel("stopped")
            raise
        finally:
            # Also where nobody will read it: each stream ends, and its end is told, by its pump alone.
            pump.start(session, source, self._ended)
        return session

    def drain(self, seconds: float) -> int:
        """Open no more streams, let those that are open finish for so long, then end the rest.

        Returns:
            How many had to be ended.
        """
        self.is_closing = True
        self._is_empty.wait(seconds)
        left = list(self._open.values())
        for session in left:
            session.fail(ShuttingDown("The service is restarting. Try again in a moment.", retry_after=1))
        self._is_empty.wait(5)
        gevent.sleep(0)
        return len(left)

    def _ended(self, session: Session) -> None:
        try:
            self._on_end(session)
        finally:
            del self._open[session.id]
            session.is_told = True
            if not self._open:
                self._is_empty.set()
