"""A stream with all its parts in this process: a scripted source, a session, its producer and a reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gevent
from gevent.queue import Queue

from flask_headrace.core.events import (
    Attempt,
    Cancelled,
    Completed,
    Event,
    Failed,
    ResponseStarted,
    TextDelta,
    Usage,
    terminal_reason,
)
from flask_headrace.core.pricing import FREE
from flask_headrace.streaming import producer
from flask_headrace.streaming.context import StreamContext, StreamLimits
from flask_headrace.streaming.reader import StreamReader
from flask_headrace.streaming.session import StreamSession
from tests.support.event_loop import settle, until

CONTEXT = StreamContext("acme/tiny", "acme", "tiny", FREE, prompt_bytes=40)
UNLIMITED = StreamLimits(heartbeat=None, first_token=None, stall=None, duration=None, client=None)
NARROW = StreamLimits(heartbeat=None, first_token=None, stall=None, duration=None, client=None, max_buffer_bytes=100)
DONE = Completed("stop")
REPORTED = Usage(9, 2, cost=0.5, attempts=(Attempt("acme/tiny", 9, 2, 0.5),))


def text(*pieces: str) -> list[Event]:
    """Make one list of text deltas."""
    return [TextDelta(piece) for piece in pieces]


def is_terminal(event: Event) -> bool:
    """Return whether an event is a terminal event."""
    return isinstance(event, (Completed, Failed, Cancelled))


class Source:
    """Yields the items that the test gives, raises those that are exceptions, and counts its calls and closings.

    The source ends after a list that ends with `Completed`; if it `lingers`, it waits for further items instead.
    """

    def __init__(self, *given: Any, on_close: Callable[[], object] = lambda: None, lingers: bool = False) -> None:
        self.queue: Queue[Any] = Queue()
        self.asked = self.closed = 0
        self._lingers = lingers
        self._on_close = on_close
        for item in given:
            self.queue.put(item)

    def __call__(self) -> Iterator[list[Event]]:
        self.asked += 1
        try:
            while True:
                item = self.queue.get()
                if isinstance(item, BaseException):
                    raise item
                yield item
                if isinstance(item, list) and item and isinstance(item[-1], Completed) and not self._lingers:
                    return
        finally:
            self.closed += 1
            self._on_close()

    def give(self, *items: Any) -> None:
        """Append items to yield or raise."""
        for item in items:
            self.queue.put(item)


class Reader:
    """Reads a session in a greenlet of its own, and collects its events."""

    def __init__(self, session: StreamSession, on_batch: Callable[[list[Event]], object] = lambda _: None) -> None:
        self.reader = StreamReader(session)
        self.batches: list[list[Event]] = []
        self._on_batch = on_batch
        self.greenlet = gevent.spawn(self._read)

    def _read(self) -> None:
        for events in self.reader:
            self.batches.append(events)
            self._on_batch(events)

    @property
    def events(self) -> list[Event]:
        """All events so far, without `ResponseStarted`."""
        got = [event for batch in self.batches for event in batch]
        return got[1:] if got and isinstance(got[0], ResponseStarted) else got

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))

    @property
    def heartbeats(self) -> int:
        """The number of heartbeats so far."""
        return self.batches.count([])

    def read(self) -> list[Event]:
        """Wait for the stream's end and return its events."""
        self.greenlet.join(5)
        assert self.greenlet.dead, "the stream has not ended"
        return self.events


class Stream:
    """A session and its producer. `ends` are the sessions for which `on_end` was called."""

    def __init__(
        self,
        source: Source,
        limits: StreamLimits = UNLIMITED,
        on_end: Callable[[StreamSession], object] = lambda _: None,
    ) -> None:
        self.source = source
        self.session = StreamSession(CONTEXT, limits)
        self.ends: list[StreamSession] = []
        self._on_end = on_end
        producer.start_producer(self.session, source, self._ended)

    @property
    def reason(self) -> str:
        """Why the stream ended, in one word."""
        return terminal_reason(self.session.terminal)

    def _ended(self, session: StreamSession) -> None:
        assert session.terminal is not None
        self.ends.append(session)
        self._on_end(session)


def read_all(stream: Stream) -> list[Event]:
    """Read the stream to its end, and check what holds for every end."""
    events = Reader(stream.session).read()
    check_end(stream, events)
    return events


def check_end(stream: Stream, events: list[Event]) -> None:
    """Check what holds for every end."""
    until(lambda: stream.ends)
    settle()
    assert stream.ends == [stream.session]
    assert [event for event in events if is_terminal(event)] == [events[-1]]
    assert stream.session.terminal == stream.session.pending_terminal == events[-1]
    assert isinstance(events[-2], Usage)
    assert stream.source.closed == stream.source.asked
