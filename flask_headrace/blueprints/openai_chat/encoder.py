"""The encoder of OpenAI's chat completions, for `POST /v1/chat/completions`.

The protocol has no form for reasoning signatures and none for the end of a tool call, which clients infer from the next
chunk; both are omitted. A chunk cannot be revoked, so an answer that restarts ends with an error. Pure.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...core.answer import CollectedAnswer, ToolCallBlock
from ...core.errors import HeadraceError, StreamCancelled
from ...core.events import (
    AnswerRestarted,
    Cancelled,
    Completed,
    Event,
    Failed,
    FinishReason,
    ReasoningDelta,
    ResponseStarted,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from ...core.partial_json.tokens import WHITESPACE
from ..encoding.base import EVENT_STREAM_HEADERS, AbortConnection
from ..encoding.error_bodies import openai_error_body, openai_stream_error
from ..encoding.frames import OPENAI_HEARTBEAT, encode_events, encode_text_frames

_DONE = b"data: [DONE]\n\n"
_FINISH_REASONS: dict[FinishReason, str] = {"pause": "stop", "other": "stop"}  # the protocol's own list is closed
_json = msgspec.json.Encoder().encode


class ChatCompletionEncoder:
    """Encodes one response.

    Args:
        id: The stream's id.
        model: The requested model's id. `ResponseStarted` replaces it by the answering model's.
        created: The time of the request, in seconds since 1970.
        has_usage: Whether the stream contains usage.
    """

    HEADERS = EVENT_STREAM_HEADERS

    def __init__(self, id: str, model: str, created: int, *, has_usage: bool = False) -> None:  # noqa: A002
        self._id, self._created = f"chatcmpl-{id}", created
        self._has_usage = has_usage
        self._usage: Usage | None = None
        self._silent_calls: set[int] = set()
        self._set_model(model)

    def encode(self, events: list[Event], first_id: int | None = None, id_suffix: bytes = b"") -> bytes:
        """Return the chunks of the next events; see `StreamEncoder.encode`.

        Args:
            events: The next events. An empty list is encoded as a heartbeat.
            first_id: The number of the first event in `events`; None for frames without numbers.
            id_suffix: The bytes after each event number; see `event_id_suffix`.

        Raises:
            AbortConnection: the answer restarts.
        """
        if not events:
            return OPENAI_HEARTBEAT
        texts = [event.text for event in events if type(event) is TextDelta]
        if first_id is None and len(texts) == len(events):
            return self._encode_texts(texts)
        return encode_events(events, first_id, id_suffix, self._encode_one)

    def encode_whole(self, answer: CollectedAnswer) -> dict[str, Any]:
        """Return a complete answer as one JSON value."""
        choice = {
            "index": 0,
            "message": _message_object(answer),
            "logprobs": None,
            "finish_reason": _finish_reason(answer.finish_reason),
        }
        return {
            "id": self._id,
            "object": "chat.completion",
            "created": self._created,
            "model": answer.started.model if answer.started else self._model,
            "choices": [choice],
            "usage": _usage_object(answer.usage) if answer.usage else None,
        }

    def error_body(self, error: HeadraceError) -> dict[str, Any]:
        """Return the body of an error response in OpenAI's form."""
        return openai_error_body(error)

    def _set_model(self, model: str) -> None:
        # All text chunks are equal except for the text, so the rest is encoded only once.
        self._model = model
        empty = _json(self._chunk([{"index": 0, "delta": {"content": ""}, "finish_reason": None}]))
        before, _, after = empty.rpartition(b'""')
        self._text, self._text_end = b"data: " + before, after + b"\n\n"

    def _encode_texts(self, texts: list[str]) -> bytes:
        return encode_text_frames(texts, self._text, self._text_end)

    def _encode_one(self, event: Event) -> list[bytes]:  # noqa: PLR0911  # one line for each kind of event
        match event:
            case TextDelta(text):
                return [self._encode_texts([text])]
            case ReasoningDelta(text):
                return [self._delta({"reasoning_content": text})]
            case ToolCallDelta(call, text):
                return self._encode_arguments(call, text)
            case ToolCallStarted(call, id, name):
                self._silent_calls.add(call)
                tool_call = {"index": call, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}
                return [self._delta({"tool_calls": [tool_call]})]
            case ToolCallCompleted(call, arguments) if call in self._silent_calls:
                # Clients parse the received text, and empty text is not JSON.
                return self._encode_arguments(call, _json(arguments).decode())
            case ResponseStarted(_, model):
                self._set_model(model)
                return [self._delta({"role": "assistant", "content": ""})]
            case _:
                return self._encode_end(event)

    def _encode_end(self, event: Event) -> list[bytes]:
        match event:
            case Usage():
                self._usage = event
                return []
            case Completed(reason):
                return [self._delta({}, _finish_reason(reason)), *self._encode_usage(), _DONE]
            case AnswerRestarted():
                raise AbortConnection(_restart_error_frame(event))
            case Failed(code, message):
                return [*self._encode_usage(), _error_frame(code, message)]
            case Cancelled(reason):
                return [*self._encode_usage(), _error_frame(StreamCancelled.code, StreamCancelled(reason).message)]
            case _:
                return []

    def _encode_arguments(self, call: int, text: str) -> list[bytes]:
        # Clients parse the received text after each chunk of a strict tool, and blanks alone are not JSON.
        text = text.lstrip(WHITESPACE) if call in self._silent_calls else text
        if not text:
            return []
        self._silent_calls.discard(call)
        return [self._delta({"tool_calls": [{"index": call, "function": {"arguments": text}}]})]

    def _encode_usage(self) -> list[bytes]:
        if not self._has_usage or self._usage is None:
            return []
        return [_frame(self._chunk([]) | {"usage": _usage_object(self._usage)})]

    def _delta(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        return _frame(self._chunk([{"index": 0, "delta": delta, "finish_reason": finish_reason}]))

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        chunk = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }
        return chunk | {"usage": None} if self._has_usage else chunk


def _message_object(answer: CollectedAnswer) -> dict[str, Any]:
    calls = [_tool_call_object(call) for call in answer.tool_calls()]
    reasoning = answer.reasoning()
    return {
        "role": "assistant",
        "content": answer.text() or (None if calls else ""),
        "refusal": None,
        **({"reasoning_content": reasoning} if reasoning else {}),
        **({"tool_calls": calls} if calls else {}),
    }


def _tool_call_object(call: ToolCallBlock) -> dict[str, Any]:
    arguments = call.text if call.text.strip() else _json(call.arguments).decode()
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _finish_reason(reason: FinishReason | None) -> str | None:
    return None if reason is None else _FINISH_REASONS.get(reason, reason)


def _usage_object(usage: Usage) -> dict[str, Any]:
    written = {"cache_write_tokens": usage.cache_write_tokens} if usage.cache_write_tokens else {}
    # The last two fields are not OpenAI's; its SDKs keep unknown fields.
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, **written},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "cost": usage.cost,
        "estimated": usage.estimated,
    }


def _restart_error_frame(event: AnswerRestarted) -> bytes:
    restart = f"The answer restarted with {event.model} ({event.reason}), and this protocol cannot revoke its beginning"
    return _error_frame("restarted", f"{restart}: send the request again.")


def _error_frame(code: str, message: str) -> bytes:
    return _frame(openai_stream_error(code, message))


def _frame(data: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % _json(data)
