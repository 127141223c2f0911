"""The greenlet that fills a session from its source, and guarantees one terminal event.

Only this greenlet calls the source, so no upstream request exists before it runs. A source yields lists of events, one
list for each read from the network. A terminal event ends the stream; later events are dropped, except a `Usage` in the
same list, which counts wherever it stands in the list. A `StreamMetadata` is yielded by itself, in place of a list.

A source may belong to the application. If it never waits, hangs, or does not close, no other stream is affected.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import gevent

from ..core.errors import HeadraceError, SourceError, UpstreamProtocolError
from ..core.events import TERMINAL_EVENTS, Cancelled, Completed, Event, Failed, StreamMetadata, TerminalEvent, Usage
from .internal_error import log_internal_error
from .session import StreamSession

log = logging.getLogger("flask_headrace")

Source: TypeAlias = Callable[[], Iterator[list[Event] | StreamMetadata]]
"""Returns an iterator over the events of an upstream. Closing the iterator closes the upstream."""

SOURCE_CLOSE_TIMEOUT = 1.0
"""Seconds that a source may take to close its connection after its answer. Readers never wait longer for it."""

STOP_RETRY_INTERVAL = 5.0
"""Seconds between two attempts to stop a source: it may be cleaning up."""

MAX_STOP_ATTEMPTS = 4
"""Attempts to stop a source before its greenlet is abandoned."""

MAX_EVENTS_PER_TURN = 256
"""Events read in a row from a source that never waits, before other greenlets run."""

_SPLIT_TYPES = {Usage, *TERMINAL_EVENTS}
"""Events that are passed to the session separately from the others of their list."""


def start_producer(session: StreamSession, source: Source, on_end: Callable[[StreamSession], None]) -> None:
    """Fill `session` from `source` in a new greenlet.

    Args:
        session: The stream.
        source: Where its events come from.
        on_end: Called once, in a greenlet of its own, after the stream's terminal event was published. The upstream is
            closed by then, unless its source takes too long to close.
    """
    gevent.spawn(_Producer(session, source, on_end).run)


class _Producer:
    """Fills one session; see `start_producer`."""

    __slots__ = ("_greenlet", "_has_ended", "_on_end", "_session", "_source", "_stop_attempts", "_timer")

    def __init__(self, session: StreamSession, source: Source, on_end: Callable[[StreamSession], None]) -> None:
        self._session, self._source, self._on_end = session, source, on_end
        self._greenlet: Any = None
        self._timer: Any = None
        self._stop_attempts = 0
        self._has_ended = False

    def run(self) -> None:
        """Fill the session until its end. Runs in its own greenlet."""
        session = self._session
        self._greenlet = gevent.getcurrent()
        session.interrupt = self._interrupt
        terminal: TerminalEvent = Cancelled("stopped")
        try:
            if session.pending_terminal is None:
                self._fill()
        except HeadraceError as error:
            terminal = _to_failed(session, error)
        except BaseException as error:  # a bug here or in a provider ends the stream like any other error
            if session.pending_terminal is None:
                terminal = _to_failed(session, log_internal_error(session.id, error))
            elif isinstance(error, gevent.GreenletExit):
                # If many readers disconnect at once, all upstreams are closed before the first usage is computed.
                gevent.sleep(0)
            else:
                log.exception("stream %s: its source failed after the end of the stream", session.id)
        finally:
            self._cancel_timer()
            self._end(terminal)

    def _end(self, terminal: TerminalEvent) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        self._session.interrupt = None
        if self._stop_attempts:
            # In another greenlet: a kill that was pending when the source ended would interrupt `_finish`.
            gevent.spawn(self._finish, terminal)
        else:
            self._finish(terminal)

    def _finish(self, terminal: TerminalEvent) -> None:
        try:
            # May block, for example while the price list is loaded for the first time.
            self._session.finish(terminal)
        finally:
            gevent.spawn(self._on_end, self._session)

    # Reading the source

    def _fill(self) -> None:
        self._session.is_source_started = True
        batches = self._source()
        del self._source  # has the conversation, which may be large, and the answer may take long
        try:
            self._read_source(batches)
        finally:
            self._close_source(batches)

    def _read_source(self, batches: Iterator[list[Event] | StreamMetadata]) -> None:
        session = self._session
        in_a_row = 0
        for events in batches:
            if session.pending_terminal is not None:
                # The source was stopped. A usage that it still yields counts.
                self._record_usage(events)
                return
            if isinstance(events, StreamMetadata):
                session.record_usage(events)
            elif not _SPLIT_TYPES.isdisjoint(map(type, events)):
                self._split_terminal(events)
            elif events:
                session.append(events)
            if session.pending_terminal is not None:
                break
            in_a_row += 1 if isinstance(events, StreamMetadata) else len(events) or 1
            if in_a_row >= MAX_EVENTS_PER_TURN:
                # A source that never waits would block its interrupt, its time limits and all other streams.
                in_a_row = 0
                gevent.sleep(0)
        else:
            raise UpstreamProtocolError(f"{session.context.model} ended its answer without a finish reason. Try again.")
        if isinstance(session.terminal, Completed):
            # Readers have the answer; the source may now finish its connection.
            next(batches, None)

    def _split_terminal(self, events: list[Event]) -> None:
        session = self._session
        self._record_usage(events)
        end = next((place for place, event in enumerate(events) if isinstance(event, TERMINAL_EVENTS)), len(events))
        rest = [event for event in events[:end] if type(event) is not Usage]
        terminal = events[end] if end < len(events) else None
        if rest or (isinstance(terminal, Completed) and session.first_event_at is None):
            session.append(rest)  # a complete answer may be empty, and begins all the same
        if terminal is None:
            return
        if isinstance(terminal, Failed) and session.pending_terminal is None:
            session.error = SourceError(terminal.message, code=terminal.code, retryable=terminal.retryable)
        self._end(terminal)  # type: ignore[arg-type]  # checked above
        self._set_timer(SOURCE_CLOSE_TIMEOUT, self._retry_stop)

    def _record_usage(self, events: list[Event] | StreamMetadata) -> None:
        for event in [events] if isinstance(events, StreamMetadata) else events:
            if isinstance(event, (Usage, StreamMetadata)):
                self._session.record_usage(event)

    # Stopping the source

    def _close_source(self, batches: Iterator[list[Event] | StreamMetadata]) -> None:
        close = getattr(batches, "close", None)
        if close is None:
            return
        try:
            close()
        except Exception:
            # The stream's terminal event is decided and stays as it is.
            log.exception("stream %s: the source of %s failed to close", self._session.id, self._session.context.model)

    def _interrupt(self) -> None:
        self._stop_source()
        self._set_timer(SOURCE_CLOSE_TIMEOUT, self._end_unresponsive)

    def _stop_source(self) -> None:
        self._stop_attempts += 1
        self._greenlet.kill(block=False)

    def _set_timer(self, seconds: float, callback: Callable[[], None]) -> None:
        self._cancel_timer()
        self._timer = gevent.get_hub().loop.timer(seconds)
        self._timer.start(callback)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None

    def _end_unresponsive(self) -> None:
        self._set_timer(STOP_RETRY_INTERVAL, self._retry_stop)
        self._end(self._session.pending_terminal or Cancelled("stopped"))

    def _retry_stop(self) -> None:
        if self._stop_attempts < MAX_STOP_ATTEMPTS:
            self._set_timer(STOP_RETRY_INTERVAL, self._retry_stop)
            self._stop_source()
            return
        self._cancel_timer()
        session = self._session
        log.error("stream %s: the source of %s does not stop and is abandoned", session.id, session.context.model)


def _to_failed(session: StreamSession, error: HeadraceError) -> Failed:
    if session.pending_terminal is None:
        session.error = error
    return Failed(error.code, error.message, error.retryable)
