"""The tool calls of one run of an agent, numbered through all answers of its models."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..core import exact_json
from ..core.application_events import ToolResult
from ..core.events import Event, ToolCallCompleted, ToolCallDelta, ToolCallStarted

_decode = exact_json.ExactDecoder[Any](Any).decode


@dataclass(slots=True)
class _Call:
    index: int
    id: str
    pieces: list[str] = field(default_factory=list)


class ToolCalls:
    """Makes the events of tool calls. A key is whatever the library tells the open calls of a run apart by."""

    def __init__(self) -> None:
        self._open: dict[Hashable, _Call] = {}
        self._indexes: dict[str, int] = {}  # of all calls of the run, by their ids

    def start(self, key: Hashable, id: str | None, name: str) -> list[Event]:  # noqa: A002  # as in the event
        """Begin a call. A call without an id gets its number as one."""
        events = self.complete(key)
        index = len(self._indexes)
        known_id = id or f"call_{index}"
        self._indexes[known_id] = index
        self._open[key] = _Call(index, known_id)
        return [*events, ToolCallStarted(index, known_id, name)]

    def add(self, key: Hashable, arguments: Any) -> list[Event]:  # noqa: ANN401  # JSON text, a JSON value, or None
        """Add a piece of the arguments: JSON text, or all of them as a value; None or empty for nothing."""
        call = self._open.get(key)
        if call is None or not arguments:
            return []
        text = arguments if isinstance(arguments, str) else exact_json.encode(arguments).decode()
        call.pieces.append(text)
        return [ToolCallDelta(call.index, text)]

    def complete(self, key: Hashable) -> list[Event]:
        """Complete a call; nothing if there is none."""
        call = self._open.pop(key, None)
        return [] if call is None else [ToolCallCompleted(call.index, _value("".join(call.pieces)))]

    def complete_all(self) -> list[Event]:
        """Complete all open calls."""
        return [event for key in list(self._open) for event in self.complete(key)]

    def complete_group(self, group: object) -> list[Event]:
        """Complete the calls whose keys are tuples that begin with `group`."""
        keys = [key for key in self._open if isinstance(key, tuple) and key[0] == group]
        return [event for key in keys for event in self.complete(key)]

    def complete_id(self, id: str) -> list[Event]:  # noqa: A002  # as in the event
        """Complete the call of this id; nothing if it is complete, or unknown."""
        keys = [key for key, call in self._open.items() if call.id == id]
        return [event for key in keys for event in self.complete(key)]

    def result(self, id: str, value: Any, error: str | None = None) -> list[Event]:  # noqa: A002, ANN401
        """Return the events of a call's result; nothing if the run has not told the call.

        Args:
            id: The id of the call.
            value: What the tool has returned. What is no JSON value is sent as its text.
            error: Why the tool has failed; None if it has not.
        """
        if id not in self._indexes:
            return []
        result = None if error is not None else _json_value(value)
        return [*self.complete_id(id), ToolResult(self._indexes[id], result, error)]

    def tell(self, id: str, name: str, arguments: Any) -> list[Event]:  # noqa: A002, ANN401
        """Return the events of a whole call, unless the run has told it in pieces: then only of its completion."""
        if id in self._indexes:
            return self.complete_id(id)
        return [*self.start(id, id, name), *self.add(id, arguments), *self.complete(id)]


def _json_value(value: Any) -> Any:  # noqa: ANN401
    try:
        return _decode(exact_json.encode(value))
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError):
        return str(value)


def _value(text: str) -> Any:  # noqa: ANN401  # a JSON value
    try:
        return _decode(text) if text.strip() else {}
    except (msgspec.MsgspecError, RecursionError):
        return text  # the model's mistake, which the agent tells it
