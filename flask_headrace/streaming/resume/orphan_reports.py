"""Tells the application of the ends of dead workers' streams, which this worker has finished. Knows no store."""

from __future__ import annotations

from collections.abc import Callable

import gevent

from ...core.events import Event
from ..stores.base import StreamRecord


class OrphanReports:
    """Calls a function for each stream of a dead worker, in a greenlet of its own.

    Attributes:
        on_end: Called with the record of the stream and its last events; may block. None for nothing.
    """

    def __init__(self) -> None:
        self.on_end: Callable[[StreamRecord, list[Event]], None] | None = None
        self._running: set[gevent.Greenlet] = set()

    def report(self, record: StreamRecord, ending: list[Event]) -> None:
        """Report the end of a stream.

        Args:
            record: The record of the stream before its end.
            ending: The last events of the stream.
        """
        if self.on_end is not None:
            running = gevent.spawn(self.on_end, record, ending)
            self._running.add(running)
            running.link(self._running.discard)

    def wait(self, seconds: float) -> None:
        """Wait for at most `seconds` until all calls of `on_end` have returned."""
        gevent.joinall(list(self._running), seconds)
