"""Decodes the stream of a chat completion to events. Pure."""

from __future__ import annotations

from typing import Any

from ...core.errors import UpstreamProtocolError
from ...core.events import Completed, Event, FinishReason, ReasoningDelta, TextDelta
from ...core.sse import ServerSentEvent
from ..decoding.finish_reasons import parse_finish_reason, resolve_finish_reason
from ..decoding.json_events import DECODE_ERRORS, JSONEventDecoder
from .applied_settings import service_tier_setting
from .chat_chunks import (
    Choice,
    Chunk,
    Delta,
    TokenCounts,
    bare_error,
    content_deltas,
    decode,
    is_foreign_protocol,
    legacy_tool_call_chunks,
    reasoning_text,
    tool_call_chunks,
)
from .chat_custom_calls import CustomInputs
from .chat_tool_calls import IndexedToolCalls
from .item_texts import missing_suffix
from .stream_errors import stream_error
from .usage import merge_counts, partial_usage, usage_from_counts

_KNOWN_EVENTS = {b"message"}
"""This API's events have no name, which counts as `message`. Events with other names are extensions of a server."""


MAX_SILENT_CHUNKS = 16
"""Events without text that are examined for another protocol, as long as no event has text."""


class ChatDecoder:
    """Decodes one answer; see `StreamDecoder`.

    Args:
        upstream: Names the upstream in messages.
        model: The provider's own name of the model, for the price.
        pricing_provider: The provider's name in the price list; see `core.pricing`.

    Attributes:
        is_done: Whether the upstream has completed the answer.
    """

    __slots__ = (
        "_calls",
        "_choice",
        "_custom_inputs",
        "_finish_choice",
        "_finish_reason",
        "_has_foreign",
        "_has_own_fields",
        "_has_reasoning",
        "_has_refused",
        "_has_unreadable",
        "_is_begun",
        "_is_legacy",
        "_json_decoder",
        "_last_text",
        "_message_text_size",
        "_model",
        "_pricing_provider",
        "_service_tier",
        "_silent_chunks",
        "_text_size",
        "_upstream",
        "_usage",
        "is_done",
    )  # fmt: skip

    def __init__(self, upstream: str, model: str, pricing_provider: str) -> None:
        self._upstream, self._model, self._pricing_provider = upstream, model, pricing_provider
        self._json_decoder = JSONEventDecoder(upstream, Chunk, decode, _KNOWN_EVENTS)
        self._calls: IndexedToolCalls | None = None
        self._custom_inputs = CustomInputs()
        self._usage: TokenCounts | None = None
        self._service_tier: Any = None
        self._choice: int | str | None = None  # the index of the first choice with content: it is the answer
        self._finish_reason: FinishReason | None = None
        self._finish_choice: int | str = 0
        # The length of the text received and its last piece, to find what a whole message adds.
        self._text_size, self._last_text = 0, ""
        self._message_text_size = 0
        self._is_begun = self._has_reasoning = self._has_refused = self._has_unreadable = False
        self._is_legacy = False
        self._silent_chunks = 0  # number of events without content, before the first with content
        # Whether a chunk since this was reset may have fields that the server wants back; see `chat_reasoning_fields`.
        self._has_own_fields = False
        self._has_foreign = False  # whether one of them has text in a field of another protocol
        self.is_done = False

    def read(self, frames: list[ServerSentEvent], events: list[Event]) -> None:
        """Append the events in the next frames; see `StreamDecoder.read`.

        Raises:
            UpstreamProtocolError: an event is not JSON, or the answer cannot be decoded.
            UpstreamStatusError: an event reports an error.
        """
        before, known, is_whole = len(events), self._usage, False
        try:
            for frame in frames:
                try:
                    chunk: Chunk | None = decode(frame.data)
                except DECODE_ERRORS:
                    chunk = self._json_decoder.read(frame)
                if chunk is None:
                    self._is_begun = self._is_begun or len(events) > before
                    last = self._end(self._finish_reason or "other")
                    self.is_done = is_whole = True
                    events += last
                    return
                earlier = len(events)
                self._read(chunk, frame, events)
                if self._has_own_fields:
                    self._has_own_fields = False
                    self._keep_own_fields(frame, events[earlier:])
        finally:
            self._is_begun = self._is_begun or len(events) > before
            if not is_whole and self._usage is not known and (usage := partial_usage(self._usage)):
                # In case the answer breaks off.
                events.append(usage)

    def end(self) -> list[Event]:
        """Return the last events of the answer, since the body has ended.

        Raises:
            UpstreamProtocolError: no finish reason was sent, or nothing of the answer could be decoded.
        """
        if self._finish_reason is None:
            raise UpstreamProtocolError(
                f"{self._upstream} closed the connection in the middle of its answer. Try again."
            )
        return self._end(self._finish_reason)

    def _end(self, reported: FinishReason) -> list[Event]:
        events: list[Event] = []
        failed = None
        if self._calls is not None:
            self._calls.read(self._custom_inputs.end_all(), events)
            failed = self._calls.end_all(events)
        if not self._is_begun and not failed and self._is_unreadable(reported):
            raise UpstreamProtocolError(f"{self._upstream} sent an answer that cannot be decoded. Try again.")
        usage = usage_from_counts(self._usage, self._model, self._pricing_provider)
        # Some servers report `stop` for tool calls, as OpenAI's own do if the request forced the tool.
        has_calls = self._calls is not None and self._calls.has_calls
        done = Completed(
            resolve_finish_reason(reported, has_calls=has_calls, has_refused=self._has_refused),
            applied_settings=service_tier_setting(self._service_tier),
        )
        return [*events, *([usage] if usage else []), failed or done]

    def _is_unreadable(self, reported: FinishReason) -> bool:
        is_announced = reported == "tool_calls" or self._finish_reason is None
        return self._has_unreadable or is_announced or self._has_foreign

    def _read(self, chunk: Chunk, frame: ServerSentEvent, events: list[Event]) -> None:
        if chunk.service_tier is not None:
            self._service_tier = chunk.service_tier
        if chunk.usage is not None:
            self._usage = merge_counts(self._usage, chunk.usage)
        if chunk.choices is None or chunk.error is not None:
            self._read_other_chunk(chunk, frame)
            return
        for choice in chunk.choices:
            if choice.index == self._choice:
                self._read_choice(choice, events)
            else:
                self._read_other_choice(choice, events)
        if self._choice is None:
            self._check_silent(frame)

    def _keep_own_fields(self, frame: ServerSentEvent, events: list[Event]) -> None:
        """Keep fields of a chunk that the server wants back, given the chunk's events: for subclasses."""

    def _read_other_chunk(self, chunk: Chunk, frame: ServerSentEvent) -> None:
        error = chunk.error
        if error is None:
            error = bare_error(frame.data, is_named=frame.event == b"error")
        if error is not None:
            raise stream_error(self._upstream, error)
        if frame.event in _KNOWN_EVENTS:
            self._check_silent(frame)

    def _check_silent(self, frame: ServerSentEvent) -> None:
        # Examined at once: stored until the end, a few large events would fill the memory.
        if self._silent_chunks < MAX_SILENT_CHUNKS:
            self._silent_chunks += 1
            self._has_foreign = self._has_foreign or is_foreign_protocol(frame.data)

    def _read_other_choice(self, choice: Choice, events: list[Event]) -> None:
        # One answer was requested: the first choice with content, whatever its index.
        index = choice.index or 0
        if self._choice is None:
            before = len(events)
            self._read_choice(choice, events)
            if len(events) > before:
                self._choice = index
                if self._finish_choice != index:
                    self._finish_reason = None
        elif index == self._choice:
            self._read_choice(choice, events)

    def _read_choice(self, choice: Choice, events: list[Event]) -> None:
        if choice.delta is not None:
            self._read_delta(choice.delta, events)
        if choice.text:
            self._add_text(choice.text, events)
        if choice.message is not None:
            self._read_message(choice.message, events)
        if choice.usage is not None:
            self._usage = merge_counts(self._usage, choice.usage)
        if choice.finish_reason or choice.error is not None:
            reported = parse_finish_reason(choice.finish_reason)
            if choice.error is not None or reported == "interrupted":
                raise stream_error(self._upstream, choice.error or f"its finish reason is {choice.finish_reason!r}")
            if reported is not None:
                self._finish_reason, self._finish_choice = reported, choice.index or 0

    def _add_text(self, text: str, events: list[Event]) -> None:
        events.append(TextDelta(text))
        self._text_size += len(text)
        self._last_text = text

    def _read_delta(self, delta: Delta, events: list[Event]) -> None:
        # vLLM sends the end of the reasoning and the beginning of the text in one delta.
        if delta.reasoning_content or delta.reasoning or delta.reasoning_text or delta.reasoning_details:
            self._has_own_fields = True
            if reasoning := reasoning_text(delta):
                self._add_reasoning(reasoning, events)
        if content := delta.content:
            if isinstance(content, str):
                events.append(TextDelta(content))
                self._text_size += len(content)
                self._last_text = content
            else:
                self._read_parts(content, events)
        if delta.refusal:
            self._has_refused = True
            self._add_text(delta.refusal, events)
        if delta.tool_calls or delta.function_call is not None:
            self._has_own_fields = True
            self._read_calls(delta, events)
        if delta.extra_content is not None or delta.reasoning_opaque is not None:
            self._has_own_fields = True

    def _add_reasoning(self, reasoning: str, events: list[Event]) -> None:
        self._has_reasoning = True
        events.append(ReasoningDelta(reasoning))

    def _read_parts(self, content: Any, events: list[Event]) -> None:  # noqa: ANN401  # what a server sent
        deltas = list(content_deltas(content))
        self._has_unreadable = self._has_unreadable or not deltas
        for event in deltas:
            if isinstance(event, TextDelta):
                self._add_text(event.text, events)
            else:
                self._add_reasoning(event.text, events)

    def _read_calls(self, delta: Delta, events: list[Event]) -> None:
        self._is_legacy = self._is_legacy or (self._calls is None and not delta.tool_calls)
        self._calls = self._calls or IndexedToolCalls(self._upstream)
        if delta.tool_calls:
            self._calls.read(tool_call_chunks(delta, self._custom_inputs), events)
        elif self._is_legacy:
            # Servers that send a call in both formats send the same call twice.
            self._calls.read(legacy_tool_call_chunks(delta), events)

    def _read_message(self, message: Delta, events: list[Event]) -> None:
        self._has_own_fields = True
        # The whole answer, in place of its deltas or after them: only what was not received yet is emitted.
        deltas = list(content_deltas(message.content)) if message.content else []
        self._has_unreadable = self._has_unreadable or bool(message.content and not deltas)
        reasoning = reasoning_text(message) or "".join(
            event.text for event in deltas if isinstance(event, ReasoningDelta)
        )
        if reasoning and not self._has_reasoning:
            self._add_reasoning(reasoning, events)
        whole = "".join(event.text for event in deltas if isinstance(event, TextDelta)) + (message.refusal or "")
        missing = missing_suffix(whole, self._text_size, self._last_text)
        if missing is None and self._text_size == self._message_text_size:
            missing = whole  # this server sends a message for each piece
        self._has_refused = self._has_refused or bool(message.refusal)
        if missing:
            self._message_text_size += len(missing)
            self._add_text(missing, events)
        if calls := [*tool_call_chunks(message)] or [*legacy_tool_call_chunks(message)]:
            self._calls = self._calls or IndexedToolCalls(self._upstream)
            self._calls.read(self._custom_inputs.end_all(), events)
            self._calls.read_whole(calls, events)
