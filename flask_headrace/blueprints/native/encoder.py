"""The protocol of this project: what `POST /api/chat` sends.

Text is an unnamed frame that starts with `data: `, all else a named one that starts with `event: `, so that a reader
that splits at blank lines and skips what does not start with `data: ` sees the text and `[DONE]` alone. A whole answer
ends with two frames: `end` tells why the model ended it, so that a cut one shows, and `[DONE]` that nothing is missing.
Pure.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...core.answer import CollectedAnswer
from ...core.events import (
    AnswerRestarted,
    Cancelled,
    Completed,
    Event,
    Failed,
    ReasoningDelta,
    ReasoningSignature,
    ResponseStarted,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from ...core.sse import encode_event
from ..encoding.base import EVENT_STREAM
from ..encoding.error_bodies import native_error_body
from ..encoding.frames import encode_text_frames, with_event_id

HEARTBEAT = b": keep-alive\n\n"
"""Ended by a blank line: a reader that splits at blank lines would lose the frame that followed a bare line."""

HEADERS = EVENT_STREAM

EVENTS = ("start", "reasoning", "tool", "partial", "restart", "usage", "end", "error", "cancelled")
"""The names that frames may have."""

error_body = native_error_body

_DELTA, _END = b'data: {"delta":', b"}\n\n"
_DONE = b"data: [DONE]\n\n"
_json = msgspec.json.Encoder().encode


def encode(events: list[Event], first: int | None = None, suffix: bytes = b"") -> bytes:
    """Write events as frames; an empty list is a silence and becomes a heartbeat.

    Args:
        events: What has come.
        first: The number of the first of them, where the frames are to carry numbers.
        suffix: What follows each number; see `position`.
    """
    if not events:
        return HEARTBEAT
    if first is not None:
        return b"".join([
            b'id: %d%b\ndata: {"delta":%b}\n\n' % (number, suffix, _json(event.text))
            if type(event) is TextDelta
            else b"".join(with_event_id(_encode_one(event), number, suffix))
            for number, event in enumerate(events, first)
        ])  # fmt: skip
    texts = [event.text for event in events if type(event) is TextDelta]
    if len(texts) == len(events):
        return encode_text_frames(texts, _DELTA, _END)
    return b"".join([frame for event in events for frame in _encode_one(event)])


def encode_whole(answer: CollectedAnswer) -> dict[str, Any]:
    """Return an answer that is given in one piece."""
    assert answer.started is not None
    calls = [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in answer.tool_calls()]
    return {
        "id": answer.started.id,
        "model": answer.started.model,
        "text": answer.text(),
        **({"tool_calls": calls} if calls else {}),
        "finish_reason": answer.finish_reason,
        "usage": fields(answer.usage) if answer.usage else None,
    }


def _encode_one(event: Event) -> list[bytes]:  # noqa: PLR0911  # one line for each kind of event
    match event:
        case TextDelta(text):
            return [_DELTA + _json(text) + _END]
        case ResponseStarted(id, model, provider):
            return [_frame(b"start", {"id": id, "model": model, "provider": provider})]
        case ReasoningDelta(text):
            return [_frame(b"reasoning", {"delta": text})]
        case ToolCallStarted(call, id, name):  # the field's name
            return [_frame(b"tool", {"call": call, "id": id, "name": name})]
        case ToolCallDelta(call, text):
            return [_frame(b"tool", {"call": call, "delta": text})]
        case ToolCallCompleted(call, arguments):
            return [_frame(b"tool", {"call": call, "arguments": arguments})]
        case Completed(reason):
            # The number is that of `[DONE]`: who has lost that alone, comes back and gets both.
            return [_frame(b"end", {"finish_reason": reason}), _DONE]
        case _:
            return [_frame(_NAMES[type(event)], fields(event))]


_NAMES: dict[type[Event], bytes] = {
    AnswerRestarted: b"restart",
    Usage: b"usage",
    ReasoningSignature: b"reasoning",
    Failed: b"error",
    Cancelled: b"cancelled",
}


def fields(event: Event) -> dict[str, Any]:
    """Return an event's fields as they stand in its frame's data."""
    built: dict[str, Any] = msgspec.to_builtins(event)
    del built["event"]
    return built


def _frame(name: bytes, data: dict[str, Any]) -> bytes:
    return encode_event(name, _json(data))
