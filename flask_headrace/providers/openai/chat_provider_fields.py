"""Finds what of a chat completion's chunks only this protocol has, for clients of the same protocol. Pure.

Each chunk becomes the usual events. Its other fields become `ProviderEvent`s of these kinds, each with a JSON object.
`blueprints/openai_chat/provider_fields.py` writes them back.

| kind    | data                                                  | place                                |
|---------|-------------------------------------------------------|--------------------------------------|
| `part`  | the other fields of a chunk, in the chunk's form      | before the first event of the chunk  |
| `chunk` | the same, of a chunk that has no events               | where the chunk was                  |
| `call`  | `call`: the call's index; `fields`: its other fields  | before the call's event              |
| `usage` | the other token counts                                | where the chunk was                  |

Fields at the top of a chunk are only told when they change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from ...core.events import Event, FinishReason, ProviderEvent, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStarted
from ...core.sse import ServerSentEvent
from ..chat_request import Json
from ..decoding.provider_events import decode_fields, object_or_empty, provider_event
from ..source_request import Family
from .chat_chunks import Chunk
from .chat_decoder import ChatDecoder

FAMILY: Family = "openai-chat"

Found: TypeAlias = tuple[int, ProviderEvent]
"""A provider event, and its place among the events."""

MAX_EARLY_CHARS = 65536
"""Characters of events that wait for the beginning of the answer."""

_READ = {
    "chunk": frozenset({"id", "object", "created", "model", "choices", "usage", "error", "obfuscation"}),
    "choice": frozenset({"index", "delta", "message", "finish_reason", "text", "usage", "error"}),
    "delta": frozenset({
        "role", "content", "tool_calls", "function_call", "refusal", "reasoning_content", "reasoning", "reasoning_text",
    }),
    "call": frozenset({"index", "id", "type", "function", "custom", "name", "arguments", "input"}),
    "usage": frozenset({"prompt_tokens", "completion_tokens", "total_tokens", "estimated", "cost"}),
    "details": frozenset({"cached_tokens", "reasoning_tokens"}),
}  # fmt: skip
"""The fields that become usual events, or that belong to this service's own chunks."""

_DETAILS = frozenset({"prompt_tokens_details", "completion_tokens_details"})

_CONTENT_FIELDS = frozenset({"audio", "images"})
"""Fields of a delta that are a part of the answer: another model cannot continue it."""

_TEXT_NAME, _PADDING_NAME = b'"content":', b'"obfuscation":'

_PARTS = (TextDelta, ReasoningDelta, ToolCallStarted, ToolCallDelta)


