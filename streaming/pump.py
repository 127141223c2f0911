"""The greenlet that fills a session from its source, and sees to it that every stream has its end.

A source is called only here, so nothing exists upstream before the pump runs. It yields lists of events, one list for
each read from the network, and at its end a `Usage` (where it was told) and a `Done`, in this order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TypeAlias

import gevent

from .errors import HeadraceError, UpstreamBroken
from .events import Cancelled, Done, Event, Failed, Terminal, Usage
from .mistakes import mistake
from .session import Session

Source: TypeAlias = Callable[[], Iterator[list[Event]]]
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
    except gevent.GreenletExit:
        # Where many readers leave at once, every upstream is closed before the first account is made.
        gevent.sleep(0)
    except HeadraceError as error:
        terminal = _failed(session, error)
    except Exception as error:  # noqa: BLE001  # a mistake of ours, or of a provider, is an end like any other
        terminal = _failed(session, mistake(session.id, error))
    finally:
        session.interrupt = None
        session.finish(terminal)
        # Not here: an interrupt that was under way when the source ended would cut it short.
        gevent.spawn(on_end, session)


def _fill(session: Session, source: Source) -> None:
    with closing(source()) as batches:  # type: ignore[type-var]  # sources are generators
        for events in batches:
            if events and type(events[-1]) is Done:
                _finish(session, events)
                # The reader has its answer; the source may now see to its connection.
                next(batches, None)
                return
            if events:
                session.append(events)
            if session.ending is not None:
                # A source that never waits would never let the interrupt through.
                return
    raise UpstreamBroken(f"{session.target.model} ended its answer without a finish reason. Try again.")


def _finish(session: Session, events: list[Event]) -> None:
    *deltas, done = events
    if deltas and isinstance(deltas[-1], Usage):
        session.usage = deltas[-1]
        deltas.pop()
    if deltas:
        session.append(deltas)
    session.finish(done)  # type: ignore[arg-type]  # the caller has looked


def _failed(session: Session, error: HeadraceError) -> Failed:
    if session.ending is None:
        session.error = error
    return Failed(error.code, error.message, error.retryable)
