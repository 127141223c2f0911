"""Anthropic's messages API: what `POST /v1/messages` sends.

A message is a row of content blocks, and each is stopped before the next begins: its readers take the last one for the
one that grows. Pure.

Left out, since the protocol has no word for it: what an answer costs, what one that broke off has taken, and what of
the input went into the provider's cache (it counts as input).
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from ...core.answer import Block, CollectedAnswer, ReasoningBlock, ToolCallBlock
from ...core.errors import StreamCancelled
from ...core.events import (
    AnswerRestarted,
    Cancelled,
    Completed,
    Event,
    Failed,
    FinishReason,
    ReasoningDelta,
    ReasoningSignature,
    ResponseStarted,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from ...core.partial_json.tokens import WHITESPACE
from ...core.sse import encode_event
from ...core.usage import delta_text
from ..encoding.base import EVENT_STREAM, AbortConnection
from ..encoding.error_bodies import anthropic_error_body, anthropic_failure
from ..encoding.frames import encode_text_frames, written

MOST_HELD = 4 * 1024 * 1024
"""Bytes of an answer that may wait for the end of a tool call, roughly."""

HEARTBEAT = b'event: ping\ndata: {"type":"ping"}\n\n'

FRAMES = (
    "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
    "message_stop", "ping", "error",
)  # fmt: skip
"""The names that frames have."""

STOP_REASONS: dict[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "pause": "pause_turn",
    "other": "end_turn",
}

_CONTENT = (TextDelta, ReasoningDelta, ReasoningSignature, ToolCallStarted, ToolCallDelta, ToolCallCompleted)

_Kind: TypeAlias = Literal["text", "thinking"]

_BLOCKS: dict[_Kind, dict[str, Any]] = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
}

_encoder = msgspec.json.Encoder()


class MessagesEncoder:
    """One message, as frames or whole.

    A tool call that is not whole when something else begins holds that back: some providers mix the pieces of calls.
    """

    HEADERS = EVENT_STREAM
    error_body = staticmethod(anthropic_error_body)

    __slots__ = ("_arguments", "_begun", "_held", "_held_size", "_index", "_open", "_usage")

    def __init__(self) -> None:
        self._index = -1
        self._open: _Kind | int | None = None  # an int is the number of a call
        self._begun: set[int] = set()
        self._arguments: list[str] = []  # of the call that is open
        self._held: list[Event] = []
        self._held_size = 0
        self._usage = Usage(0, 0)

    def encode(self, events: list[Event], first: int | None = None, suffix: bytes = b"") -> bytes:
        """Write events as frames; an empty list is a silence and becomes a ping. May return nothing.

        Args:
            events: What has come.
            first: The number of the first of them, where the frames are to carry numbers: the last frame of each event
                carries its number.
            suffix: What follows each number; see `position`.

        Raises:
            AbortConnection: the answer begins again, or too much waits for the end of a call.
        """
        if not events:
            return HEARTBEAT
        texts = [event.text for event in events if type(event) is TextDelta]
        if first is None and len(texts) == len(events) and self._open == "text":
            return self._encode_texts(texts)
        return written(events, first, suffix, self._frames)

    @staticmethod
    def encode_whole(answer: CollectedAnswer) -> dict[str, Any]:
        """Return an answer that is given in one piece."""
        assert answer.started is not None
        assert answer.finish_reason is not None
        return {
            **_message(answer.started),
            "content": [_content(block) for block in answer.blocks],
            **_stopped(answer.finish_reason, answer.stop_sequence),
            "usage": _usage(answer.usage or Usage(0, 0)),
        }

    def _encode_texts(self, texts: list[str]) -> bytes:
        before, _, after = self._delta("text_delta", text="").partition(b'""')
        return encode_text_frames(texts, before, after)

    def _frames(self, event: Event) -> list[bytes]:
        if self._must_wait(event):
            return self._hold(event)
        match event:
            case TextDelta(text):
                return self._grow("text", "text_delta", text)
            case ReasoningDelta(text):
                return self._grow("thinking", "thinking_delta", text)
            case ReasoningSignature(signature, is_redacted):
                return self._redacted(signature) if is_redacted else self._signed(signature)
            case ToolCallStarted() | ToolCallDelta() | ToolCallCompleted():
                return self._call(event)
            case _:
                return self._outside(event)

    def _outside(self, event: Event) -> list[bytes]:
        match event:
            case ResponseStarted():
                return [_frame("message_start", message=_message(event))]
            case Usage():
                self._usage = event
            case AnswerRestarted(reason, model) if self._index >= 0:
                # What was shown cannot be taken back.
                raise AbortConnection(
                    _error_frame("restarted", f"{model} began the answer again ({reason}). Ask again.")
                )
            case Completed(finish_reason, stop_sequence):
                stopped: list[bytes] = []
                while self._open is not None:
                    stopped += self._stop()
                return [*stopped, *_end(_stopped(finish_reason, stop_sequence), self._usage)]
            case Failed(code, message):
                return [_error_frame(code, message)]
            case Cancelled(reason):
                return [_error_frame(StreamCancelled.code, StreamCancelled(reason).message)]
        return []

    def _must_wait(self, event: Event) -> bool:
        if not isinstance(self._open, int) or not isinstance(event, _CONTENT):
            return False
        if isinstance(event, (ToolCallDelta, ToolCallCompleted)) and event.index in self._begun:
            return False
        return bool(self._held) or not _is_object(self._arguments)

    def _hold(self, event: Event) -> list[bytes]:
        self._held_size += 100 + len(delta_text(event))
        if self._held_size > MOST_HELD:
            raise AbortConnection(
                _error_frame("answer_too_large", f"More than {MOST_HELD} bytes waited for a tool call.")
            )
        self._held.append(event)
        return []

    def _grow(self, kind: _Kind, delta: str, text: str) -> list[bytes]:
        begun = [] if self._open == kind else self._begin(kind, _BLOCKS[kind])
        return [*begun, self._delta(delta, **{kind: text})]

    def _signed(self, signature: str) -> list[bytes]:
        begun = [] if self._open == "thinking" else self._begin("thinking", _BLOCKS["thinking"])
        return [*begun, self._delta("signature_delta", signature=signature), *self._stop()]

    def _redacted(self, data: str) -> list[bytes]:
        return [*self._begin("thinking", {"type": "redacted_thinking", "data": data}), *self._stop()]

    def _call(self, event: ToolCallStarted | ToolCallDelta | ToolCallCompleted) -> list[bytes]:
        if isinstance(event, ToolCallStarted):
            self._begun.add(event.index)
            self._arguments = []
            return self._begin(event.index, {"type": "tool_use", "id": event.id, "name": event.name, "input": {}})
        if event.index != self._open:
            return []  # it was whole when the next block began: no more than blanks can follow
        if isinstance(event, ToolCallDelta):
            return self._grow_call(event.text)
        # Some providers tell the arguments at once.
        unwritten = event.arguments if event.arguments and not self._arguments else None
        return [*([] if unwritten is None else self._grow_call(_encoder.encode(unwritten).decode())), *self._stop()]

    def _grow_call(self, text: str) -> list[bytes]:
        # Readers parse all that has come, each time, and blanks alone are no JSON.
        text = text if self._arguments else text.lstrip(WHITESPACE)
        if not text:
            return []
        self._arguments.append(text)
        return [self._delta("input_json_delta", partial_json=text)]

    def _begin(self, kind: _Kind | int, block: dict[str, Any]) -> list[bytes]:
        stopped = self._stop()
        self._index += 1
        self._open = kind
        return [*stopped, _frame("content_block_start", index=self._index, content_block=block)]

    def _delta(self, kind: str, **fields: str) -> bytes:
        return _frame("content_block_delta", index=self._index, delta={"type": kind, **fields})

    def _stop(self) -> list[bytes]:
        """End the open block, if there is one, and go on with what it has held back."""
        if self._open is None:
            return []
        frames = [_frame("content_block_stop", index=self._index)]
        self._open = None
        held, self._held, self._held_size = self._held, [], 0
        return frames + [frame for event in held for frame in self._frames(event)]


def _message(started: ResponseStarted) -> dict[str, Any]:
    return {
        "id": f"msg_{started.id}",
        "type": "message",
        "role": "assistant",
        "model": started.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        # As far as it is known: some readers look for the input here alone. The end tells all.
        "usage": _usage(Usage(started.input_tokens, 0, started.cached_tokens)),
    }


def _content(block: Block) -> dict[str, Any]:
    match block:
        case ToolCallBlock(id=id, name=name, arguments=arguments):
            return {"type": "tool_use", "id": id, "name": name, "input": arguments or {}}
        case ReasoningBlock(signature=data, is_redacted=True):
            return {"type": "redacted_thinking", "data": data or ""}
        case ReasoningBlock(signature=signature):
            return {"type": "thinking", "thinking": block.text, "signature": signature or ""}
        case _:
            return {"type": "text", "text": block.text}


def _usage(usage: Usage) -> dict[str, Any]:
    told: dict[str, Any] = {
        "input_tokens": max(0, usage.input_tokens - usage.cached_tokens),
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
    }
    thought = {"output_tokens_details": {"thinking_tokens": usage.reasoning_tokens}}
    return {**told, **(thought if usage.reasoning_tokens else {})}


def _stopped(finish_reason: FinishReason, stop_sequence: str | None) -> dict[str, str | None]:
    reason = STOP_REASONS[finish_reason] if stop_sequence is None else "stop_sequence"
    return {"stop_reason": reason, "stop_sequence": stop_sequence}


def _end(stopped: dict[str, str | None], usage: Usage) -> list[bytes]:
    return [_frame("message_delta", delta=stopped, usage=_usage(usage)), _frame("message_stop")]


def _error_frame(code: str, message: str) -> bytes:
    return encode_event(b"error", _encoder.encode(anthropic_failure(code, message)))


def _frame(kind: str, **fields: Any) -> bytes:  # noqa: ANN401  # JSON values
    return encode_event(kind.encode(), _encoder.encode({"type": kind, **fields}))


def _is_object(pieces: list[str]) -> bool:
    try:
        msgspec.json.decode("".join(pieces), type=dict)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True
