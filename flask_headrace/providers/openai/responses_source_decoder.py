"""Decodes the stream of the Responses API for a client of the same API: also what only that API has. Pure.

What the events of this package do not have becomes a `ProviderEvent` of the family `openai-responses`, in its place.
Its data are JSON objects; `output_index` is the provider's. The kinds:

- `item`: fields of the message, reasoning or call that begins next: `{"output_index", "item"}`
- `added`, `done`: an item of another type, as it begins and as it is complete: `{"output_index", "item"}`
- `part`: the type of the parts of the message or the reasoning that begins next, if it is no text and no summary
- `annotation`: an annotation of the current message: `{"annotation"}`
- `logprobs`: the log probabilities of the text that comes next: `{"logprobs"}`
- `event`: any other event, as it came
- `response`: fields of the response, as its end reports them
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ...core.events import Event, ProviderEvent
from ...core.sse import ServerSentEvent
from ..chat_request import Json
from .responses_decoder import ResponseDecoder
from .responses_events import KNOWN_EVENTS, KNOWN_ITEM_TYPES, TERMINAL_STATUSES, Item, ResponseEvent

FAMILY = "openai-responses"

_READ_ITEM_FIELDS = frozenset({"status", "content", "summary", "arguments", "input", "encrypted_content"})
"""Fields of messages, reasoning and calls that have a counterpart in the events of this package, or are made anew."""

_READ_RESPONSE_FIELDS = frozenset({
    "id", "object", "created_at", "completed_at", "status", "background", "error", "incomplete_details", "model",
    "output", "output_text", "usage", "store", "instructions", "metadata", "tools",
})  # fmt: skip
"""Fields of a response that are this service's own, or the client's own words."""

_SKIPPED_EVENTS = frozenset({
    "", "keepalive", "message", "response.created", "response.in_progress", "response.queued",
    "response.content_part.added", "response.reasoning_summary_part.added", "response.reasoning_summary_part.done",
    "response.reasoning_summary_text.done", "response.reasoning_text.done", "response.reasoning_part.added",
    "response.reasoning_part.done",
}) | {name.decode() for name in KNOWN_EVENTS}  # fmt: skip
"""Events that are decoded, or that a response of this service has of its own."""

_EVENT_NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)
_NO_LOGPROBS = b'"logprobs":[]'

_decode = msgspec.json.Decoder(Json, float_hook=lambda digits: msgspec.Raw(digits.encode())).decode
_encode = msgspec.json.Encoder().encode


class SourceResponseDecoder(ResponseDecoder):
    """Decodes one answer to a request whose client speaks this API; see `ResponseDecoder`.

    What describes an item is held back until its first content, so that an error before the answer is the response.
    """

    __slots__ = ("_annotations", "_has_output", "_held", "_item_type", "_part_type")

    def __init__(self, upstream: str, model: str, pricing_provider: str) -> None:
        super().__init__(upstream, model, pricing_provider)
        self._item_type = ""  # of the last item that began
        self._part_type = ""  # of the current item, if it is not the usual one
        self._annotations = 0  # of the current message
        self._held: list[Event] = []  # the description of the item that has begun
        self._has_output = False  # whether the current item has any content

    def _read_text_delta(self, frame: ServerSentEvent, events: list[Event]) -> bool:
        if (
            b'"logprobs"' in frame.data
            and _NO_LOGPROBS not in frame.data
            and (logprobs := _fields(frame).get("logprobs"))
        ):
            events.append(_event("logprobs", {"logprobs": logprobs}))
        before = len(events)
        is_read = super()._read_text_delta(frame, events)
        if len(events) > before:
            self._has_output = True
            self._describe_item(before, events)
        return is_read

    def _describe_item(self, place: int, events: list[Event]) -> None:
        if self._held:
            events[place:place] = self._held
            self._held = []

    def _read(self, kind: str, event: ResponseEvent, frame: ServerSentEvent, events: list[Event]) -> None:
        match kind:
            case "response.output_item.added":
                self._begin(_fields(frame), events)
            case "response.output_item.done":
                self._end(_fields(frame), event.item or Item(), events)
            case "response.output_text.annotation.added":
                self._annotate(_fields(frame).get("annotation"), events)
            case "response.reasoning_text.delta":
                self._begin_part("reasoning_text", events)
            case "response.refusal.delta":
                self._begin_part("refusal", events)
            case _ if kind not in _SKIPPED_EVENTS and _EVENT_NAME.fullmatch(kind) and event.error is None:
                self._pass_on(kind, _fields(frame), events)
        before = len(events)
        super()._read(kind, event, frame, events)
        if len(events) > before:
            self._has_output = True
            self._describe_item(before, events)
        if kind in TERMINAL_STATUSES:
            self._describe(_fields(frame).get("response"), events)

    def _read_unknown_item(self, item_type: str) -> None:
        # The client knows the item, and receives it.
        self._is_begun = self._is_begun or item_type not in KNOWN_ITEM_TYPES

    def _begin(self, sent: Json, events: list[Event]) -> None:
        item = _object(sent, "item")
        item_type = _type_of(item)
        if item_type not in KNOWN_ITEM_TYPES:
            events.append(_event("added", {"output_index": sent.get("output_index"), "item": item}, is_content=True))
        else:
            # Two messages, or two runs of reasoning, are one run in this package unless something stands between them.
            is_content = item_type == self._item_type and item_type in {"message", "reasoning"}
            description = _item_event(sent, item, is_content=is_content)
            self._held = [] if is_content else [description]
            events += [description] if is_content else []
        self._item_type, self._part_type = item_type, ""
        self._annotations, self._has_output = 0, False

    def _begin_part(self, part_type: str, events: list[Event]) -> None:
        if self._part_type != part_type:
            self._part_type = part_type
            events.append(_event("part", {"type": part_type}, is_content=self._has_output))

    def _end(self, sent: Json, item: Item, events: list[Event]) -> None:
        whole = _object(sent, "item")
        if item.type == "message":
            self._annotate_missing(whole, events)
            return
        has_begun = item.type == self._item_type
        is_empty = item.type == "reasoning" and not (item.reasoning_text or item.encrypted_content)
        if _type_of(whole) not in KNOWN_ITEM_TYPES or (is_empty and not (has_begun and self._has_output)):
            events.append(_event("done", {"output_index": sent.get("output_index"), "item": whole}, is_content=True))
        elif not has_begun:
            self._begin(sent, events)

    def _annotate(self, annotation: Any, events: list[Event]) -> None:  # noqa: ANN401  # any JSON
        self._annotations += 1
        events.append(_event("annotation", {"annotation": annotation}))

    def _annotate_missing(self, message: Json, events: list[Event]) -> None:
        """Add the annotations of a complete message of which no event has come."""
        parts = message.get("content")
        objects = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
        lists = [part.get("annotations") for part in objects]
        annotations = [each for some in lists if isinstance(some, list) for each in some]
        for annotation in annotations[self._annotations :]:
            self._annotate(annotation, events)

    def _pass_on(self, kind: str, sent: Json, events: list[Event]) -> None:
        events.append(_event("event", {**sent, "type": kind}))

    def _describe(self, response: Any, events: list[Event]) -> None:  # noqa: ANN401  # any JSON
        if isinstance(response, dict):
            fields = {
                name: value
                for name, value in response.items()
                if name not in _READ_RESPONSE_FIELDS and value is not None
            }
            events += [_event("response", fields)] if fields else []


def _item_event(sent: Json, item: Json, *, is_content: bool) -> ProviderEvent:
    fields = {name: value for name, value in item.items() if name not in _READ_ITEM_FIELDS and value is not None}
    return _event("item", {"output_index": sent.get("output_index"), "item": fields}, is_content=is_content)


def _event(kind: str, fields: Json, *, is_content: bool = False) -> ProviderEvent:
    return ProviderEvent(FAMILY, kind, _encode(fields).decode(), is_content)


def _fields(frame: ServerSentEvent) -> Json:
    """Return the JSON object of an event; empty if it is none that can go on."""
    try:
        return _decode(frame.data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _type_of(item: Json) -> str:
    item_type = item.get("type", "")
    return item_type if isinstance(item_type, str) else "unknown"


def _object(fields: Json, name: str) -> Json:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}
