"""What an application can hear of its streams: two signals, and one line in the log for each stream's end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import msgspec
from blinker import Namespace
from flask import Flask

from .core.events import Usage
from .streaming.session import StreamSession

_signals = Namespace()

stream_started = _signals.signal("headrace-stream-started")
"""Sent when a stream is opened, with `stream` (a `StreamStartedInfo`). The sender is the application."""

stream_ended = _signals.signal("headrace-stream-ended")
"""Sent once after each stream's end, however it ended, with `stream` (a `StreamEndedInfo`). The sender is the application."""

log = logging.getLogger("flask_headrace.streams")


class StreamStartedInfo(msgspec.Struct, frozen=True):
    """A stream that was opened."""

    id: str
    model: str
    provider: str
    owner: str


class StreamEndedInfo(msgspec.Struct, frozen=True):
    """A stream that has ended.

    Args:
        end: `done`, `failed` or `cancelled`.
        reason: The finish reason, the error's code, or why it was cancelled.
        seconds: From its opening to its end.
        first_token_seconds: From its opening to its first event; None where there was none.
        usage: What it took.
    """

    id: str
    model: str
    provider: str
    owner: str
    end: str
    reason: str
    seconds: float
    first_token_seconds: float | None
    usage: Usage


def report_start(app: Flask, count: Callable[[], None]) -> Callable[[StreamSession], None]:
    """Return what counts a stream's opening and tells of it."""

    def report(session: StreamSession) -> None:
        count()
        target = session.context
        if stream_started.receivers:
            stream_started.send(app, stream=StreamStartedInfo(session.id, target.model, target.provider, target.owner))

    return report


def report_end(app: Flask, count: Callable[[StreamEndedInfo], None]) -> Callable[[StreamSession], None]:
    """Return what counts a stream's end, logs it and tells of it. A receiver that raises is logged and harms nobody."""

    def report(session: StreamSession) -> None:
        end = _end_of(session)
        count(end)
        log.info("%s", _line(end))
        try:
            stream_ended.send(app, stream=end)
        except Exception:
            log.exception("a receiver of stream_ended failed for stream %s", end.id)

    return report


def _end_of(session: StreamSession) -> StreamEndedInfo:
    terminal, usage = session.terminal, session.usage
    assert terminal is not None
    assert usage is not None
    first = session.first_event_at
    return StreamEndedInfo(
        id=session.id,
        model=session.context.model,
        provider=session.context.provider,
        owner=session.context.owner,
        end=type(terminal).__name__.lower(),
        reason=session.reason,
        seconds=round((session.ended_at or time.monotonic()) - session.started_at, 4),
        first_token_seconds=None if first is None else round(first - session.started_at, 4),
        usage=usage,
    )


def _line(end: StreamEndedInfo) -> str:
    usage = end.usage
    pairs = {
        "id": end.id,
        "model": end.model,
        "provider": end.provider,
        "end": end.end,
        "reason": end.reason,
        "seconds": end.seconds,
        "first_token_seconds": end.first_token_seconds,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost": usage.cost,
        "estimated": usage.estimated,
    }
    return "stream_end " + msgspec.json.encode(pairs).decode()
