"""One reader of a stream: it takes what has come, waits for more, and tells when the silence is long.

It knows its session and its own clock, not where the bytes go.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from .deadlines import Due
from .events import Event
from .parking import Parking
from .session import Session

HEARTBEAT: Final[list[Event]] = []
"""What a follower returns after a silence in place of events: the empty list."""


class Follower:
    """An iterator over lists of events that ends after the stream's terminal event.

    Attributes:
        parking: Where it waits for events.
        on_stall: Called when its reader has accepted nothing for too long; must not block.
    """

    __slots__ = (
        "_is_ended",
        "_is_reading",
        "_is_stalled",
        "_since",
        "_wants_heartbeat",
        "on_stall",
        "parking",
        "session",
    )

    def __init__(self, session: Session) -> None:
        self.session = session
        self.parking = Parking()
        self.on_stall: Callable[[], None] | None = None
        self._since = time.monotonic()
        self._is_reading = False
        self._is_ended = self._is_stalled = False
        self._wants_heartbeat = False
        session.join(self)

    def __iter__(self) -> Follower:
        return self

    def __next__(self) -> list[Event]:
        """Return the events that have come, or HEARTBEAT. Blocks until there is one or the other."""
        self.progressed()
        self._is_reading = self._wants_heartbeat = False
        while self._is_ended or not (events := self.session.take()):
            if self._is_ended or self.session.terminal is not None:
                self.session.leave(self)
                raise StopIteration
            self.parking.wait()
            if self._wants_heartbeat:
                self._wants_heartbeat = False
                break
        self.progressed()
        self._is_reading = True
        return events

    def progressed(self) -> None:
        """Note that the reader has accepted what it was last given."""
        self._since = time.monotonic()

    def close(self) -> None:
        """Stop following, and end the iteration if it waits. May be called twice, and from the event loop."""
        self._is_ended = True
        self.session.leave(self)
        self.parking.wake()

    def dues(self) -> Iterator[Due]:
        """Give the wait that this reader is in."""
        limits = self.session.limits
        if self._is_reading:
            if limits.client is not None and not self._is_stalled:
                yield self._since + limits.client, self._stalled
        elif limits.heartbeat is not None:
            yield self._since + limits.heartbeat, self._beat

    def _beat(self) -> None:
        self._since = time.monotonic()
        self._wants_heartbeat = True
        self.parking.wake()

    def _stalled(self) -> None:
        self._is_stalled = True
        self.session.cancel("reader_stalled")
        if self.on_stall is not None:
            self.on_stall()
