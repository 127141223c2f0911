"""One reader of a stream: it returns new events, waits for more, and returns a heartbeat after a silence.

A reader counts the time for which its caller accepts nothing. It does not depend on how events are sent.
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
"""The empty list, which a reader returns after a silence in place of events."""


class StreamReader:
    """An iterator over lists of events that ends after the stream's terminal event.

    Args:
        session: The stream.
        after: The number of the event after which reading begins; 0 for the first event.
        seen: The number of the last event that the client has; None if that is `after`.

    Attributes:
        position: The number of the last event that this reader returned.
        replayed: The number of the stream's last event when this reader came; set by a stream of this worker.
        seen: The number of the last event that the client has.
        is_numbered: Whether to send the events' numbers to the client.
        waiter: Where the reader waits for events.
        on_stall: Called when the client has accepted nothing for too long; must not block. None for nothing.
        on_complete: Called when the client has accepted all events of the stream; must not block. None for nothing.
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
        "replayed",
        "seen",
        "session",
        "waiter",
    )

    def __init__(self, session: ReadableStream, after: int = 0, *, seen: int | None = None) -> None:
        self.session = session
        self.position = after
        self.replayed = 0
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
        """Return what `read` returns, up to the end."""
        if (events := self.read()) is None:
            raise StopIteration
        return events

    def read(self) -> list[Event] | None:
        """Return the new events, or `HEARTBEAT` after a silence; None at the end. Blocks until then.

        In place of an iteration, since the interpreter needs more of the stack for that, which a waiting stream keeps.
        """
        self.mark_progress()
        self._is_reading = self._wants_heartbeat = False
        while self._is_closed or not (events := self.session.take_events(self)):
            if self._is_closed or self.session.terminal is not None:
                self._finish()
                return None
            self.waiter.wait()
            if self._wants_heartbeat:
                self._wants_heartbeat = False
                events = HEARTBEAT
                break
        self.mark_progress()
        self._is_reading = True
        return events

    def _finish(self) -> None:
        self.session.remove_reader(self)
        if not self._is_closed and self.on_complete is not None:
            self.on_complete()

    def mark_progress(self) -> None:
        """Record that the client has accepted the last events, or a part of their bytes."""
        self._waiting_since = time.monotonic()

    def hold_events(self) -> None:
        """Do not count the time from now on for the client: the application holds the events that were returned."""
        self._is_reading = False

    def release_events(self) -> None:
        """Count the time from now on for the client: the events that were held are sent to it."""
        self.mark_progress()
        self._is_reading = True

    def close(self) -> None:
        """Stop reading, and end a waiting iteration. Idempotent; may be called from the event loop."""
        self._is_closed = True
        self.session.remove_reader(self)
        self.waiter.wake()

    def deadlines(self) -> Iterator[Deadline]:
        """Yield the deadline of the wait that this reader is in: for its client, or for the next heartbeat."""
        limits = self.session.limits
        if self._is_reading:
            if limits.client is not None and not self._is_stalled:
                yield self._waiting_since + limits.client, self._handle_stall
        elif limits.heartbeat is not None:
            yield self._waiting_since + limits.heartbeat, self.send_heartbeat

    def send_heartbeat(self) -> None:
        """Let a waiting `read` return `HEARTBEAT` now. Must not block; may be called from the event loop."""
        self._waiting_since = time.monotonic()
        self._wants_heartbeat = True
        self.waiter.wake()

    def _handle_stall(self) -> None:
        self._is_stalled = True
        self.session.drop_reader(self)
        if self.on_stall is not None:
            self.on_stall()
