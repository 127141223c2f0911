"""A complete message of Anthropic's Messages API, with what only Anthropic's models send. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ...core.answer import Block, CollectedAnswer, ToolCallBlock
from ...core.events import ProviderEvent, Usage
from ...core.json_object import exact_decoder
from .objects import block_object, message_object, stop_fields, usage_object
from .provider_events import FAMILY, fields_of, merge_fields


def whole_message(answer: CollectedAnswer) -> dict[str, Any]:
    """Return a complete answer as one JSON value."""
    assert answer.started is not None
    assert answer.finish_reason is not None
    started, ended = _described_fields(answer, "message"), _described_fields(answer, "end")
    reported_usage = {**started.pop("usage", {}), **ended.pop("usage", {})}
    return {
        **started,
        **message_object(answer.started),
        "content": _content_of(answer),
        **stop_fields(answer.finish_reason, answer.stop_sequence, ended.pop("delta", {})),
        **ended,
        "usage": {**reported_usage, **usage_object(answer.usage or Usage(0, 0))},
    }


def _described_fields(answer: CollectedAnswer, kind: str) -> dict[str, Any]:
    """Return all fields that the events of one kind have told about an answer."""
    merged: dict[str, Any] = {}
    for _, event in answer.provider_events:
        if event.family == FAMILY and event.kind == kind:
            merged = merge_fields(merged, fields_of(event))
    return merged


def _content_of(answer: CollectedAnswer) -> list[dict[str, Any]]:
    """Return the blocks of an answer, with those that only Anthropic's models send."""
    content = _Content()
    events = iter([(place, event) for place, event in answer.provider_events if event.family == FAMILY])
    following = next(events, None)
    for place, block in enumerate([*answer.blocks, None]):
        while following is not None and following[0] <= place:
            content.add_event(following[1])
            following = next(events, None)
        if block is not None:
            content.add_block(block)
    return content.completed()


class _Content:
    """Puts the blocks of a message together."""

    def __init__(self) -> None:
        self._blocks: list[dict[str, Any]] = []
        self._texts: list[dict[str, list[str]]] = []  # of each block, the pieces of its fields
        self._is_open = False  # whether the last block was begun by the provider and its deltas follow
        self._call: dict[str, Any] = {}

    def add_event(self, event: ProviderEvent) -> None:
        """Add what a provider event says."""
        match event.kind:
            case "block":
                self._append(fields_of(event))
                self._is_open = True
            case "delta" if self._blocks:
                _add_delta(self._blocks[-1], self._texts[-1], fields_of(event))
            case "call":
                self._call = fields_of(event)

    def add_block(self, block: Block) -> None:
        """Add a block, whose start the provider may have sent already."""
        built = block_object(block)
        if isinstance(block, ToolCallBlock):
            built, self._call = {**built, **self._call}, {}
        elif self._is_open and self._blocks[-1]["type"] == built["type"]:
            self._texts.pop()
            built = {**self._blocks.pop(), **built}
        self._append(built)
        self._is_open = False

    def completed(self) -> list[dict[str, Any]]:
        """Return the blocks with their texts."""
        return [_completed(block, texts) for block, texts in zip(self._blocks, self._texts, strict=True)]

    def _append(self, block: dict[str, Any]) -> None:
        self._blocks.append(block)
        self._texts.append({})


def _add_delta(block: dict[str, Any], texts: dict[str, list[str]], delta: dict[str, Any]) -> None:
    match delta:
        case {"type": "citations_delta", "citation": citation}:
            if not isinstance(block.get("citations"), list):
                block["citations"] = []
            block["citations"].append(citation)
        case {"type": "input_json_delta", "partial_json": str(piece)}:
            texts.setdefault("input", []).append(piece)
        case {"type": "text_delta" | "thinking_delta"}:
            for name, piece in _fields_of_delta(delta):
                texts.setdefault(name, []).append(str(piece))
        case _:
            block.update(_fields_of_delta(delta))


def _fields_of_delta(delta: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in delta.items() if name != "type")


def _completed(block: dict[str, Any], texts: dict[str, list[str]]) -> dict[str, Any]:
    for name, pieces in texts.items():
        text = "".join(pieces)
        block[name] = _parsed(text) if name == "input" else f"{block.get(name) or ''}{text}"
    return block


def _parsed(text: str) -> dict[str, Any]:
    try:
        return exact_decoder.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return {}
