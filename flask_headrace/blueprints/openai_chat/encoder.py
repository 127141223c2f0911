"""OpenAI's chat completions: what `POST /v1/chat/completions` sends.

Left out on purpose, since the protocol has no word for them: the signature of reasoning, and the end of a tool call,
which its readers see by what follows. What was shown cannot be taken back either, so an answer that begins again ends
with an error. Pure.
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
from ..encoding.base import EVENT_STREAM, AbortConnection
from ..encoding.error_bodies import openai_error_body, openai_failure
from ..encoding.frames import OPENAI_HEARTBEAT, encode_text_frames, written

_DONE = b"data: [DONE]\n\n"
_FINISHES: dict[FinishReason, str] = {"pause": "stop", "other": "stop"}  # the protocol's own list is closed
_json = msgspec.json.Encoder().encode


class ChatCompletionEncoder:
    """One answer.

    Args:
        id: The stream's.
        model: Who is asked; who answers is known when the stream has started.
        created: When it was asked, in seconds since 1970.
        has_usage: Whether a reader of the stream wants its usage.
    """

    HEADERS = EVENT_STREAM

    def __init__(self, id: str, model: str, created: int, *, has_usage: bool = False) -> None:  # noqa: A002
        self._id, self._created = f"chatcmpl-{id}", created
        self._has_usage = has_usage
        self._usage: Usage | None = None
        self._silent_calls: set[int] = set()
        self._name(model)

    def encode(self, events: list[Event], first: int | None = None, suffix: bytes = b"") -> bytes:
        """Write events as chunks; an empty list is a silence and becomes a heartbeat.

        Args:
            events: What has come.
            first: The number of the first of them, where the frames are to carry numbers.
            suffix: What follows each number; see `position`.

        Raises:
            AbortConnection: the answer begins again.
        """
        if not events:
            return OPENAI_HEARTBEAT
        texts = [event.text for event in events if type(event) is TextDelta]
        if first is None and len(texts) == len(events):
            return self._encode_texts(texts)
        return written(events, first, suffix, self._encode_one)

    def encode_whole(self, answer: CollectedAnswer) -> dict[str, Any]:
        """Return an answer that is given in one piece."""
        choice = {
            "index": 0,
            "message": _message(answer),
            "logprobs": None,
            "finish_reason": _finish(answer.finish_reason),
        }
        return {
            "id": self._id,
            "object": "chat.completion",
            "created": self._created,
            "model": answer.started.model if answer.started else self._model,
            "choices": [choice],
            "usage": _tokens(answer.usage) if answer.usage else None,
        }

    def error_body(self, error: HeadraceError) -> dict[str, Any]:
        """Return the body of a response with an error's own status."""
        return openai_error_body(error)

    def _name(self, model: str) -> None:
        # All chunks of text are alike but for the text.
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
                begun = {"index": call, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}
                return [self._delta({"tool_calls": [begun]})]
            case ToolCallCompleted(call, arguments) if call in self._silent_calls:
                # Readers parse what has come, and nothing at all is no JSON.
                return self._encode_arguments(call, _json(arguments).decode())
            case ResponseStarted(_, model):
                self._name(model)
                return [self._delta({"role": "assistant", "content": ""})]
            case _:
                return self._encode_end(event)

    def _encode_end(self, event: Event) -> list[bytes]:
        match event:
            case Usage():
                self._usage = event
                return []
            case Completed(reason):
                return [self._delta({}, _finish(reason)), *self._encode_usage(), _DONE]
            case AnswerRestarted():
                raise AbortConnection(_broken_off(event))
            case Failed(code, message):
                return [*self._encode_usage(), _failure(code, message)]
            case Cancelled(reason):
                return [*self._encode_usage(), _failure(StreamCancelled.code, StreamCancelled(reason).message)]
            case _:
                return []

    def _encode_arguments(self, call: int, text: str) -> list[bytes]:
        # Readers parse all that has come, each time where a tool is strict, and blanks alone are no JSON.
        text = text.lstrip(WHITESPACE) if call in self._silent_calls else text
        if not text:
            return []
        self._silent_calls.discard(call)
        return [self._delta({"tool_calls": [{"index": call, "function": {"arguments": text}}]})]

    def _encode_usage(self) -> list[bytes]:
        if not self._has_usage or self._usage is None:
            return []
        return [_frame(self._chunk([]) | {"usage": _tokens(self._usage)})]

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


def _message(answer: CollectedAnswer) -> dict[str, Any]:
    calls = [_call(call) for call in answer.tool_calls()]
    reasoning = answer.reasoning()
    return {
        "role": "assistant",
        "content": answer.text() or (None if calls else ""),
        "refusal": None,
        **({"reasoning_content": reasoning} if reasoning else {}),
        **({"tool_calls": calls} if calls else {}),
    }


def _call(call: ToolCallBlock) -> dict[str, Any]:
    arguments = call.text if call.text.strip() else _json(call.arguments).decode()
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _finish(reason: FinishReason | None) -> str | None:
    return None if reason is None else _FINISHES.get(reason, reason)


def _tokens(usage: Usage) -> dict[str, Any]:
    # The last two are not OpenAI's: its SDKs keep fields that they do not know.
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "cost": usage.cost,
        "estimated": usage.estimated,
    }


def _broken_off(event: AnswerRestarted) -> bytes:
    why = f"The answer began again, with {event.model} ({event.reason}), and what was shown cannot be taken back here"
    return _failure("restarted", f"{why}: ask again.")


def _failure(code: str, message: str) -> bytes:
    return _frame(openai_failure(code, message))


def _frame(data: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % _json(data)
