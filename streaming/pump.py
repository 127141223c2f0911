"""The greenlet that fills a session from its source, and sees to it that every stream has its end.

A source is called only here, so nothing exists upstream before the pump runs. It yields lists of events, one list for
each read from the network. A terminal event comes last in its list and ends the stream; a `Usage` comes last, or just
before it, and is taken for the accounts. A note stands by itself, in place of a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TypeAlias

import gevent

from .errors import HeadraceError, SourceFailed, UpstreamBroken
from .events import Cancelled, Done, Event, Failed, Note, Terminal, Usage
from .mistakes import mistake
from .session import Session

Source: TypeAlias = Callable[[], Iterator[list[Event] | Note]]
"""Asks the upstream when called. Closing what it returns closes the upstream."""


def start(session: Session, source: Source, on_end: Callable[[Session], None]) -> None:
    """Fill `session` from `source` in a greenlet of its own.

    Args:
        session: The stream.
        source: Where its events come from.
        on_end: Called once, in a greenlet of its own, after the stream's end was sent and the upstream was closed.
    """
    gevent.spawn(_run, session, source, on_end)


def _run(session: Session, source: Source, on_end: Callable[[Session], None]) -> None:
    pump = gevent.getcurrent()
    session.interrupt = lambda: pump.kill(block=False)
    terminal: Terminal = Cancelled("stopped")
    try:
        if session.ending is None:
            _fill(session, source)
    except HeadraceError as error:
        terminal = _failed(session, error)
    except BaseException as error:  # noqa: BLE001  # a mistake of ours, or of a provider, is an end like any other
        if session.ending is None:
            terminal = _failed(session, mistake(session.id, error))
        elif isinstance(error, gevent.GreenletExit):
            # Where many readers leave at once, every upstream is closed before the first account is made.
            gevent.sleep(0)
    finally:
        session.interrupt = None
        session.finish(terminal)
        # Not here: an interrupt that was under way when the source ended would cut it short.
        gevent.spawn(on_end, session)


def _fill(session: Session, source: Source) -> None:
    session.is_asked = True
    with closing(source()) as batches:  # type: ignore[type-var]  # sources are generators
        for events in batches:
            if isinstance(events, Note):
                session.account(events)
                continue
            if events and type(events[-1]) in _APART:
                events = _taken_apart(session, events)  # noqa: PLW2901  # the rest of the same list
            if session.terminal is not None:
                if isinstance(session.terminal, Done):
                    # The reader has its answer; the source may now see to its connection.
                    next(batches, None)
                return
            if events:
                session.append(events)
            if session.ending is not None:
                # A source that never waits would never let the interrupt through.
                return
    raise UpstreamBroken(f"{session.target.model} ended its answer without a finish reason. Try again.")


_APART = {Usage, Done, Failed, Cancelled}
"""Events that the session is told of in ways of their own."""


def _taken_apart(session: Session, events: list[Event]) -> list[Event]:
    rest = events[:]
    terminal = None if isinstance(rest[-1], Usage) else rest.pop()
    if rest and isinstance(rest[-1], Usage):
        session.account(rest.pop())  # type: ignore[arg-type]  # it was looked at
    if terminal is None:
        return rest
    if rest or (isinstance(terminal, Done) and session.first_event_at is None):
        session.append(rest)  # a whole answer may be empty, and has begun all the same
    if isinstance(terminal, Failed) and session.ending is None:
        session.error = SourceFailed(terminal.message, code=terminal.code, retryable=terminal.retryable)
    session.finish(terminal)  # type: ignore[arg-type]  # the caller has looked
    return []


def _failed(session: Session, error: HeadraceError) -> Failed:
    if session.ending is None:
        session.error = error
    return Failed(error.code, error.message, error.retryable)
