"""The encoder of OpenAI's chat completions, for `POST /v1/chat/completions`.

The protocol has no form for reasoning signatures and none for the end of a tool call, which clients infer from the next
chunk; both are omitted, and so are an application's results of tools, steps, documents, files and data. A chunk cannot
be revoked, so an answer that restarts ends with an error. What only providers of the same protocol have is written as
they sent it; see `provider_fields.py`. Pure.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ...core import exact_json
from ...core.answer import CollectedAnswer
from ...core.application_events import Source
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
    ResponseStarted,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from ..encoding.base import EVENT_STREAM_HEADERS, AbortConnection
from ..encoding.error_bodies import openai_error_body, openai_stream_error
from ..encoding.frames import OPENAI_HEARTBEAT, encode_events, encode_text_frames
from ..openai_shared.annotations import url_citation
from .call_deltas import CallDeltas
from .provider_fields import FAMILY, ProviderFields, WholeFields, whole_fields

_DONE = b"data: [DONE]\n\n"
_FINISH_REASONS: dict[FinishReason, str] = {"pause": "stop", "other": "stop"}  # the protocol's own list is closed
_json = exact_json.encode


class ChatCompletionEncoder:
    """Encodes one response.

    Args:
        id: The stream's id.
        model: The requested model's id. `ResponseStarted` replaces it by the answering model's.
        created: The time of the request, in seconds since 1970.
        has_usage: Whether the stream contains usage.
        custom_tools: Names of the tools that the client knows as custom tools.
        is_legacy: Whether the client uses the older API, with `functions`.
    """

    HEADERS = EVENT_STREAM_HEADERS

    def __init__(  # noqa: PLR0913  # all but the first three are keyword-only
        self,
        id: str,  # noqa: A002
        model: str,
        created: int,
        *,
        has_usage: bool = False,
        custom_tools: Collection[str] = (),
        is_legacy: bool = False,
    ) -> None:
        self._id, self._created = f"chatcmpl-{id}", created
        self._has_usage, self._is_legacy = has_usage, is_legacy
        self._usage: Usage | None = None
        self._calls = CallDeltas(custom_tools, is_legacy=is_legacy)
        self._fields = ProviderFields()
        self._citations = 0
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
        if first_id is None and len(texts) == len(events) and not self._fields.is_waiting:
            return self._encode_texts(texts)
        return encode_events(events, first_id, id_suffix, self._encode_one)

    def encode_whole(self, answer: CollectedAnswer) -> dict[str, Any]:
        """Return a complete answer as one JSON value."""
        fields = whole_fields(answer)
        choice = {
            "index": 0,
            "message": self._message(answer, fields),
            "logprobs": None,
            **fields.choice,
            "finish_reason": self._finish_reason(answer.finish_reason),
        }
        return {
            "id": self._id,
            "object": "chat.completion",
            "created": self._created,
            "model": answer.started.model if answer.started else self._model,
            **fields.top,
            "choices": [choice],
            "usage": fields.fields.usage_with(_usage_object(answer.usage)) if answer.usage else None,
        }

    def _message(self, answer: CollectedAnswer, fields: WholeFields) -> dict[str, Any]:
        calls = answer.tool_calls()
        reasoning = answer.reasoning()
        return {
            "role": "assistant",
            "content": answer.text() or (None if calls else ""),
            "refusal": None,
            **({"reasoning_content": reasoning} if reasoning else {}),
            **_annotations([source for _, source in answer.sources]),
            **fields.message,
            **self._calls.whole(calls, fields.calls),
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
                return [self._delta({"content": text}) if self._fields.is_waiting else self._encode_texts([text])]
            case ReasoningDelta(text):
                return [self._delta({"reasoning_content": text})]
            case ToolCallDelta(call, text):
                return self._deltas(self._calls.arguments(call, text))
            case ToolCallStarted(call, id, name):
                return [self._delta(self._calls.start(call, id, name, self._fields.calls.pop(call, {})))]
            case ToolCallCompleted(call, arguments):
                return self._deltas(self._calls.end(call, arguments))
            case ResponseStarted(_, model):
                self._set_model(model)
                return [self._delta({"role": "assistant", "content": ""})]
            case _:
                return self._encode_end(event)

    def _encode_end(self, event: Event) -> list[bytes]:  # noqa: PLR0911  # one for each kind of event
        match event:
            case Usage():
                self._usage = event
                return []
            case Source():
                return self._cite(event)
            case ProviderEvent(family) if family == FAMILY:
                return self._encode_provider_event(event)
            case Completed(reason):
                return [self._delta({}, self._finish_reason(reason)), *self._encode_usage(), _DONE]
            case AnswerRestarted():
                raise AbortConnection(_restart_error_frame(event))
            case Failed(code, message):
                return [*self._encode_usage(), _error_frame(code, message)]
            case Cancelled(reason):
                return [*self._encode_usage(), _error_frame(StreamCancelled.code, StreamCancelled(reason).message)]
            case _:
                return []

    def _encode_provider_event(self, event: ProviderEvent) -> list[bytes]:
        if self._fields.read(event):
            self._set_model(self._model)
        if event.kind == "call":
            return [self._delta(self._calls.others(call, fields)) for call, fields in self._late_call_fields()]
        return [self._delta({})] if event.kind == "chunk" and self._fields.is_waiting else []

    def _late_call_fields(self) -> list[tuple[int, dict[str, Any]]]:
        late = [index for index in self._fields.calls if index in self._calls.begun]
        return [(index, self._fields.calls.pop(index)) for index in late]

    def _cite(self, source: Source) -> list[bytes]:
        if not (delta := _annotations([source])):
            return []
        # OpenAI's SDKs merge the entries of lists by their index.
        delta["annotations"][0]["index"] = self._citations
        self._citations += 1
        return [self._delta(delta)]

    def _deltas(self, delta: dict[str, Any] | None) -> list[bytes]:
        return [] if delta is None else [self._delta(delta)]

    def _encode_usage(self) -> list[bytes]:
        if not self._has_usage or self._usage is None:
            return []
        return [_frame(self._chunk([]) | {"usage": self._fields.usage_with(_usage_object(self._usage))})]

    def _delta(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        if not self._fields.is_waiting:
            return _frame(self._chunk([choice]))
        top, fields = self._fields.take_next()
        merged = {**choice, **fields, "delta": {**delta, **fields.get("delta", {})}}
        return _frame({**self._chunk([merged]), **top})

    def _finish_reason(self, reason: FinishReason | None) -> str | None:
        if reason is None:
            return None
        if reason == "tool_calls" and self._is_legacy:
            return "function_call"
        return _FINISH_REASONS.get(reason, reason)

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        chunk = {
            **self._fields.top,
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }
        return chunk | {"usage": None} if self._has_usage else chunk


def _annotations(sources: list[Source]) -> dict[str, Any]:
    citations = [citation for source in sources if (citation := url_citation(source)) is not None]
    annotations = [{"type": "url_citation", "url_citation": citation} for citation in citations]
    return {"annotations": annotations} if annotations else {}


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
