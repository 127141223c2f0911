"""The output of one response: its items, with what only the provider's answer says about them. Pure.

Each run of text, each run of reasoning and each tool call is an item. A provider of the same API also has items of
other types, and describes its items further; for its events see `providers.openai.responses_source_decoder`.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from ...core.answer import Block, CollectedAnswer, ReasoningBlock, TextBlock, ToolCallBlock
from ...core.application_events import Source
from ...core.events import Completed, ProviderEvent
from ...core.json_object import exact_decoder
from ..openai_shared.annotations import url_citation
from .output_items import Status, call_item, message_item, reasoning_item, refusal_part, text_part
from .request_echo import Json
from .tool_names import ToolNames

FAMILY = "openai-responses"

Frames: TypeAlias = list[tuple[str, Json]]
"""The names and the fields of frames, without their sequence numbers."""

MAX_ID_CHARS = 256
_EVENT_NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)
_PREFIXES = {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc"}
_PART_TYPES = {"message": ("output_text", "refusal"), "reasoning": ("summary_text", "reasoning_text")}
"""The usual type of the part of an item, and the other one."""

_OWN_FIELDS = frozenset({"id", "type", "role", "name", "namespace", "call_id"})


@dataclass(slots=True)
class OutputItem:
    """One item.

    Attributes:
        block: The content; None for an item that only the provider knows.
        type: The type of the item.
        id: The id of the item: the provider's if it has one.
        fields: Further fields, as the provider sent them.
        part_type: The type of the one part of a message or of reasoning.
        annotations: Those of a message.
        logprobs: The log probabilities of a message's tokens.
        json: The complete item; None while it grows.
    """

    block: Block | None
    type: str
    id: str
    fields: Json = field(default_factory=dict)
    part_type: str = ""
    annotations: list[Any] = field(default_factory=list)
    logprobs: list[Any] = field(default_factory=list)
    json: Json | None = None

    def part(self) -> Json:
        """Return the part of a message."""
        if self.part_type == "refusal":
            return refusal_part(self.block.text if self.block else "")
        return text_part(self.block.text if self.block else "", self.annotations, self.logprobs)


class Output:
    """The items of one response.

    Args:
        stream_id: The stream's id, from which ids of items are made.
        names: The names of tools that are no plain functions.

    Attributes:
        items: The items so far.
        reported: Fields of the response, as the provider reports them.
        logprobs: The log probabilities of the next text; empty if there are none.
    """

    def __init__(self, stream_id: str, names: ToolNames) -> None:
        self._stream_id, self._names = stream_id, names
        self.items: list[OutputItem] = []
        self.reported: Json = {}
        self.logprobs: list[Any] = []
        self._first_logprobs: list[Any] = []  # of the message that begins next
        self._next: Json = {}  # the provider's words about the next item
        self._is_closed = False  # whether nothing more belongs to the last item
        self._next_part = ""  # the type of its part, if it is not the usual one
        self._places: dict[Any, int] = {}  # indexes in `items`, by the provider's index and id of the item

    @property
    def has_open_message(self) -> bool:
        """Whether the last item is a message that may still grow."""
        return bool(self.items) and type(self.items[-1].block) is TextBlock and not self._is_closed

    def open(self, block: Block) -> int:
        """Add an item with a block, and return its index."""
        described = self._next.get("item", {})
        item_type = self._type_of(block, described)
        if described.get("type") != item_type:
            described = {}
        item = OutputItem(block, item_type, _id_of(described) or self._new_id(item_type), dict(described))
        self._name_call(item, described)
        usual, unusual = _PART_TYPES.get(item_type, ("", ""))
        item.part_type = unusual if self._next_part == unusual else usual
        if item_type == "message":
            item.logprobs, self._first_logprobs = self._first_logprobs, []
        index = self._add(item, self._next)
        self._next, self._next_part, self._is_closed = {}, "", False
        return index

    def item(self, index: int, status: Status) -> Json:
        """Return an item as JSON: as it is complete, or else with `status`."""
        item = self.items[index]
        return item.json or self._build(item, status)

    def complete(self, index: int, status: Status) -> Json:
        """Return an item that does not change any more."""
        built = self.items[index].json = self._build(self.items[index], status)
        return built

    def ended(self, completed: Completed) -> Completed:
        """Return the last event of the answer as this API means it: one with a refusal is complete."""
        has_refused = any(item.part_type == "refusal" for item in self.items)
        is_complete = has_refused and completed.finish_reason == "content_filter"
        return msgspec.structs.replace(completed, finish_reason="stop") if is_complete else completed

    def read(self, event: ProviderEvent) -> Frames:
        """Add what the provider says, and return the frames that say it."""
        fields = _fields_of(event)
        self._is_closed = self._is_closed or event.is_content
        match event.kind:
            case "item":
                self._next = fields
            case "part":
                self._next_part = str(fields.get("type"))
            case "logprobs" if isinstance(logprobs := fields.get("logprobs"), list):
                self._add_logprobs(logprobs)
            case "annotation":
                return self._annotate(fields.get("annotation"))
            case "added" | "done" if isinstance(fields.get("item"), dict):
                return self._read_item(fields, is_complete=event.kind == "done")
            case "event":
                return self._readdress(fields)
            case "response":
                self.reported |= fields
        return []

    def _type_of(self, block: Block, described: Json) -> str:
        if isinstance(block, ToolCallBlock):
            is_custom = described.get("type") == "custom_tool_call" or block.name in self._names.custom
            return "custom_tool_call" if is_custom else "function_call"
        return "reasoning" if isinstance(block, ReasoningBlock) else "message"

    def _new_id(self, item_type: str) -> str:
        return f"{_PREFIXES[item_type]}_{self._stream_id}_{len(self.items)}"

    def _name_call(self, item: OutputItem, described: Json) -> None:
        # The client calls a tool by its own name, and tells its namespace beside it.
        block = item.block
        if not isinstance(block, ToolCallBlock):
            return
        qualified = self._names.qualified.get(block.name)
        if not described and qualified is not None:
            item.fields = {"namespace": qualified.namespace, "name": qualified.name}

    def _add(self, item: OutputItem, addressed: Json) -> int:
        self.items.append(item)
        index = len(self.items) - 1
        for key in (addressed.get("output_index"), item.id):
            if isinstance(key, (int, str)):
                self._places[key] = index
        return index

    def _build(self, item: OutputItem, status: Status) -> Json:
        match item.block:
            case None:
                return item.fields
            case ToolCallBlock() as call:
                built = call_item(item.id, item.type, call, status, item.fields)
            case ReasoningBlock() as reasoning:
                built = reasoning_item(item.id, reasoning, has_text=item.part_type == "reasoning_text")
            case message:
                built = message_item(item.id, [item.part()] if message.text else [], status)
        return {**built, **{name: value for name, value in item.fields.items() if name not in _OWN_FIELDS}}

    def _add_logprobs(self, logprobs: list[Any]) -> None:
        self.logprobs = logprobs
        known = self.items[-1].logprobs if self.has_open_message else self._first_logprobs
        known += logprobs

    def cite(self, source: Source) -> Frames:
        """Add a source to the open message, and return the frames that say it; documents have no form."""
        citation = url_citation(source)
        return [] if citation is None else self._annotate({"type": "url_citation", **citation})

    def _annotate(self, annotation: Any) -> Frames:  # noqa: ANN401  # any JSON
        if not self.has_open_message:
            return []
        index = len(self.items) - 1
        item = self.items[index]
        item.annotations.append(annotation)
        place = {"item_id": item.id, "output_index": index, "content_index": 0}
        number = len(item.annotations) - 1
        return [
            ("response.output_text.annotation.added", {**place, "annotation_index": number, "annotation": annotation})
        ]

    def _read_item(self, fields: Json, *, is_complete: bool) -> Frames:
        sent: Json = fields["item"]
        index = self._place_of(fields.get("output_index"), sent.get("id")) if is_complete else None
        frames: Frames = []
        if index is None or self.items[index].block is not None:
            item_type = str(sent.get("type"))
            index = self._add(
                OutputItem(None, item_type, _id_of(sent) or f"item_{self._stream_id}_{len(self.items)}", sent), fields
            )
            frames.append(("response.output_item.added", {"output_index": index, "item": sent}))
        self.items[index].fields = sent
        if is_complete:
            self.items[index].json = sent
            frames.append(("response.output_item.done", {"output_index": index, "item": sent}))
        return frames

    def _readdress(self, fields: Json) -> Frames:
        """Return the frame of an event with this response's index and id of the item to which it belongs."""
        name = fields.pop("type", "")
        if not isinstance(name, str) or not _EVENT_NAME.fullmatch(name):
            return []
        index = self._place_of(fields.get("output_index"), fields.get("item_id"))
        place = {} if index is None else {"output_index": index, "item_id": self.items[index].id}
        fields |= {key: value for key, value in place.items() if key in fields}
        fields.pop("sequence_number", None)
        return [(name, fields)]

    def _place_of(self, *keys: Any) -> int | None:  # noqa: ANN401  # any JSON
        return next((self._places[key] for key in keys if isinstance(key, (int, str)) and key in self._places), None)


def collected_output(answer: CollectedAnswer, stream_id: str, names: ToolNames) -> Output:
    """Return the items of an answer, as far as it is collected.

    Args:
        answer: The answer.
        stream_id: The stream's id.
        names: The names of tools that are no plain functions.
    """
    output, said = Output(stream_id, names), iter(answer.provider_events)
    before, event = next(said, (None, None))
    uncited = deque(answer.sources)
    for number, block in enumerate([*answer.blocks, None]):
        while event is not None and before == number:
            output.read(event)
            before, event = next(said, (None, None))
        if block is not None:
            output.open(block)
        while output.has_open_message and uncited and uncited[0][0] <= number:
            output.cite(uncited.popleft()[1])
    return output


def _id_of(item: Json) -> str:
    item_id = item.get("id")
    return item_id if isinstance(item_id, str) and len(item_id) <= MAX_ID_CHARS else ""


def _fields_of(event: ProviderEvent) -> Json:
    if event.family != FAMILY:
        return {}
    try:
        return exact_decoder.decode(event.data)
    except (msgspec.MsgspecError, RecursionError):
        return {}  # an application may yield such events too
