"""The encoder of Anthropic's Messages API, for `POST /v1/messages`.

A message is a sequence of content blocks. Each block ends before the next begins: clients append each delta to the last
block. Pure.

The protocol has no form for the cost and for the usage of an interrupted answer; these are omitted.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from ...core import exact_json
from ...core.answer import CollectedAnswer
from ...core.application_events import StepStarted, ToolResult
from ...core.errors import HeadraceError, StreamCancelled
from ...core.events import (
    AnswerRestarted,
    Cancelled,
    Completed,
    Event,
    Failed,
    FinishReason,
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
from ...core.json_object import is_json_object
from ...core.partial_json.tokens import WHITESPACE
from ...core.sse import encode_event
from ...core.usage import delta_text
from ..encoding.base import EVENT_STREAM_HEADERS, AbortConnection
from ..encoding.error_bodies import anthropic_error_body, anthropic_stream_error
from ..encoding.frames import encode_events, encode_text_frames
from .objects import message_object, stop_fields, usage_object
from .provider_events import FAMILY, fields_of, merge_fields
from .whole_message import whole_message

MAX_QUEUED_BYTES = 4 * 1024 * 1024
"""Approximate maximum bytes of events that wait for the end of a tool call."""

HEARTBEAT = b'event: ping\ndata: {"type":"ping"}\n\n'

EVENT_NAMES = (
    "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
    "message_stop", "ping", "error",
)  # fmt: skip
"""The names of all frames."""

_CONTENT_EVENTS = (
    TextDelta, ReasoningDelta, ReasoningSignature, ToolCallStarted, ToolCallDelta, ToolCallCompleted, ProviderEvent,
    ToolResult, StepStarted,
)  # fmt: skip

_BlockType: TypeAlias = Literal["text", "thinking", "other"]

_EMPTY_BLOCKS: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
}

_encode = exact_json.encode


class MessagesEncoder:
    """Encodes one response.

    Some providers interleave the deltas of several tool calls. While the arguments of the open call are incomplete,
    events of other blocks are queued. The start of the message is written with the event after it, which may say more
    about the message.

    Args:
        request_id: The id of the client's request, for errors; None to omit it.
    """

    HEADERS = EVENT_STREAM_HEADERS

    __slots__ = (
        "_arguments", "_call_fields", "_end_fields", "_index", "_open_block", "_queued", "_queued_bytes", "_request_id",
        "_started", "_started_calls", "_usage",
    )  # fmt: skip

    def __init__(self, request_id: str | None = None) -> None:
        self._request_id = request_id
        self._started: ResponseStarted | None = None  # until the message's start is written
        self._index = -1
        self._open_block: _BlockType | int | None = None  # an int is a call's index
        self._started_calls: set[int] = set()
        self._arguments: list[str] = []  # of the open call
        self._queued: list[Event] = []
        self._queued_bytes = 0
        self._usage = Usage(0, 0)
        self._forget_fields()

    def _forget_fields(self) -> None:
        self._call_fields: dict[str, Any] = {}  # further fields of the next call
        self._end_fields: dict[str, Any] = {}  # further fields of the message's end

    def encode(self, events: list[Event], first_id: int | None = None, id_suffix: bytes = b"") -> bytes:
        """Return the frames of the next events, which may be queued; see `StreamEncoder.encode`.

        Args:
            events: The next events. An empty list is encoded as a ping.
            first_id: The number of the first event in `events`; None for frames without numbers.
            id_suffix: The bytes after each event number; see `event_id_suffix`.

        Raises:
            AbortConnection: the answer restarts, or more than `MAX_QUEUED_BYTES` are queued.
        """
        if not events:
            return HEARTBEAT
        texts = [event.text for event in events if type(event) is TextDelta]
        if first_id is None and len(texts) == len(events) and self._open_block == "text":
            return self._encode_texts(texts)
        return encode_events(events, first_id, id_suffix, self._encode_one)

    @staticmethod
    def encode_whole(answer: CollectedAnswer) -> dict[str, Any]:
        """Return a complete answer as one JSON value."""
        return whole_message(answer)

    def error_body(self, error: HeadraceError) -> dict[str, Any]:
        """Return the body of an error response in Anthropic's form."""
        return anthropic_error_body(error, self._request_id)

    def _encode_texts(self, texts: list[str]) -> bytes:
        before, _, after = self._delta_frame("text_delta", text="").partition(b'""')
        return encode_text_frames(texts, before, after)

    def _encode_one(self, event: Event) -> list[bytes]:  # noqa: PLR0911  # one line for each kind of event
        started, self._started = self._started, None
        if started is not None:
            return self._encode_start(started, event)
        if self._must_queue(event):
            return self._queue(event)
        match event:
            case TextDelta(text):
                return self._extend_block("text", "text_delta", text)
            case ReasoningDelta(text):
                return self._extend_block("thinking", "thinking_delta", text)
            case ReasoningSignature(signature, is_redacted):
                return self._redacted_frames(signature) if is_redacted else self._signature_frames(signature)
            case ToolCallStarted() | ToolCallDelta() | ToolCallCompleted():
                return self._encode_tool_call(event)
            case ProviderEvent(family, kind):
                return self._encode_provider_event(kind, event) if family == FAMILY else []
            case _:
                return self._encode_other(event)

    def _encode_start(self, started: ResponseStarted, event: Event) -> list[bytes]:
        message = message_object(started)
        if not (isinstance(event, ProviderEvent) and event.family == FAMILY and event.kind == "message"):
            return [_frame("message_start", message=message), *self._encode_one(event)]
        fields = fields_of(event)
        usage = {**fields.get("usage", {}), **message["usage"]}
        return [_frame("message_start", message={**fields, **message, "usage": usage})]

    def _encode_provider_event(self, kind: str, event: ProviderEvent) -> list[bytes]:
        fields = fields_of(event)
        match kind:
            case "block":
                block_type: Any = fields["type"] if fields["type"] in _EMPTY_BLOCKS else "other"
                return self._start_block(block_type, fields)
            case "delta" if self._open_block is not None:
                return [_frame("content_block_delta", index=self._index, delta=fields)]
            case "stop" if self._open_block == "other":
                return self._stop_block()
            case "call":
                self._call_fields = fields
            case "end":
                self._end_fields = merge_fields(self._end_fields, fields)
            case "event":
                return [_frame(fields["type"], **_renumbered(fields, max(0, self._index)))]
        return []

    def _encode_other(self, event: Event) -> list[bytes]:
        match event:
            case ResponseStarted():
                self._started = event
            case Usage():
                self._usage = event
            case ToolResult() | StepStarted() if self._open_block in _EMPTY_BLOCKS:
                return self._stop_block()
            case AnswerRestarted(reason, model) if self._index >= 0:
                # A content block cannot be revoked.
                raise AbortConnection(
                    self._error_frame("restarted", f"{model} restarted the answer ({reason}): send the request again.")
                )
            case AnswerRestarted():
                self._forget_fields()
            case Completed(finish_reason, stop_sequence):
                stopped: list[bytes] = []
                while self._open_block is not None:
                    stopped += self._stop_block()
                return [*stopped, *self._end_frames(finish_reason, stop_sequence)]
            case Failed(code, message):
                return [self._error_frame(code, message)]
            case Cancelled(reason):
                return [self._error_frame(StreamCancelled.code, StreamCancelled(reason).message)]
        return []

    def _must_queue(self, event: Event) -> bool:
        if not isinstance(self._open_block, int) or not isinstance(event, _CONTENT_EVENTS):
            return False
        if isinstance(event, (ToolCallDelta, ToolCallCompleted)) and event.index in self._started_calls:
            return False
        return bool(self._queued) or not is_json_object("".join(self._arguments))

    def _queue(self, event: Event) -> list[bytes]:
        self._queued_bytes += 100 + len(delta_text(event))
        if self._queued_bytes > MAX_QUEUED_BYTES:
            raise AbortConnection(
                self._error_frame(
                    "answer_too_large",
                    f"More than {MAX_QUEUED_BYTES} bytes were queued behind a tool call: use another protocol.",
                )
            )
        self._queued.append(event)
        return []

    def _extend_block(self, block_type: _BlockType, delta: str, text: str) -> list[bytes]:
        opened = [] if self._open_block == block_type else self._start_block(block_type, _EMPTY_BLOCKS[block_type])
        return [*opened, self._delta_frame(delta, **{block_type: text})]

    def _signature_frames(self, signature: str) -> list[bytes]:
        opened = [] if self._open_block == "thinking" else self._start_block("thinking", _EMPTY_BLOCKS["thinking"])
        return [*opened, self._delta_frame("signature_delta", signature=signature), *self._stop_block()]

    def _redacted_frames(self, data: str) -> list[bytes]:
        return [*self._start_block("thinking", {"type": "redacted_thinking", "data": data}), *self._stop_block()]

    def _encode_tool_call(self, event: ToolCallStarted | ToolCallDelta | ToolCallCompleted) -> list[bytes]:
        if isinstance(event, ToolCallStarted):
            self._started_calls.add(event.index)
            self._arguments = []
            further, self._call_fields = self._call_fields, {}
            call = {"type": "tool_use", "id": event.id, "name": event.name, "input": {}, **further}
            return self._start_block(event.index, call)
        if event.index != self._open_block:
            return []  # the call was complete when the next block began, so only blanks can follow
        if isinstance(event, ToolCallDelta):
            return self._extend_tool_call(event.text)
        # Some providers send the arguments at once, without deltas.
        arguments = event.arguments if event.arguments and not self._arguments else None
        return [
            *([] if arguments is None else self._extend_tool_call(_encode(arguments).decode())),
            *self._stop_block(),
        ]

    def _extend_tool_call(self, text: str) -> list[bytes]:
        # Clients parse the received text after each delta, and blanks alone are not JSON.
        text = text if self._arguments else text.lstrip(WHITESPACE)
        if not text:
            return []
        self._arguments.append(text)
        return [self._delta_frame("input_json_delta", partial_json=text)]

    def _start_block(self, block_type: _BlockType | int, block: dict[str, Any]) -> list[bytes]:
        stopped = self._stop_block()
        self._index += 1
        self._open_block = block_type
        return [*stopped, _frame("content_block_start", index=self._index, content_block=block)]

    def _error_frame(self, code: str, message: str) -> bytes:
        return encode_event(b"error", _encode(anthropic_stream_error(code, message, self._request_id)))

    def _delta_frame(self, delta_type: str, **fields: str) -> bytes:
        return _frame("content_block_delta", index=self._index, delta={"type": delta_type, **fields})

    def _stop_block(self) -> list[bytes]:
        """End the open block, if there is one, and encode the queued events."""
        if self._open_block is None:
            return []
        frames = [_frame("content_block_stop", index=self._index)]
        self._open_block = None
        queued, self._queued, self._queued_bytes = self._queued, [], 0
        return frames + [frame for event in queued for frame in self._encode_one(event)]

    def _end_frames(self, finish_reason: FinishReason, stop_sequence: str | None) -> list[bytes]:
        fields = dict(self._end_fields)
        delta = stop_fields(finish_reason, stop_sequence, fields.pop("delta", None))
        usage = {**fields.pop("usage", {}), **usage_object(self._usage)}
        return [_frame("message_delta", delta=delta, usage=usage, **fields), _frame("message_stop")]


def _renumbered(fields: dict[str, Any], index: int) -> dict[str, Any]:
    """Return the fields of an unknown event, whose `index` is that of a block, with this message's index."""
    numbered = {"index": index} if "index" in fields else {}
    return {**{name: value for name, value in fields.items() if name != "type"}, **numbered}


def _frame(event_type: str, /, **fields: Any) -> bytes:  # noqa: ANN401  # JSON values
    return encode_event(event_type.encode(), _encode({"type": event_type, **fields}))
