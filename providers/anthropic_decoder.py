"""From the frames of an Anthropic message to events. Pure."""

from __future__ import annotations

import msgspec

from ..streaming.errors import UpstreamBroken, UpstreamRejected
from ..streaming.events import Done, Event, Failed, FinishReason, ReasoningDelta, ReasoningSigned, TextDelta, Usage
from ..streaming.sse import Frame
from .counts import counted
from .json_frames import JSONFrames
from .sdk import shown
from .tool_calls import ToolCalls

STOP_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "pause_turn": "pause",
}


class _OutputDetails(msgspec.Struct, gc=False):
    thinking_tokens: int | None = None


class _Usage(msgspec.Struct, gc=False):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: _OutputDetails | None = None


class _Message(msgspec.Struct, gc=False):
    usage: _Usage | None = None


class _Delta(msgspec.Struct, gc=False):
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    signature: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _Block(msgspec.Struct, gc=False):
    type: str = ""
    id: str | None = None
    name: str | None = None
    data: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"{}")


class _Error(msgspec.Struct, gc=False):
    type: str = "api_error"
    message: str = ""


class _Frame(msgspec.Struct, gc=False):
    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: _Usage | None = None
    error: _Error | None = None


_decode = msgspec.json.Decoder(_Frame).decode

_READ = {
    b"message", b"message_start", b"content_block_start", b"content_block_delta", b"content_block_stop",
    b"message_delta", b"message_stop", b"error",
}  # fmt: skip
"""The events whose shape is known here (`message` stands for none). Others may be of any shape, and are skipped."""


class MessageDecoder:
    """Reads one answer.

    Args:
        upstream: How messages name the upstream.
        model: The model's name, for the accounts.
        price_list: See `streaming.prices`.
        answer_tool: The tool by whose call the answer is given, so that its input is the answer's text.

    Attributes:
        is_done: Whether the upstream has said that the answer is over.
    """

    __slots__ = (
        "_answer", "_answer_tool", "_blocks", "_calls", "_failed", "_finish_reason", "_frames", "_inputs",
        "_model", "_price_list", "_stopped_at", "_upstream", "_usage", "is_done",
    )  # fmt: skip

    def __init__(self, upstream: str, model: str, price_list: str, answer_tool: str | None = None) -> None:
        self._upstream, self._model, self._price_list = upstream, model, price_list
        self._frames = JSONFrames(upstream, _Frame, _decode, _READ)
        self._answer_tool = answer_tool
        self._answer: int | None = None  # the content block that is the answer
        self._inputs: dict[int, str] = {}  # of content blocks of which no piece has come
        self._usage = _Usage()
        self._calls = ToolCalls(upstream)
        self._blocks: dict[int, int] = {}  # which call a content block is
        self._failed: Failed | None = None
        self._finish_reason: FinishReason | None = None
        self._stopped_at: str | None = None
        self.is_done = False

    def read(self, frames: list[Frame], events: list[Event]) -> None:
        """Append the events in the next frames; at the end of the answer, the last ones too.

        Raises:
            UpstreamBroken: a frame is not JSON.
            UpstreamRejected: a frame tells of an error.
        """
        known = self._usage
        for frame in frames:
            parsed = self._frames.read(frame)
            if parsed.error is not None:
                raise failure(self._upstream, parsed.error)
            if parsed.type == "message_stop":
                self.is_done = True
                events += self.end()
                return
            self._read(parsed, events)
        if self._usage is not known and (usage := priced(self._usage, self._model, self._price_list)):
            # In case the answer is cut: what the prompt took is known from the first frame on.
            events.append(msgspec.structs.replace(usage, estimated=True))

    def end(self) -> list[Event]:
        """Return the last events, at the end of the body.

        Raises:
            UpstreamBroken: no stop reason has come before it.
        """
        if self._finish_reason is None:
            raise UpstreamBroken(f"{self._upstream} closed the connection in the middle of its answer. Try again.")
        events: list[Event] = []
        failed = self._failed or self._calls.end_all(events)
        usage = priced(self._usage, self._model, self._price_list)
        done = Done(self._reason(self._finish_reason), self._stopped_at)
        return [*events, *([usage] if usage else []), failed or done]

    def _reason(self, told: FinishReason) -> FinishReason:
        is_answer = told == "tool_calls" and self._answer is not None and not self._calls.are_any
        return "stop" if is_answer else told

    def _read(self, frame: _Frame, events: list[Event]) -> None:
        delta = frame.delta
        if delta is not None:
            if delta.text:
                events.append(TextDelta(delta.text))
            elif delta.thinking:
                events.append(ReasoningDelta(delta.thinking))
            elif delta.partial_json:
                self._read_input(frame.index, delta.partial_json, events)
            elif delta.signature:
                events.append(ReasoningSigned(delta.signature))
            elif delta.stop_reason:
                self._finish_reason = STOP_REASONS.get(delta.stop_reason, "other")
                self._stopped_at = delta.stop_sequence
        elif frame.content_block is not None:
            self._begin(frame.index, frame.content_block, events)
        elif frame.type == "content_block_stop":
            self._end(frame.index, events)
        if usage := frame.usage or (frame.message and frame.message.usage):
            self._usage = _newer(self._usage, usage)

    def _begin(self, index: int, block: _Block, events: list[Event]) -> None:
        if block.type == "tool_use" and block.name == self._answer_tool:
            # There is one answer: a model that gives another has given none for it.
            if self._answer is None:
                self._answer = index
                # A tool that is called with nothing at all is called with an empty object.
                self._inputs[index] = _input_of(block) or "{}"
        elif block.type == "tool_use":
            self._blocks[index] = self._calls.begin(block.id, block.name or "", events)
            self._inputs[index] = _input_of(block)
        elif block.type == "redacted_thinking":
            events.append(ReasoningSigned(block.data or "", is_redacted=True))
        elif block.type in {"text", "thinking"}:
            events += [ReasoningDelta(block.thinking)] if block.thinking else []
            events += [ReasoningSigned(block.signature)] if block.signature else []
            events += [TextDelta(block.text)] if block.text else []

    def _read_input(self, index: int, piece: str, events: list[Event]) -> None:
        self._inputs.pop(index, None)
        if index == self._answer:
            events.append(TextDelta(piece))
        else:
            self._calls.add(self._blocks.get(index, -1), piece, events)

    def _end(self, index: int, events: list[Event]) -> None:
        if whole := self._inputs.get(index):
            self._read_input(index, whole, events)
        if index in self._blocks:
            self._failed = self._failed or self._calls.end(self._blocks.pop(index), events)


