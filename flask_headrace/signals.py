"""The two signals that an application can receive, and the log line at the end of each stream."""

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
"""Sent when a stream is opened. The sender is the application; `stream` is a `StreamStartedInfo`."""

stream_ended = _signals.signal("headrace-stream-ended")
"""Sent once after each stream has ended. The sender is the application; `stream` is a `StreamEndedInfo`."""

log = logging.getLogger("flask_headrace.streams")


class StreamStartedInfo(msgspec.Struct, frozen=True):
    """A stream that was opened.

    Args:
        id: The id of the stream.
        model: The model as readers name it: `provider/name`, or an alias.
        provider: The name of the provider.
        owner: The id of the user whose stream it is; empty for no owner.
    """

    id: str
    model: str
    provider: str
    owner: str


class StreamEndedInfo(msgspec.Struct, frozen=True):
    """A stream that has ended.

    Args:
        id: The id of the stream.
        model: The model as readers name it: `provider/name`, or an alias.
        provider: The name of the provider.
        owner: The id of the user whose stream it is; empty for no owner.
        end: `done`, `failed` or `cancelled`.
        reason: The finish reason if `done`, the error code if `failed`, the reason of the cancellation if `cancelled`.
        seconds: Seconds from opening to end.
        first_token_seconds: Seconds from opening to the first event; None if there was no event.
        usage: Tokens and cost.
        request_id: The id of the request that opened the stream, in its response header `x-request-id`; empty if no
            request did.
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
    request_id: str = ""


def report_start(app: Flask, count: Callable[[], None]) -> Callable[[StreamSession], None]:
    """Return a callback for a stream that was opened: it calls `count` and sends `stream_started`."""

    def report(session: StreamSession) -> None:
        count()
        context = session.context
        if stream_started.receivers:
            info = StreamStartedInfo(session.id, context.model, context.provider, context.owner)
            stream_started.send(app, stream=info)

    return report


def report_end(app: Flask, count: Callable[[StreamEndedInfo], None]) -> Callable[[StreamSession], None]:
    """Return a callback for a stream that has ended: it calls `count`, logs a line and sends `stream_ended`.

    An exception of a receiver is logged; it affects neither the stream nor other streams.
    """

    def report(session: StreamSession) -> None:
        info = _ended_info(session)
        count(info)
        log.info("%s", _log_line(info))
        try:
            stream_ended.send(app, stream=info)
        except Exception:
            log.exception("a receiver of stream_ended failed for stream %s", info.id)

    return report


def _ended_info(session: StreamSession) -> StreamEndedInfo:
    terminal, usage = session.terminal, session.usage
    assert terminal is not None
    assert usage is not None
    first_event_at = session.first_event_at
    return StreamEndedInfo(
        id=session.id,
        model=session.context.model,
        provider=session.context.provider,
        owner=session.context.owner,
        # The tag, not the name of the class: logs and metrics depend on the word.
        end=str(terminal.__struct_config__.tag),
        reason=session.reason,
        seconds=round((session.ended_at or time.monotonic()) - session.started_at, 4),
        first_token_seconds=None if first_event_at is None else round(first_event_at - session.started_at, 4),
        usage=usage,
        request_id=session.context.request_id,
    )


def _log_line(info: StreamEndedInfo) -> str:
    usage = info.usage
    pairs = {
        "id": info.id,
        "request_id": info.request_id,
        "model": info.model,
        "provider": info.provider,
        "owner": info.owner,
        "end": info.end,
        "reason": info.reason,
        "seconds": info.seconds,
        "first_token_seconds": info.first_token_seconds,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost": usage.cost,
        "estimated": usage.estimated,
    }
    return "stream_end " + msgspec.json.encode(pairs).decode()
