"""What an application is told of its streams: two signals, its `on_end` functions, and the log line at the end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import gevent
import msgspec
from blinker import Namespace
from flask import Flask
from msgspec.structs import replace

from .answers import Answer, recorded_fields
from .core.events import TERMINAL_EVENTS, Event, Usage, terminal_reason
from .streaming.recording import Recording
from .streaming.resume.stored_events import decode_context
from .streaming.session import StreamSession
from .streaming.stores.base import StreamRecord

EndHook: TypeAlias = Callable[[Answer], object]
"""A function of the application that gets each answer after its end."""

READ_POLL_INTERVAL = 0.01
"""Seconds between two looks whether the readers of a stream that has ended have all of it."""

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
        answer: What was answered; None if the application connected to the signal after the stream was opened.
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
    answer: Answer | None = None


def report_start(app: Flask, count: Callable[[], None]) -> Callable[[StreamSession], None]:
    """Return a callback for a stream that was opened: it calls `count` and sends `stream_started`."""

    def report(session: StreamSession) -> None:
        count()
        context = session.context
        if stream_started.receivers:
            info = StreamStartedInfo(session.id, context.model, context.provider, context.owner)
            stream_started.send(app, stream=info)

    return report


class EndReporter:
    """Reports the ends of streams: to the metrics, to the log, and to the application.

    Args:
        app: The application, which is the sender of the signal.
        hooks: The application's functions; see `Headrace.on_end`.
        count: Counts the end of a stream in the metrics. `was_open` says whether this process has counted it as open.
    """

    def __init__(self, app: Flask, hooks: Sequence[EndHook], count: Callable[[StreamEndedInfo, bool], None]) -> None:
        self._app, self._hooks, self._count = app, hooks, count

    @property
    def wants_answers(self) -> bool:
        """Whether the application wants to know what is answered."""
        return bool(self._hooks or stream_ended.receivers)

    def report(self, session: StreamSession) -> None:
        """Count and log the end of a stream of this worker."""
        info = _ended_info(session)
        self._count(info, True)  # as declared
        log.info("%s", _log_line(info))

    def tell_application(self, session: StreamSession) -> None:
        """Call the application's functions and send the signal, when the readers of a plain stream have its end."""
        recording = session.recording
        if recording is None and not stream_ended.receivers:
            return
        info = _ended_info(session)
        if recording is not None:
            while not session.was_stored and session.has_readers:
                gevent.sleep(READ_POLL_INTERVAL)
            started_at = time.time() - (time.monotonic() - session.started_at)
            info = replace(info, answer=_answer(info, recording, started_at))
        self._tell(info, None if recording is None else recording.on_end)

    def report_orphan(self, record: StreamRecord, recording: Recording, ending: Sequence[Event]) -> None:
        """Report the end of a dead worker's stream, which this worker has finished.

        Args:
            record: The record of the stream.
            recording: What the store has of the answer.
            ending: The last events of the stream, its usage and its terminal event among them.
        """
        context = decode_context(record.claim)
        terminal = next(event for event in ending if isinstance(event, TERMINAL_EVENTS))
        info = StreamEndedInfo(
            id=record.claim.id,
            model=context.model,
            provider=context.provider,
            owner=context.owner,
            end=str(terminal.__struct_config__.tag),
            reason=terminal_reason(terminal),
            seconds=round(time.time() - context.created, 4),
            first_token_seconds=None,
            usage=next(event for event in ending if isinstance(event, Usage)),
            request_id=context.request_id,
        )
        self._count(info, False)  # as declared
        log.info("%s", _log_line(info))
        self._tell(replace(info, answer=_answer(info, recording, float(context.created))), None)

    def _tell(self, info: StreamEndedInfo, on_end: EndHook | None) -> None:
        answer = info.answer
        if answer is not None:
            for hook in [*self._hooks, *([on_end] if on_end else [])]:
                self._call(f"{getattr(hook, '__qualname__', hook)}", info.id, partial(hook, answer))
        if stream_ended.receivers:
            self._call("a receiver of stream_ended", info.id, lambda: stream_ended.send(self._app, stream=info))

    def _call(self, name: str, stream_id: str, call: Callable[[], object]) -> None:
        try:
            with self._app.app_context():
                call()
        except Exception:
            log.exception("%s failed for stream %s", name, stream_id)


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
        reason=terminal_reason(terminal),
        seconds=round((session.ended_at or time.monotonic()) - session.started_at, 4),
        first_token_seconds=None if first_event_at is None else round(first_event_at - session.started_at, 4),
        usage=usage,
        request_id=session.context.request_id,
    )


def _answer(info: StreamEndedInfo, recording: Recording, started_at: float) -> Answer:
    return Answer(
        id=info.id,
        owner=info.owner,
        model=info.model,
        provider=info.provider,
        request_id=info.request_id,
        end=info.end,  # type: ignore[arg-type]  # a tag of the terminal events
        reason=info.reason,
        usage=info.usage,
        started_at=started_at,
        ended_at=started_at + info.seconds,
        first_token_seconds=info.first_token_seconds,
        **recorded_fields(recording),
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