def _input_of(block: _Block) -> str:
    # Anthropic's own servers send it piece by piece, after an empty object. Others may have all of it at once.
    text = bytes(block.input).decode()
    return text if text.startswith("{") and text != "{}" else ""


def _newer(known: _Usage, told: _Usage) -> _Usage:
    # Each frame tells some of the counts, all of them cumulative: what it leaves out stays as it was.
    return _Usage(*(
        new if (new := getattr(told, name)) is not None else getattr(known, name) for name in _Usage.__struct_fields__
    ))  # fmt: skip


def priced(usage: _Usage, model: str, price_list: str) -> Usage | None:
    """Return what the upstream told of an answer's tokens, with its price; None where it told nothing."""
    if usage.input_tokens is None:
        return None
    cached, cache_write = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    return counted(
        price_list,
        model,
        # This API counts what it read from its cache, or wrote to it, beside the input and not in it.
        usage.input_tokens + cached + cache_write,
        usage.output_tokens,
        cached=cached,
        cache_write=cache_write,
        reasoning=(usage.output_tokens_details or _OutputDetails()).thinking_tokens,
    )


def failure(upstream: str, error: _Error) -> UpstreamRejected:
    """Return our error for one that came inside the stream, as `overloaded_error` does."""
    message = shown(error.message) or "it did not say why"
    is_overloaded = error.type in {"overloaded_error", "rate_limit_error"}
    return UpstreamRejected(
        f"{upstream} failed in the middle of its answer: {message} ({shown(error.type)})",
        status=529 if is_overloaded else 502,
        code="upstream_overloaded" if is_overloaded else "upstream_failed",
        retryable=is_overloaded or error.type in {"api_error", "timeout_error"},
    )
