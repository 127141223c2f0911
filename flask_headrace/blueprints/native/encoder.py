"""The native protocol's encoder, for `POST /api/chat`.

A text frame has no name and starts with `data: `. All other frames are named and start with `event: `. So a client that
splits at blank lines and skips lines that do not start with `data: ` receives the text and `[DONE]` alone. A complete
answer ends with two frames: `end` with the finish reason, and `[DONE]`, which confirms that nothing is missing. Pure.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...core import exact_json
from ...core.answer import CollectedAnswer, ToolCallBlock, is_reasoning_state
from ...core.application_events import (
    ApprovalRequested,
    Data,
    File,
    OmittedEvent,
    Source,
    StepStarted,
    ToolProgress,
    ToolResult,
)
from ...core.events import (
    AnswerRestarted,
    Cancelled,
    Completed,
    Event,
    Failed,
    ProviderEvent,
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
from ...providers.answer_messages import answer_messages
from ..encoding.base import EVENT_STREAM_HEADERS
from ..encoding.error_bodies import native_error_body
from ..encoding.frames import encode_text_frames, with_event_id

HEARTBEAT = b": keep-alive\n\n"
"""Ends with a blank line: a client that splits at blank lines would lose the frame after a single line end."""

HEADERS = EVENT_STREAM_HEADERS

EVENT_NAMES = (
    "start", "reasoning", "reasoning_state", "tool", "step", "source", "file", "data", "partial", "restart", "usage",
    "end", "error", "cancelled",
)  # fmt: skip
"""The names of the named frames."""

error_body = native_error_body

_DELTA, _END = b'data: {"delta":', b"}\n\n"
_DONE = b"data: [DONE]\n\n"
_json = exact_json.encode


def encode(events: list[Event], first_id: int | None = None, id_suffix: bytes = b"") -> bytes:
    """Return the frames of the next events; see `StreamEncoder.encode`.

    Args:
        events: The next events. An empty list is encoded as a heartbeat.
        first_id: The number of the first event in `events`; None for frames without numbers.
        id_suffix: The bytes after each event number; see `event_id_suffix`.
    """
    if not events:
        return HEARTBEAT
    if first_id is not None:
        return b"".join([
            b'id: %d%b\ndata: {"delta":%b}\n\n' % (number, id_suffix, _json(event.text))
            if type(event) is TextDelta
            else b"".join(with_event_id(_encode_one(event), number, id_suffix))
            for number, event in enumerate(events, first_id)
        ])  # fmt: skip
    texts = [event.text for event in events if type(event) is TextDelta]
    if len(texts) == len(events):
        return encode_text_frames(texts, _DELTA, _END)
    return b"".join([frame for event in events for frame in _encode_one(event)])


def encode_whole(answer: CollectedAnswer) -> dict[str, Any]:
    """Return a complete answer as one JSON value."""
    assert answer.started is not None
    calls = [_whole_call(call) for call in answer.tool_calls()]
    further = {
        "sources": [_source_fields(source) for _, source in answer.sources],
        "files": [_file_fields(file) for file in answer.files],
        "data": [_data_fields(data) for data in answer.data()],
    }
    return {
        "id": answer.started.id,
        "model": answer.started.model,
        "text": answer.text(),
        **({"tool_calls": calls} if calls else {}),
        **{name: values for name, values in further.items() if values},
        **_turns(answer),
        **({"reasoning_state": answer.reasoning_state} if answer.reasoning_state else {}),
        "finish_reason": answer.finish_reason,
        "usage": event_fields(answer.usage) if answer.usage else None,
    }


def _turns(answer: CollectedAnswer) -> dict[str, Any]:
    """Return the turns of an answer with tools that run here: those of several steps, and those that must go back."""
    runs_tools = answer.earlier_results or any(
        call.result is not None or call.approval is not None for call in answer.tool_calls()
    )
    return {"messages": answer_messages(answer)} if runs_tools else {}


def _whole_call(call: ToolCallBlock) -> dict[str, Any]:
    result = {} if call.result is None else _result_fields(call.result)
    approval = {} if call.approval is None else {"approval": call.approval}
    return {"id": call.id, "name": call.name, "arguments": call.arguments, **_place(call), **result, **approval}


def _encode_one(event: Event) -> list[bytes]:  # noqa: PLR0911  # one line for each kind of event
    match event:
        case TextDelta(text):
            return [_DELTA + _json(text) + _END]
        case ResponseStarted(id, model, provider):
            return [_frame(b"start", {"id": id, "model": model, "provider": provider})]
        case ReasoningDelta(text):
            return [_frame(b"reasoning", {"delta": text})]
        case ToolCallStarted(call, id, name):
            return [_frame(b"tool", {"call": call, "id": id, "name": name, **_place(event)})]
        case ToolCallDelta(call, text):
            return [_frame(b"tool", {"call": call, "delta": text})]
        case ToolCallCompleted(call, arguments):
            return [_frame(b"tool", {"call": call, "arguments": arguments})]
        case Completed(reason):
            # The number belongs to `[DONE]`: a client that lost only that frame resumes before `end` and receives both.
            return [_frame(b"end", {"finish_reason": reason}), _DONE]
        case ProviderEvent():
            return [_frame(b"reasoning_state", {"reasoning_state": event.data})] if is_reasoning_state(event) else []
        case OmittedEvent():
            return []
        case ToolResult() | ToolProgress() | ApprovalRequested() | StepStarted() | Source() | File() | Data():
            return [_encode_of_application(event)]
        case _:
            return [_frame(_NAMES[type(event)], event_fields(event))]


def _encode_of_application(
    event: ToolResult | ToolProgress | ApprovalRequested | StepStarted | Source | File | Data,
) -> bytes:
    match event:
        case ToolResult() | ToolProgress() | ApprovalRequested():
            return _frame(b"tool", _call_fields(event))
        case StepStarted():
            return _frame(b"step", {})
        case Source():
            return _frame(b"source", _source_fields(event))
        case File():
            return _frame(b"file", _file_fields(event))
        case Data():
            return _frame(b"data", _data_fields(event))


def _place(started: ToolCallStarted | ToolCallBlock) -> dict[str, Any]:
    return {"runs_here": True} if started.runs_here else {}


def _call_fields(event: ToolResult | ToolProgress | ApprovalRequested) -> dict[str, Any]:
    if isinstance(event, ApprovalRequested):
        return {"call": event.index, "approval": event.approval}
    named = {"call": event.index} if event.call_id is None else {"id": event.call_id}
    return {**named, **({"progress": event.value} if isinstance(event, ToolProgress) else _result_fields(event))}


def _result_fields(result: ToolResult) -> dict[str, Any]:
    return {"result": result.result} if result.error is None else {"error": result.error}


def _source_fields(source: Source) -> dict[str, Any]:
    return {name: value for name, value in event_fields(source).items() if value is not None}


def _file_fields(file: File) -> dict[str, Any]:
    return {"media_type": file.media_type, "url": file.source_url()}


def _data_fields(data: Data) -> dict[str, Any]:
    named = {} if data.id is None else {"id": data.id}
    return {"name": data.name, **named, "value": data.value, **({"transient": True} if data.transient else {})}


_NAMES: dict[type[Event], bytes] = {
    AnswerRestarted: b"restart",
    Usage: b"usage",
    ReasoningSignature: b"reasoning",
    Failed: b"error",
    Cancelled: b"cancelled",
}


def event_fields(event: Event) -> dict[str, Any]:
    """Return the fields of an event as its frame's JSON object."""
    built: dict[str, Any] = msgspec.to_builtins(event)
    del built["event"]
    built.pop("finished_steps", None)  # a restart voids all steps here
    return built


def _frame(name: bytes, data: dict[str, Any]) -> bytes:
    return encode_event(name, _json(data))
