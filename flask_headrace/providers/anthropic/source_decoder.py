"""Decodes the stream of Anthropic's Messages API for a client of the same API: also what only that API has. Pure.

Blocks, deltas, events and fields that the events of this package do not have become `ProviderEvent`s of the family
`anthropic`, in their place. Their kinds:

- `message`: fields of the message, as its start reports them, with those of its `usage`
- `block`: the start of a block; one of text or thinking is followed by its deltas, any other by `delta`s and a `stop`
- `call`: further fields of the tool call that begins next
- `delta`: a delta of the block that has begun last
- `stop`: the end of a block that is neither text nor thinking
- `end`: fields of the last `message_delta`
- `event`: an unknown event
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ...core.events import Event, ProviderEvent, Usage
from ...core.sse import ServerSentEvent
from ..chat_request import Json
from ..decoding.provider_events import decode_fields, object_or_empty, provider_event
from .decoder import BlockIndex, MessageDecoder
from .stream_events import Message, MessageEvent

_HANDLED_EVENTS = frozenset({"message_start", "content_block_start", "content_block_delta", "content_block_stop"})
_OTHER_EVENTS = frozenset({"", "message", "message_delta", "message_stop", "ping", "error"})
_EVENT_NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)

_READ_DELTAS = frozenset({"text_delta", "thinking_delta", "input_json_delta", "signature_delta"})
_READ_MESSAGE_FIELDS = frozenset({
    "id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage",
})  # fmt: skip
_READ_CALL_FIELDS = frozenset({"type", "id", "name", "input"})
_READ_USAGE_FIELDS = frozenset({
    "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
})  # fmt: skip
_KNOWN_STOP_REASONS = frozenset({
    "end_turn", "max_tokens", "tool_use", "refusal", "pause_turn", "stop_sequence",
})  # fmt: skip


class SourceMessageDecoder(MessageDecoder):
    """Decodes one answer to a request whose client speaks this API; see `MessageDecoder`.

    What describes the answer is held back until its first part, so that an error before that part is the response.
    """

    __slots__ = ("_foreign_block", "_has_part", "_held", "_last_block_type")

    def __init__(self, upstream: str, model: str, pricing_provider: str, answer_tool: str | None = None) -> None:
        super().__init__(upstream, model, pricing_provider, answer_tool)
        self._foreign_block: BlockIndex | None = None  # an open block that only this API has
        self._last_block_type: str | None = None
        self._held: list[Event] = []
        self._has_part = False

    def read(self, frames: list[ServerSentEvent], events: list[Event]) -> None:
        """Append the events in the next frames; see `MessageDecoder.read`."""
        usages: list[Usage] = []
        try:
            self._read_frames(frames, events, usages)
        finally:
            # A later usage, at the end of the events, contains the earlier ones.
            if usages and not self.is_done and not (events and isinstance(events[-1], Usage)):
                events.append(usages[-1])

    def _read_frames(self, frames: list[ServerSentEvent], events: list[Event], usages: list[Usage]) -> None:
        for place, frame in enumerate(frames):
            if self._has_part or self.is_done:
                super().read(frames[place:], events)
                return
            new: list[Event] = []
            try:
                super().read([frame], new)
            finally:
                if not self.is_done and new and isinstance(new[-1], Usage):
                    usages.append(new.pop())  # type: ignore[arg-type]  # a list has one usage, at its end
                if new:
                    events += [*self._take_held(), *new]
                    self._has_part = True

    def end(self) -> list[Event]:
        """Return the last events of the answer; see `MessageDecoder.end`."""
        last = super().end()
        return [*self._take_held(), *last]

    def _take_held(self) -> list[Event]:
        held, self._held = self._held, []
        return held

    def _describe(self, kind: str, fields: Json, events: list[Event]) -> None:
        if fields:
            target = events if self._has_part else self._held
            target.append(_event(kind, fields))

    def _read_text_delta(self, frame: ServerSentEvent, events: list[Event]) -> bool:
        return self._foreign_block is None and super()._read_text_delta(frame, events)

    def _read(self, kind: str, event: MessageEvent, frame: ServerSentEvent, events: list[Event]) -> None:
        sent = decode_fields(frame.data)
        if kind in _HANDLED_EVENTS:
            if self._read_part(kind, event, sent, events):
                return
        elif kind == "message_delta":
            self._describe("end", _end_fields(sent), events)
        elif kind not in _OTHER_EVENTS and sent and _EVENT_NAME.fullmatch(kind):
            self._describe("event", {**sent, "type": kind}, events)
        super()._read(kind, event, frame, events)

    def _read_part(self, kind: str, event: MessageEvent, sent: Json, events: list[Event]) -> bool:
        """Append what only this API has; return whether nothing else is in the event."""
        match kind:
            case "message_start":
                self._describe("message", _message_fields(object_or_empty(sent.get("message"))), events)
            case "content_block_start":
                return self._begin_block(event.index, object_or_empty(sent.get("content_block")), events)
            case "content_block_delta":
                return self._read_foreign_delta(event.index, object_or_empty(sent.get("delta")), events)
            case "content_block_stop" if event.index == self._foreign_block:
                self._foreign_block = None
                events.append(_event("stop", {}, is_content=True))
                return True
        return False

    def _read_whole(self, message: Message, events: list[Event]) -> None:
        # Some servers send the whole content at the message's start.
        events += self._take_held()
        self._has_part = True
        parts = message.content if isinstance(message.content, list) else []
        for index, part in enumerate(parts):
            if isinstance(part, dict) and self._begin_block(index, part, events):
                self._foreign_block = None
                events.append(_event("stop", {}, is_content=True))
            else:
                super()._read_whole(msgspec.structs.replace(message, content=[part]), events)
        if not parts:
            super()._read_whole(message, events)

    def _begin_block(self, index: BlockIndex, block: Json, events: list[Event]) -> bool:
        block_type, before = block.get("type"), self._last_block_type
        self._last_block_type = block_type
        match block_type:
            case "text" | "thinking":
                emptied = {**block, block_type: "", **({"signature": ""} if block_type == "thinking" else {})}
                if before == block_type:
                    # Only this event keeps the texts apart, so that another model cannot continue them.
                    events.append(_event("block", emptied, is_content=True))
                else:
                    self._describe("block", emptied, events)
            case "tool_use":
                further = _without(block, _READ_CALL_FIELDS)
                self._describe("call", further, events)
            case str() if block_type != "redacted_thinking":
                self._foreign_block = index
                events.append(_event("block", block, is_content=True))
                return True
        return False

    def _read_foreign_delta(self, index: BlockIndex, delta: Json, events: list[Event]) -> bool:
        if index == self._foreign_block:
            events.append(_event("delta", delta, is_content=True))
            return True
        if isinstance(kind := delta.get("type"), str) and kind not in _READ_DELTAS:
            self._describe("delta", delta, events)
            return True
        return False


def _event(kind: str, fields: Json, *, is_content: bool = False) -> ProviderEvent:
    return provider_event("anthropic", kind, fields, is_content=is_content)


def _without(fields: Json, read: frozenset[str]) -> Json:
    return {name: value for name, value in fields.items() if name not in read}


def _message_fields(message: Json) -> Json:
    usage = _without(object_or_empty(message.get("usage")), _READ_USAGE_FIELDS)
    return {**_without(message, _READ_MESSAGE_FIELDS), **({"usage": usage} if usage else {})}


def _end_fields(sent: Json) -> Json:
    delta, usage = object_or_empty(sent.get("delta")), _without(object_or_empty(sent.get("usage")), _READ_USAGE_FIELDS)
    reason: Any = delta.get("stop_reason")
    further = _without(delta, frozenset({"stop_reason", "stop_sequence"}))
    if isinstance(reason, str) and reason not in _KNOWN_STOP_REASONS:
        further["stop_reason"] = reason
    return {
        **_without(sent, frozenset({"type", "delta", "usage"})),
        **({"delta": further} if further else {}),
        **({"usage": usage} if usage else {}),
    }
