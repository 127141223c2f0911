"""What only providers of chat completions have in an answer, on its way into this service's chunks. Pure.

`providers/openai/chat_provider_fields.py` makes the events, and has the table of their kinds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from ...core.answer import CollectedAnswer
from ...core.events import ProviderEvent
from ...providers.chat_request import Json

FAMILY = "openai-chat"

_REPLACED = frozenset({"index", "type", "id", "format", "role", "name"})
"""Fields that a later piece repeats rather than continues."""

_decode = msgspec.json.Decoder(dict[str, Any], float_hook=lambda digits: msgspec.Raw(digits.encode())).decode


class ProviderFields:
    """The provider's fields that are waiting for the next chunk, and those of all chunks.

    Attributes:
        top: The fields at the top of every chunk from here on.
        calls: The fields of tool calls that are not written yet, by the index of the call.
        usage: The token counts that only the provider has.
        is_waiting: Whether fields wait for the next chunk.
    """

    __slots__ = ("_next_choice", "_next_top", "calls", "is_waiting", "top", "usage")

    def __init__(self) -> None:
        self.top: Json = {}
        self.calls: dict[int, Json] = {}
        self.usage: Json = {}
        self.is_waiting = False
        self._next_top: Json = {}
        self._next_choice: Json = {}

    def read(self, event: ProviderEvent) -> bool:
        """Read an event, and return whether the fields at the top of every chunk have changed."""
        data = _decode(event.data)
        if event.kind == "usage":
            self.usage = data
        elif event.kind == "call":
            self.calls[data["call"]] = data["fields"]
        else:
            return self._read_chunk(data)
        return False

    def _read_chunk(self, data: Json) -> bool:
        choices = data.pop("choices", [])
        for choice in choices:
            accumulate(self._next_choice, choice)
        # Objects and lists are told once; what is as short as a name stands in every chunk, as providers have it.
        short = {name: value for name, value in data.items() if not isinstance(value, (dict, list))}
        self._next_top |= {name: value for name, value in data.items() if name not in short}
        self.is_waiting = bool(self._next_top or self._next_choice)
        self.top |= short
        return bool(short)

    def take_next(self) -> tuple[Json, Json]:
        """Return the fields of the next chunk, at its top and in its choice."""
        fields = self._next_top, self._next_choice
        self._next_top, self._next_choice, self.is_waiting = {}, {}, False
        return fields

    def usage_with(self, counts: Json) -> Json:
        """Return token counts with those that only the provider has; the details are merged."""
        merged = {**self.usage, **counts}
        for name, details in self.usage.items():
            if isinstance(details, dict) and isinstance(known := counts.get(name), dict):
                merged[name] = {**details, **known}
        return merged


class WholeFields:
    """The provider's fields of a complete answer.

    Args:
        events: The provider events of the answer, in their order.

    Attributes:
        top: The fields at the top.
        choice: The fields of the choice, without those of the message.
        message: The fields of the message.
        calls: The fields of each tool call, by its index.
        fields: The last state of the fields for the usage.
    """

    def __init__(self, events: Iterable[ProviderEvent]) -> None:
        self.top: Json = {}
        self.choice: Json = {}
        self.message: Json = {}
        self.calls: dict[int, Json] = {}
        self.fields = ProviderFields()
        for event in events:
            self._add(event)

    def _add(self, event: ProviderEvent) -> None:
        data = _decode(event.data)
        if event.kind == "usage":
            self.fields.read(event)
        elif event.kind == "call":
            accumulate(self.calls.setdefault(data["call"], {}), data["fields"])
        else:
            choice = data.pop("choices", [{}])[0]
            accumulate(self.message, choice.pop("delta", {}))
            if isinstance(logprobs := choice.pop("logprobs", None), dict):
                accumulate(self.choice.setdefault("logprobs", {}), logprobs)
            self.choice |= choice
            self.top |= data


def whole_fields(answer: CollectedAnswer) -> WholeFields:
    """Return the provider's fields of a complete answer."""
    return WholeFields(event for _, event in answer.provider_events if event.family == FAMILY)


def accumulate(known: Json, piece: Json) -> None:
    """Add a piece to an object as OpenAI's SDKs do: texts and lists go on, entries with an `index` are merged.

    Args:
        known: The object so far; it changes.
        piece: The next piece. It belongs to `known` afterwards.
    """
    for name, value in piece.items():
        before = known.get(name)
        if isinstance(before, str) and isinstance(value, str) and name not in _REPLACED:
            known[name] = before + value
        elif isinstance(before, dict) and isinstance(value, dict):
            accumulate(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            _extend(before, value)
        elif value is not None or name not in known:
            known[name] = value


def _extend(known: list[Any], pieces: list[Any]) -> None:
    by_index = {entry["index"]: entry for entry in known if isinstance(entry, dict) and _index(entry) is not None}
    for piece in pieces:
        entry = by_index.get(_index(piece))
        if entry is None:
            known.append(piece)
        else:
            accumulate(entry, piece)


def _index(entry: Any) -> int | None:  # noqa: ANN401  # any JSON
    index = entry.get("index") if isinstance(entry, dict) else None
    return index if isinstance(index, int) else None
