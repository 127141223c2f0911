"""What only providers of chat completions have in an answer, on its way into this service's chunks. Pure.

`providers/openai/chat_provider_fields.py` makes the events, and has the table of their kinds.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...core.answer import CollectedAnswer
from ...core.events import ProviderEvent
from ...core.json_object import exact_decoder
from ...core.json_pieces import JSONPieces
from ...providers.chat_request import Json

FAMILY = "openai-chat"


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
        self._next_choice = JSONPieces()

    def read(self, event: ProviderEvent) -> bool:
        """Read an event, and return whether the fields at the top of every chunk have changed."""
        data = exact_decoder.decode(event.data)
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
            self._next_choice.add(choice)
        # Objects and lists are told once; what is as short as a name stands in every chunk, as providers have it.
        short = {name: value for name, value in data.items() if not isinstance(value, (dict, list))}
        self._next_top |= {name: value for name, value in data.items() if name not in short}
        self.is_waiting = bool(self._next_top or self._next_choice)
        self.top |= short
        return bool(short)

    def take_next(self) -> tuple[Json, Json]:
        """Return the fields of the next chunk, at its top and in its choice."""
        fields = self._next_top, self._next_choice.value()
        self._next_top, self._next_choice, self.is_waiting = {}, JSONPieces(), False
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
        self.fields = ProviderFields()
        self._message, self._logprobs = JSONPieces(), JSONPieces()
        self._calls: dict[int, JSONPieces] = {}
        for event in events:
            self._add(event)
        self.message = self._message.value()
        self.calls = {index: pieces.value() for index, pieces in self._calls.items()}
        self.choice |= {"logprobs": self._logprobs.value()} if self._logprobs else {}

    def _add(self, event: ProviderEvent) -> None:
        data = exact_decoder.decode(event.data)
        if event.kind == "usage":
            self.fields.read(event)
        elif event.kind == "call":
            self._calls.setdefault(data["call"], JSONPieces()).add(data["fields"])
        else:
            choice = data.pop("choices", [{}])[0]
            self._message.add(choice.pop("delta", {}))
            if isinstance(logprobs := choice.pop("logprobs", None), dict):
                self._logprobs.add(logprobs)
            self.choice |= choice
            self.top |= data


def whole_fields(answer: CollectedAnswer) -> WholeFields:
    """Return the provider's fields of a complete answer."""
    return WholeFields(event for _, event in answer.provider_events if event.family == FAMILY)
