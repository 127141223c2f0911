"""From the frames of a chat completion to events. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ..streaming.errors import UpstreamBroken
from ..streaming.events import Done, Event, FinishReason, ReasoningDelta, TextDelta
from ..streaming.sse import Frame
from .json_frames import JSONFrames
from .openai_failure import failure
from .openai_tokens import ReadTokens, Tokens, WrittenTokens, priced
from .tool_calls import IndexedCalls

FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "model_length": "length",  # Mistral's: the model's own limit, not the question's
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}

INTERRUPTED = {"error", "insufficient_system_resource"}
"""Finish reasons of answers that are not whole: OpenRouter's and vLLM's, and DeepSeek's."""


class _Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(msgspec.Struct, gc=False):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct, gc=False):
    content: str | list[Any] | None = None
    tool_calls: list[_ToolCall] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class _Choice(msgspec.Struct, gc=False):
    index: int | None = None
    delta: _Delta | None = None
    finish_reason: str | None = None
    error: Any = None


_NAMES = {
    "read": "prompt_tokens",
    "written": "completion_tokens",
    "read_details": "prompt_tokens_details",
    "written_details": "completion_tokens_details",
}


class _Usage(Tokens, gc=False, rename=_NAMES):
    """The counts, by the names that they have here: only fields that are written again get new ones."""

    read: int | None = None
    written: int | None = None
    read_details: ReadTokens | None = None
    written_details: WrittenTokens | None = None


class _Chunk(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Chunk).decode

_UNNAMED = {b"message"}
"""This API's frames have no name: one that has is an extension, in a shape of its own."""


class ChatDecoder:
    """Reads one answer.

    Args:
        upstream: How messages name the upstream.
        model: The model's name, for the accounts.
        price_list: See `streaming.prices`.

    Attributes:
        is_done: Whether the upstream has said that the answer is over.
    """

    __slots__ = (
        "_calls", "_finish_reason", "_frames", "_has_refused", "_model", "_price_list", "_upstream", "_usage", "is_done"
    )  # fmt: skip

    def __init__(self, upstream: str, model: str, price_list: str) -> None:
        self._upstream, self._model, self._price_list = upstream, model, price_list
        self._frames = JSONFrames(upstream, _Chunk, _decode, _UNNAMED)
        self._calls: IndexedCalls | None = None
        self._usage: _Usage | None = None
        self._finish_reason: FinishReason | None = None
        self._has_refused = False
        self.is_done = False

    def read(self, frames: list[Frame], events: list[Event]) -> None:
        """Append the events in the next frames; at the end of the answer, the last ones too.

        Raises:
            UpstreamBroken: a frame is not JSON.
            UpstreamRejected: a frame tells of an error.
        """
        for frame in frames:
            if frame.data == b"[DONE]":
                self.is_done = True
                self._finish_reason = self._finish_reason or "other"
                events += self.end()
                return
            self._read(self._parse(frame), events)

    def end(self) -> list[Event]:
        """Return the last events, at the end of the body.

        Raises:
            UpstreamBroken: no finish reason has come before it.
        """
        if self._finish_reason is None:
            raise UpstreamBroken(f"{self._upstream} closed the connection in the middle of its answer. Try again.")
        events: list[Event] = []
        failed = self._calls.end_all(events) if self._calls else None
        usage = priced(self._usage, self._model, self._price_list)
        return [*events, *([usage] if usage else []), failed or Done(self._reason(self._finish_reason))]

    def _reason(self, told: FinishReason) -> FinishReason:
        if told != "stop":
            return told
        # Some servers say so of calls as well, and OpenAI's own where it was told which tool to call.
        usual: FinishReason = "stop" if self._calls is None else "tool_calls"
        return "content_filter" if self._has_refused else usual

    def _parse(self, frame: Frame) -> _Chunk:
        chunk = self._frames.read(frame)
        told = _bare_error(frame.data) if chunk.error is None and chunk.choices is None else chunk.error
        if told is not None:
            raise failure(self._upstream, told)
        return chunk

    def _read(self, chunk: _Chunk, events: list[Event]) -> None:
        self._usage = chunk.usage or self._usage
        for choice in chunk.choices or ():
            if not choice.index:
                if choice.delta is not None:
                    self._read_delta(choice.delta, events)
                if choice.error is not None or choice.finish_reason in INTERRUPTED:
                    raise failure(self._upstream, choice.error or f"its finish reason is {choice.finish_reason!r}")
                if choice.finish_reason:
                    self._finish_reason = FINISH_REASONS.get(choice.finish_reason, "other")

    def _read_delta(self, delta: _Delta, events: list[Event]) -> None:
        # Where the reasoning ends, vLLM puts the last of it and the first of the text into one delta.
        if reasoning := delta.reasoning_content or delta.reasoning:
            events.append(ReasoningDelta(reasoning))
        if content := delta.content:
            if isinstance(content, str):
                events.append(TextDelta(content))
            else:
                events += _said_in(content)
        if delta.refusal:
            self._has_refused = True
            events.append(TextDelta(delta.refusal))
        if delta.tool_calls:
            self._read_calls(delta.tool_calls, events)

    def _read_calls(self, pieces: list[_ToolCall], events: list[Event]) -> None:
        self._calls = self._calls or IndexedCalls(self._upstream)
        for piece in pieces:
            function = piece.function or _Function()
            self._calls.read(piece.index, piece.id, function.name, function.arguments, events)


def _said_in(parts: list[Any]) -> Iterator[Event]:
    """Yield what a content says that comes in parts, as Mistral's reasoning models send it; other parts say nothing."""
    for part in parts:
        if text := _text_of(part):
            yield TextDelta(text)
        match part:
            case {"type": "thinking", "thinking": str(thought)} if thought:
                yield ReasoningDelta(thought)
            case {"type": "thinking", "thinking": list(inner)}:
                yield from [ReasoningDelta(thought) for piece in inner if (thought := _text_of(piece))]


def _text_of(part: Any) -> str:  # noqa: ANN401  # what a server sent
    match part:
        case {"type": "text", "text": str(text)}:
            return text
    return ""


def _bare_error(data: bytes) -> Any:  # noqa: ANN401  # what a server sent
    # Older vLLMs send the error itself where others send an object that holds it.
    try:
        bare = msgspec.json.decode(data, type=dict)
    except msgspec.DecodeError:
        return None
    return bare if bare.get("object") == "error" else None
