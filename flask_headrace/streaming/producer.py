"""The greenlet that fills a session from its source, and sees to it that every stream has its end.

A source is called only here, so nothing exists upstream before the pump runs. It yields lists of events, one list for
each read from the network. A terminal event ends the stream; what stands behind it is dropped, but for a `Usage` in the
same list: that is taken for the accounts, wherever it stands. A note stands by itself, in place of a list.

A source may be an application's own. One that never waits, hangs, or does not let itself be closed costs its own
stream, and no other.
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
"""Asks the upstream when called. Closing what it returns closes the upstream."""

SOURCE_CLOSE_TIMEOUT = 1.0
"""Seconds for which a source may see to its connection once its answer has ended; no reader waits longer for that."""

STOP_RETRY_INTERVAL = 5.0
"""Seconds after which a source that was told to stop, and has not, is told again: it may be cleaning up."""

MAX_STOP_ATTEMPTS = 4
"""How often a source is told to stop before it is left behind."""

MAX_EVENTS_PER_TURN = 256
"""Events that are taken in a row from a source that never waits; then all others have their turn."""

_SPLIT_TYPES = {Usage, *TERMINAL_EVENTS}
"""Events that the session is told of in ways of their own."""


def start_producer(session: StreamSession, source: Source, on_end: Callable[[StreamSession], None]) -> None:
    """Fill `session` from `source` in a greenlet of its own.

    Args:
        session: The stream.
        source: Where its events come from.
        on_end: Called once, in a greenlet of its own, after the stream's end was sent. The upstream is closed by then,
            unless its source takes its time for that.
    """
    gevent.spawn(_Producer(session, source, on_end).run)


class _Producer:
    """One session being filled; see `start`."""

    __slots__ = ("_greenlet", "_has_ended", "_on_end", "_session", "_source", "_stop_attempts", "_timer")

    def __init__(self, session: StreamSession, source: Source, on_end: Callable[[StreamSession], None]) -> None:
        self._session, self._source, self._on_end = session, source, on_end
        self._greenlet: Any = None
        self._timer: Any = None
        self._stop_attempts = 0
        self._has_ended = False

    def run(self) -> None:
        """Fill the session to its end. Runs in a greenlet of its own."""
        session = self._session
        self._greenlet = gevent.getcurrent()
        session.interrupt = self._interrupt
        terminal: TerminalEvent = Cancelled("stopped")
        try:
            if session.pending_terminal is None:
                self._fill()
        except HeadraceError as error:
            terminal = _to_failed(session, error)
        except BaseException as error:  # a mistake of ours, or of a provider, is an end like any other
            if session.pending_terminal is None:
                terminal = _to_failed(session, log_internal_error(session.id, error))
            elif isinstance(error, gevent.GreenletExit):
                # Where many readers leave at once, every upstream is closed before the first account is made.
                gevent.sleep(0)
            else:
                log.exception("stream %s: its source failed behind its end", session.id)
        finally:
            self._cancel_timer()
            self._end(terminal)

    def _end(self, terminal: TerminalEvent) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        self._session.interrupt = None
        if self._stop_attempts:
            # Not here: an interrupt that was under way when the source ended would cut it short.
            gevent.spawn(self._finish, terminal)
        else:
            self._finish(terminal)

    def _finish(self, terminal: TerminalEvent) -> None:
        try:
            # It may wait, as for the list of prices when that is read for the first time.
            self._session.finish(terminal)
        finally:
            gevent.spawn(self._on_end, self._session)

    # What the source yields

    def _fill(self) -> None:
        self._session.is_source_started = True
        batches = self._source()
        try:
            self._read_source(batches)
        finally:
            self._close_source(batches)

    def _read_source(self, batches: Iterator[list[Event] | StreamMetadata]) -> None:
        session = self._session
        in_a_row = 0
        for events in batches:
            if session.pending_terminal is not None:
                # It was told to stop, and what it tells of its tokens now counts still.
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
                # A source that never waits would let through no interrupt, no time limit, and no other stream.
                in_a_row = 0
                gevent.sleep(0)
        else:
            raise UpstreamProtocolError(f"{session.context.model} ended its answer without a finish reason. Try again.")
        if isinstance(session.terminal, Completed):
            # The reader has its answer; the source may now see to its connection.
            next(batches, None)

    def _split_terminal(self, events: list[Event]) -> None:
        session = self._session
        self._record_usage(events)
        end = next((place for place, event in enumerate(events) if isinstance(event, TERMINAL_EVENTS)), len(events))
        rest = [event for event in events[:end] if type(event) is not Usage]
        terminal = events[end] if end < len(events) else None
        if rest or (isinstance(terminal, Completed) and session.first_event_at is None):
            session.append(rest)  # a whole answer may be empty, and has begun all the same
        if terminal is None:
            return
        if isinstance(terminal, Failed) and session.pending_terminal is None:
            session.error = SourceError(terminal.message, code=terminal.code, retryable=terminal.retryable)
        self._end(terminal)  # type: ignore[arg-type]  # it was looked at
        self._set_timer(SOURCE_CLOSE_TIMEOUT, self._retry_stop)

    def _record_usage(self, events: list[Event] | StreamMetadata) -> None:
        for event in [events] if isinstance(events, StreamMetadata) else events:
            if isinstance(event, (Usage, StreamMetadata)):
                self._session.record_usage(event)

    # What stops it

    def _close_source(self, batches: Iterator[list[Event] | StreamMetadata]) -> None:
        close = getattr(batches, "close", None)
        if close is None:
            return
        try:
            close()
        except Exception:
            # How the answer has ended is told, or about to be: that stays as it is.
            log.exception("stream %s: the source of %s failed to close", self._session.id, self._session.context.model)

    def _interrupt(self) -> None:
        self._stop_source()
        self._set_timer(SOURCE_CLOSE_TIMEOUT, self._end_unresponsive)

    def _stop_source(self) -> None:
        self._stop_attempts += 1
        self._greenlet.kill(block=False)

    def _set_timer(self, seconds: float, act: Callable[[], None]) -> None:
        self._cancel_timer()
        self._timer = gevent.get_hub().loop.timer(seconds)
        self._timer.start(act)

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
        log.error("stream %s: the source of %s does not stop, and is left behind", session.id, session.context.model)


def _to_failed(session: StreamSession, error: HeadraceError) -> Failed:
    if session.pending_terminal is None:
        session.error = error
    return Failed(error.code, error.message, error.retryable)