class ProviderFieldsDecoder(ChatDecoder):
    """A `ChatDecoder` that also reports the fields that only this protocol has; see the module."""

    __slots__ = ("_early", "_plain", "_told")

    def __init__(self, upstream: str, model: str, pricing_provider: str) -> None:
        super().__init__(upstream, model, pricing_provider)
        # Before the answer begins it may still fail, or come from another model: nothing is reported before it.
        self._early: list[ProviderEvent] = []
        self._told: dict[str, Any] = {}  # the fields at the top, as they were told last
        # What surrounds the text, and the padding, of a chunk without other fields.
        self._plain = (b"", b"", b"")

    def _read(self, chunk: Chunk, frame: ServerSentEvent, events: list[Event]) -> None:
        before = len(events)
        super()._read(chunk, frame, events)
        if frame.event == b"message" and not self._is_plain(frame.data):
            self._add_provider_events(frame.data, events, before)
        if self._early and len(events) > before:
            events[before:before] = self._early
            self._early = []

    def _end(self, reported: FinishReason) -> list[Event]:
        return [*self._early, *super()._end(reported)]

    def _is_plain(self, data: bytes) -> bool:
        """Whether a chunk differs only in its text and its padding from one that has no other fields."""
        start, middle, end = self._plain
        text_end = data.find(b'"', len(start))
        if not start or not data.startswith(start) or not data.startswith(middle, text_end):
            return False
        padding_start = text_end + len(middle)
        padding_end = data.find(b'"', padding_start) if end else padding_start
        return data[padding_end:] == end

    def _learn_plain(self, data: bytes) -> None:
        """Remember what surrounds the text and the padding of a chunk without other fields."""
        text_start = data.find(b'"', data.find(_TEXT_NAME) + len(_TEXT_NAME)) + 1
        text_end = data.find(b'"', text_start)
        if not 0 < text_start <= text_end:
            return
        padding_name = data.find(_PADDING_NAME, text_end)
        padding_start = data.find(b'"', padding_name + len(_PADDING_NAME)) + 1 if padding_name > 0 else len(data)
        padding_end = data.find(b'"', padding_start) if padding_name > 0 else len(data)
        self._plain = data[:text_start], data[text_end:padding_start], data[padding_end:]

    def _add_provider_events(self, data: bytes, events: list[Event], before: int) -> None:
        chunk = decode_fields(data)
        choice = answer_choice(chunk, self._choice)
        delta = object_or_empty(choice.get("delta") or choice.get("message"))
        found = [*self._calls_fields(delta, events, before), *self._usage_fields(chunk, choice, events)]
        delta_fields = _others(delta, "delta")
        fields = _others(choice, "choice") | ({"delta": delta_fields} if delta_fields else {})
        rest = self._changed(_others(chunk, "chunk")) | ({"choices": [fields]} if fields else {})
        if rest:
            is_part = any(isinstance(event, _PARTS) for event in events[before:])
            is_content = not _CONTENT_FIELDS.isdisjoint(delta_fields)
            place, kind = (before, "part") if is_part else (len(events), "chunk")
            found.append((place, _event(kind, rest, is_content=is_content)))
        if not found:
            self._learn_plain(data)
        elif not events and not self._is_begun and self._can_wait(found):
            self._early += [event for _, event in found]
        else:
            for place, event in sorted(found, key=_place, reverse=True):
                events.insert(place, event)

    def _can_wait(self, found: list[Found]) -> bool:
        waiting = [*self._early, *(event for _, event in found)]
        size = sum([len(event.data) for event in waiting])
        return size <= MAX_EARLY_CHARS and not any(event.is_content for event in waiting)

    def _changed(self, fields: Json) -> Json:
        changed = {name: value for name, value in fields.items() if self._told.get(name) != value}
        self._told |= changed
        return changed

    def _calls_fields(self, delta: Json, events: list[Event], before: int) -> Iterator[Found]:
        calls = delta.get("tool_calls")
        numbers = self._calls.last_read if self._calls else []
        for call, number in zip([calls] if isinstance(calls, dict) else calls or (), numbers, strict=False):
            if number is None or not (fields := _others(object_or_empty(call), "call")):
                continue
            starts = (place for place, event in enumerate(events) if place >= before and _starts(event, number))
            # As the call itself, they are a part of the answer.
            yield next(starts, len(events)), _event("call", {"call": number, "fields": fields}, is_content=True)

    def _usage_fields(self, chunk: Json, choice: Json, events: list[Event]) -> Iterator[Found]:
        usage = object_or_empty(chunk.get("usage") or choice.get("usage"))
        fields = _others(usage, "usage")
        for name in _DETAILS & fields.keys():
            if details := _others(object_or_empty(fields.pop(name)), "details"):
                fields[name] = details
        if changed := self._changed({"usage": fields} if fields else {}):
            yield len(events), _event("usage", changed["usage"])


def answer_choice(chunk: Json, index: int | str | None) -> Json:
    """Return the choice of a chunk that belongs to the answer; empty if there is none.

    Args:
        chunk: The chunk.
        index: The index of the choice that is the answer; None before it is known.
    """
    choices = [choice for choice in chunk.get("choices") or () if isinstance(choice, dict)]
    if index is None:
        return choices[0] if choices else {}
    return next((choice for choice in choices if (choice.get("index") or 0) == index), {})


def _place(found: Found) -> int:
    return found[0]


def _starts(event: Event, number: int) -> bool:
    return isinstance(event, ToolCallStarted) and event.index == number


def _others(value: Json, place: str) -> Json:
    """Return the fields of a JSON object that have a value and are not read."""
    read = _READ[place]
    return {name: inner for name, inner in value.items() if name not in read and inner not in (None, "", [], {})}


def _event(kind: str, data: Json, *, is_content: bool = False) -> ProviderEvent:
    return provider_event(FAMILY, kind, data, is_content=is_content)
