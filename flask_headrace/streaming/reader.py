"""One reader of a stream: it takes what has come, waits for more, and tells when the silence is long.

It knows its session and its own clock, not where the bytes go.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from ..core.events import Event
from .deadlines import Deadline
from .readable import ReadableStream
from .waiter import GreenletWaiter

HEARTBEAT: Final[list[Event]] = []
"""What a follower returns after a silence in place of events: the empty list."""


class StreamReader:
    """An iterator over lists of events that ends after the stream's terminal event.

    Args:
        session: The stream.
        after: The number of the event after which it begins.
        seen: The number of the last event that the reader has already, where that is not the same.

    Attributes:
        position: The number of the last event that was handed out.
        seen: The number of the last event that the reader has already.
        is_numbered: Whether the reader is to be told the events' numbers.
        parking: Where it waits for events.
        on_stall: Called when its reader has accepted nothing for too long; must not block.
        on_whole: Called when its reader has accepted all up to the stream's end; must not block.
    """

    __slots__ = (
        "_is_closed",
        "_is_reading",
        "_is_stalled",
        "_waiting_since",
        "_wants_heartbeat",
        "is_numbered",
        "on_complete",
        "on_stall",
        "position",
        "seen",
        "session",
        "waiter",
    )

    def __init__(self, session: ReadableStream, after: int = 0, *, seen: int | None = None) -> None:
        self.session = session
        self.position = after
        self.seen = after if seen is None else seen
        self.is_numbered = session.is_stored
        self.waiter = GreenletWaiter()
        self.on_stall: Callable[[], object] | None = None
        self.on_complete: Callable[[], object] | None = None
        self._waiting_since = time.monotonic()
        self._is_reading = False
        self._is_closed = self._is_stalled = False
        self._wants_heartbeat = False
        session.add_reader(self)

    def __iter__(self) -> StreamReader:
        return self

    def __next__(self) -> list[Event]:
        """Return the events that have come, or HEARTBEAT. Blocks until there is one or the other."""
        self.mark_progress()
        self._is_reading = self._wants_heartbeat = False
        while self._is_closed or not (events := self.session.take_events(self)):
            if self._is_closed or self.session.terminal is not None:
                self._finish()
                raise StopIteration
            self.waiter.wait()
            if self._wants_heartbeat:
                self._wants_heartbeat = False
                break
        self.mark_progress()
        self._is_reading = True
        return events

    def _finish(self) -> None:
        self.session.remove_reader(self)
        if not self._is_closed and self.on_complete is not None:
            self.on_complete()

    def mark_progress(self) -> None:
        """Note that the reader has accepted what it was last given."""
        self._waiting_since = time.monotonic()

    def close(self) -> None:
        """Stop following, and end the iteration if it waits. May be called twice, and from the event loop."""
        self._is_closed = True
        self.session.remove_reader(self)
        self.waiter.wake()

    def deadlines(self) -> Iterator[Deadline]:
        """Give the wait that this reader is in."""
        limits = self.session.limits
        if self._is_reading:
            if limits.client is not None and not self._is_stalled:
                yield self._waiting_since + limits.client, self._handle_stall
        elif limits.heartbeat is not None:
            yield self._waiting_since + limits.heartbeat, self._send_heartbeat

    def _send_heartbeat(self) -> None:
        self._waiting_since = time.monotonic()
        self._wants_heartbeat = True
        self.waiter.wake()

    def _handle_stall(self) -> None:
        self._is_stalled = True
        self.session.drop_reader(self)
        if self.on_stall is not None:
            self.on_stall()
