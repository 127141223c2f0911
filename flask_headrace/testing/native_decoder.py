"""Decodes the native protocol to events: the frames of a stream, a whole answer, an error response. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from ..core.application_events import ApprovalRequested, Data, File, Source, StepStarted, ToolProgress, ToolResult
from ..core.events import (
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
from ..core.sse import ServerSentEvent, SSEDecoder
from ..providers.chat_request import Message

E = TypeVar("E", bound=Event)

RETRYABLE_STATUSES = frozenset({408, 429, 502, 503, 504, 529})
"""Statuses of error responses after which the same request can succeed later."""

_DONE = b"[DONE]"
_MAX_BODY_BYTES = 2**40  # a test's own


@dataclass
class Decoded:
    """What a client has of an answer.

    Args:
        events: The events.
        is_document: Whether the text is one JSON document.
        is_confirmed: Whether nothing is missing.
    """

    events: list[Event] = field(default_factory=list)
    is_document: bool = False
    is_confirmed: bool = False


def decode_stream(body: bytes, content_type: str = "") -> Decoded:
    """Return the events of a stream. Frames of unknown names are skipped, as the protocol demands of clients.

    Args:
        body: The body of the response, or what has arrived of it.
        content_type: Its content type, for the message of an error; empty if unknown.

    Raises:
        ValueError: the body is no stream of the native protocol.
    """
    decoded = Decoded()
    decoder = SSEDecoder(_MAX_BODY_BYTES)
    frames = decoder.feed(body)
    rest = decoder.flush()
    if rest is not None and rest.data.strip() == _DONE:
        frames.append(ServerSentEvent(b"message", _DONE))  # the last line end may have been stripped
    has_known = not frames and all(line.startswith(b":") for line in body.split(b"\n") if line.strip())
    for frame in frames:
        has_known |= _decode_frame(frame, decoded, content_type)
    if not has_known and (frames or rest is None):
        raise _not_native(content_type, _shown(frames[0]) if frames else f"{body[:100].decode(errors='replace')!r}")
    return decoded


def _decode_frame(frame: ServerSentEvent, decoded: Decoded, content_type: str) -> bool:
    """Add what a frame says; return whether its name is known."""
    if frame.event == b"message" and frame.data == _DONE:
        decoded.is_confirmed = any(isinstance(event, Completed) for event in decoded.events)
        return True
    decode = _FRAMES.get(frame.event)
    if decode is None:
        return False
    try:
        fields = msgspec.json.decode(frame.data, type=dict[str, Any])
        if frame.event == b"partial":
            decoded.is_document |= "call" not in fields
        else:
            decoded.events.append(decode(fields))
    except (msgspec.MsgspecError, TypeError, KeyError):
        raise _not_native(content_type, _shown(frame)) from None
    return True


def _converter(kind: type[E]) -> Callable[[Mapping[str, Any]], E]:
    names = {info.encode_name for info in msgspec.structs.fields(kind)}

    def convert(fields: Mapping[str, Any]) -> E:
        if unknown := fields.keys() - names:
            raise KeyError(*unknown)
        return msgspec.convert({"event": kind.__struct_config__.tag, **fields}, kind)

    return convert


def _text(fields: Mapping[str, Any]) -> TextDelta:
    return _converter(TextDelta)({"text": fields["delta"], **_without(fields, "delta")})


def _reasoning(fields: Mapping[str, Any]) -> Event:
    if "signature" in fields:
        return _converter(ReasoningSignature)(fields)
    return _converter(ReasoningDelta)({"text": fields["delta"], **_without(fields, "delta")})


def _tool(fields: Mapping[str, Any]) -> Event:
    if "name" in fields:
        return _converter(ToolCallStarted)(fields)
    if "arguments" in fields:
        return _converter(ToolCallCompleted)(fields)
    if "approval" in fields:
        return _converter(ApprovalRequested)(fields)
    kind: type[ToolProgress] | type[ToolResult] = ToolProgress if "progress" in fields else ToolResult
    if not fields.keys().isdisjoint({"progress", "result", "error"}):
        # A call of the question's messages is named by its id.
        named = {"call": -1, "call_id": fields["id"], **_without(fields, "id")} if "id" in fields else dict(fields)
        return _converter(kind)({"value" if name == "progress" else name: value for name, value in named.items()})
    return _converter(ToolCallDelta)({"text": fields["delta"], **_without(fields, "delta")})


def _state(fields: Mapping[str, Any]) -> ProviderEvent:
    return ProviderEvent("native", "reasoning_state", str(fields["reasoning_state"]))


def _without(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


_FRAMES: dict[bytes, Callable[[Mapping[str, Any]], Event]] = {
    b"message": _text,
    b"start": _converter(ResponseStarted),
    b"reasoning": _reasoning,
    b"tool": _tool,
    b"step": _converter(StepStarted),
    b"source": _converter(Source),
    b"file": _converter(File),
    b"data": _converter(Data),
    b"reasoning_state": _state,
    b"partial": _text,
    b"restart": _converter(AnswerRestarted),
    b"usage": _converter(Usage),
    b"end": _converter(Completed),
    b"error": _converter(Failed),
    b"cancelled": _converter(Cancelled),
}


def _shown(frame: ServerSentEvent) -> str:
    return f"the frame {frame.event.decode(errors='replace')!r:.60} with {frame.data.decode(errors='replace')!r:.200}"


def _not_native(content_type: str, shown: str) -> ValueError:
    kind = f" ({content_type})" if content_type else ""
    return ValueError(
        f"The response{kind} is no answer in the native protocol: it has {shown}. Read an answer of POST /api/chat, or "
        'of a view with protocol="native"; those of other protocols with their own clients.'
    )


class _WholeCall(msgspec.Struct):
    id: str
    name: str
    arguments: Any
    result: Any = msgspec.UNSET
    error: str | None = None
    approval: str | None = None
    runs_here: bool = False


class _Whole(msgspec.Struct):
    id: str
    model: str
    text: str
    finish_reason: str
    usage: dict[str, Any] | None = None
    tool_calls: list[_WholeCall] = []
    sources: list[dict[str, Any]] = []
    files: list[dict[str, Any]] = []
    data: list[dict[str, Any]] = []
    reasoning_state: str | None = None
    document: Any = msgspec.UNSET
    messages: list[Message] = []


def decode_whole(body: bytes) -> Decoded:
    """Return the events of an answer that is one JSON object.

    Raises:
        ValueError: it is no answer of the native protocol.
    """
    try:
        whole = msgspec.json.decode(body, type=_Whole)
        end = _converter(Completed)({"finish_reason": whole.finish_reason})
        usage = [] if whole.usage is None else [_converter(Usage)(whole.usage)]
        further = _further_events(whole)
    except (msgspec.MsgspecError, KeyError):
        raise _not_native("", f"{body[:200].decode(errors='replace')!r}") from None
    events: list[Event] = [ResponseStarted(whole.id, whole.model, whole.model.partition("/")[0])]
    calls = {call.id: list(_call_events(index, call)) for index, call in enumerate(whole.tool_calls)}
    if whole.messages:
        events += _turn_events(whole.messages, calls)
    else:
        events += [TextDelta(whole.text)] if whole.text else []
        events += [event for of_call in calls.values() for event in of_call]
    return Decoded([*events, *further, *usage, end], whole.document is not msgspec.UNSET, is_confirmed=True)


def _call_events(index: int, call: _WholeCall) -> Iterator[Event]:
    yield ToolCallStarted(index, call.id, call.name, call.runs_here)
    yield ToolCallDelta(index, msgspec.json.encode(call.arguments).decode())
    yield ToolCallCompleted(index, call.arguments)
    if call.approval is not None:
        yield ApprovalRequested(index, call.approval)
    if call.error is not None or call.result is not msgspec.UNSET:
        yield ToolResult(index, None if call.result is msgspec.UNSET else call.result, call.error)


def _turn_events(messages: list[Message], calls: dict[str, list[Event]]) -> Iterator[Event]:
    """Yield the events of several turns, given those of their calls by the calls' ids."""
    has_begun = False
    for message in messages:
        if message.role == "tool":
            if message.tool_call_id not in calls:
                error = message.text() if message.is_error else None
                yield ToolResult(-1, None if error else message.text(), error, message.tool_call_id)
                has_begun = True
            continue
        if has_begun:
            yield StepStarted()
        has_begun = True
        if text := message.text():
            yield TextDelta(text)
        for call in message.tool_calls:
            yield from calls[call.id]


def _further_events(whole: _Whole) -> list[Event]:
    kinds: list[tuple[type[Event], list[dict[str, Any]]]] = [
        (Source, whole.sources), (File, whole.files), (Data, whole.data),
    ]  # fmt: skip
    events = [_converter(kind)(fields) for kind, values in kinds for fields in values]
    return events + ([] if whole.reasoning_state is None else [_state({"reasoning_state": whole.reasoning_state})])


def decode_error(body: bytes, status: int) -> Decoded:
    """Return the events of an error response: what was answered before the error, and the error.

    Args:
        body: Its body: an error in JSON, or anything else.
        status: Its HTTP status, of which the code is made if the body has none: `http_403`.
    """
    code, message, text = f"http_{status}", f"The response has the status {status}.", ""
    try:
        fields = msgspec.json.decode(body, type=dict[str, Any])
        error = fields.get("error")
        if isinstance(error, dict):
            code, message = str(error.get("code") or code), str(error.get("message") or message)
            text = fields.get("text") or ""
    except msgspec.MsgspecError:
        pass  # such as a page of the application
    events: list[Event] = [TextDelta(text)] if text else []
    return Decoded([*events, Failed(code, message, status in RETRYABLE_STATUSES)])
