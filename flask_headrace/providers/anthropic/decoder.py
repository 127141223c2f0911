"""Decodes the stream of Anthropic's Messages API to events. Pure."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from ...core.errors import UpstreamProtocolError, UpstreamStatusError
from ...core.events import Completed, Event, Failed, FinishReason, ReasoningDelta, ReasoningSignature, TextDelta, Usage
from ...core.sse import ServerSentEvent
from ..decoding.finish_reasons import parse_finish_reason, resolve_finish_reason
from ..decoding.json_events import DECODE_ERRORS, JSONEventDecoder, to_text
from ..decoding.tool_calls import ToolCalls
from ..decoding.usage import build_usage
from ..redaction import redact
from .stream_events import (
    KNOWN_EVENTS,
    Block,
    Delta,
    Message,
    MessageEvent,
    OutputDetails,
    TokenCounts,
    content_blocks,
    decode,
    decode_text_delta,
    input_text,
    merge_counts,
)

BlockIndex: TypeAlias = int | str
"""The index of a content block in its message."""


class MessageDecoder:
    """Decodes one answer; see `StreamDecoder`.

    Args:
        upstream: Names the upstream in messages.
        model: The provider's own name of the model, for the price.
        pricing_provider: The provider's name in the price list; see `core.pricing`.
        answer_tool: The name of the tool whose input is the answer's text; None for no such tool.

    Attributes:
        is_done: Whether the upstream has completed the answer.
    """

    __slots__ = (
        "_answer_block",
        "_answer_tool",
        "_call_of_block",
        "_calls",
        "_failed",
        "_finish_reason",
        "_is_begun",
        "_json_decoder",
        "_last_text_block",
        "_model",
        "_pricing_provider",
        "_stop_sequence",
        "_unsent_inputs",
        "_upstream",
        "_usage",
        "_whole_message",
        "is_done",
    )  # fmt: skip

    def __init__(self, upstream: str, model: str, pricing_provider: str, answer_tool: str | None = None) -> None:
        self._upstream, self._model, self._pricing_provider = upstream, model, pricing_provider
        self._json_decoder = JSONEventDecoder(upstream, MessageEvent, decode, KNOWN_EVENTS)
        self._answer_tool = answer_tool
        self._answer_block: BlockIndex | None = None  # the block of the answer tool's call
        self._unsent_inputs: dict[BlockIndex, str] = {}  # inputs of blocks of which no delta has come
        self._usage = TokenCounts()
        self._calls = ToolCalls(upstream)
        self._call_of_block: dict[BlockIndex, int] = {}  # indexes of tool calls, by their block
        self._last_text_block: BlockIndex | None = None  # the block of the last text or reasoning
        self._whole_message: Message | None = None  # a message that came with content at its start
        self._failed: Failed | None = None
        self._finish_reason: FinishReason | None = None
        self._stop_sequence: str | None = None
        self._is_begun = self.is_done = False

    def read(self, frames: list[ServerSentEvent], events: list[Event]) -> None:
        """Append the events in the next frames; see `StreamDecoder.read`.

        Raises:
            UpstreamProtocolError: an event is not JSON, or the answer cannot be decoded.
            UpstreamStatusError: an event reports an error.
        """
        before, known = len(events), self._usage
        try:
            for frame in frames:
                if frame.event == b"content_block_delta" and self._read_text_delta(frame, events):
                    continue
                event = self._json_decoder.read(frame)
                kind = "message_stop" if event is None else event.type or frame.event.decode(errors="replace")
                if event is None or kind == "message_stop":
                    self._is_begun = self._is_begun or len(events) > before
                    last = self.end()
                    self.is_done = True
                    events += last
                    return
                self._read(kind, event, frame, events)
        finally:
            self._is_begun = self._is_begun or len(events) > before
            if not self.is_done and self._usage is not known:
                # In case the answer breaks off: the input tokens are known from the first event on.
                usage = usage_from_counts(self._usage, self._model, self._pricing_provider)
                events += [msgspec.structs.replace(usage, estimated=True)] if usage else []

    def end(self) -> list[Event]:
        """Return the last events of the answer, since the body has ended.

        Raises:
            UpstreamProtocolError: no stop reason was sent, or nothing of the answer could be decoded.
        """
        events: list[Event] = []
        if self._whole_message is not None and not self._is_begun:
            self._read_whole(self._whole_message, events)
        if self._finish_reason is None:
            raise UpstreamProtocolError(
                f"{self._upstream} closed the connection in the middle of its answer. Try again."
            )
        failed = self._failed or self._calls.end_all(events)
        if self._finish_reason == "tool_calls" and not self._is_begun and not events and not failed:
            raise UpstreamProtocolError(f"{self._upstream} sent an answer that cannot be decoded. Try again.")
        usage = usage_from_counts(self._usage, self._model, self._pricing_provider)
        reason = resolve_finish_reason(self._finish_reason, has_calls=self._calls.has_calls, has_refused=False)
        return [*events, *([usage] if usage else []), failed or Completed(reason, self._stop_sequence)]

    def _read_text_delta(self, frame: ServerSentEvent, events: list[Event]) -> bool:
        """Decode an event with a piece of text or reasoning, the most frequent one; return False if it is another."""
        try:
            event = decode_text_delta(frame.data)
        except DECODE_ERRORS:
            return False
        delta = event.delta
        if delta is None or not (delta.text or delta.thinking):
            return False
        self._last_text_block = event.index
        events.append(TextDelta(delta.text) if delta.text else ReasoningDelta(delta.thinking or ""))
        return True

    def _read(self, kind: str, event: MessageEvent, _frame: ServerSentEvent, events: list[Event]) -> None:
        delta = event.delta
        if delta is not None:
            if delta.text:
                self._last_text_block = event.index
                events.append(TextDelta(delta.text))
            else:
                self._read_delta(event.index, delta, events)
        elif event.error is not None or kind == "error":
            raise stream_error(self._upstream, event.error or event.message)
        elif kind == "content_block_stop":
            self._end(event.index, event.content_block, events)
        elif event.content_block is not None:
            self._begin(event.index, event.content_block, events)
        message = event.message if isinstance(event.message, Message) else None
        if usage := event.usage or (message and message.usage):
            self._usage = merge_counts(self._usage, usage)
        if message is not None and message.content:
            self._whole_message = message

    def _read_delta(self, index: BlockIndex, delta: Delta, events: list[Event]) -> None:
        if delta.thinking:
            self._last_text_block = index
            events.append(ReasoningDelta(delta.thinking))
        elif delta.partial_json:
            self._read_input(index, to_text(delta.partial_json), events)
        elif delta.signature:
            events.append(ReasoningSignature(delta.signature))
        elif delta.stop_reason:
            self._stop(delta.stop_reason, delta.stop_sequence)

    def _stop(self, reason: Any, sequence: str | None) -> None:  # noqa: ANN401  # what a server sent
        finish_reason = parse_finish_reason(reason)
        if finish_reason == "interrupted":
            raise stream_error(self._upstream, f"its stop reason is {reason!r}")
        if finish_reason is not None:
            self._finish_reason, self._stop_sequence = finish_reason, sequence

    def _read_whole(self, message: Message, events: list[Event]) -> None:
        for index, block in enumerate(content_blocks(message.content)):
            self._begin(index, block, events)
            self._end(index, None, events)
        if self._finish_reason is None:
            self._stop(message.stop_reason, message.stop_sequence)

    def _begin(self, index: BlockIndex, block: Block, events: list[Event]) -> None:
        if block.type == "tool_use" and block.name == self._answer_tool:
            # Only the first call of the answer tool is the answer.
            if self._answer_block is None:
                self._answer_block = index
                # A call without any input has an empty object as its input.
                self._unsent_inputs[index] = input_text(block) or "{}"
        elif block.type == "tool_use":
            id_ = None if block.id is None else str(block.id)
            self._call_of_block[index] = self._calls.begin(id_, block.name or "", events)
            self._unsent_inputs[index] = input_text(block)
        elif block.type == "redacted_thinking":
            events.append(ReasoningSignature(block.data or "", is_redacted=True))
        elif block.type in {"text", "thinking"}:
            events += [ReasoningDelta(block.thinking)] if block.thinking else []
            events += [ReasoningSignature(block.signature)] if block.signature else []
            events += [TextDelta(block.text)] if block.text else []
            if block.thinking or block.text:
                self._last_text_block = index

    def _read_input(self, index: BlockIndex, piece: str, events: list[Event]) -> None:
        self._unsent_inputs.pop(index, None)
        if index == self._answer_block:
            events.append(TextDelta(piece))
        else:
            self._calls.add(self._call_of_block.get(index, -1), piece, events)

    def _end(self, index: BlockIndex, block: Block | None, events: list[Event]) -> None:
        if block is not None:
            self._read_at_end(index, block, events)
        if whole := self._unsent_inputs.get(index):
            self._read_input(index, whole, events)
        if index in self._call_of_block:
            self._failed = self._failed or self._calls.end(self._call_of_block.pop(index), events)

    def _read_at_end(self, index: BlockIndex, block: Block, events: list[Event]) -> None:
        # The SDK's own events contain the whole block at its end; gateways that pass those on may have sent no deltas.
        if index in self._call_of_block:
            self._calls.complete(self._call_of_block[index], input_text(block), events)
        elif index not in {self._last_text_block, self._answer_block}:
            self._begin(index, block, events)


def usage_from_counts(usage: TokenCounts, model: str, pricing_provider: str) -> Usage | None:
    """Return the usage with its cost; None if the upstream has not reported the token counts."""
    if usage.input_tokens is None:
        return None
    cached, cache_write = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    return build_usage(
        pricing_provider,
        model,
        # This API does not include the tokens of the cache in `input_tokens`.
        usage.input_tokens + cached + cache_write,
        usage.output_tokens,
        cached_tokens=cached,
        cache_write_tokens=cache_write,
        reasoning_tokens=(usage.output_tokens_details or OutputDetails()).thinking_tokens,
    )


def stream_error(upstream: str, error: Any) -> UpstreamStatusError:  # noqa: ANN401  # servers send objects, and strings
    """Return an `UpstreamStatusError` for an error that was sent inside the stream, such as `overloaded_error`."""
    fields = error if isinstance(error, dict) else {"message": error}
    message, kind = redact(fields.get("message")) or "it did not say why", fields.get("type") or "api_error"
    is_overloaded = kind in {"overloaded_error", "rate_limit_error"}
    return UpstreamStatusError(
        f"{upstream} failed in the middle of its answer: {message} ({redact(kind)})",
        status=529 if is_overloaded else 502,
        code="upstream_overloaded" if is_overloaded else "upstream_failed",
        retryable=is_overloaded or kind in {"api_error", "timeout_error"},
    )
