"""Writes tool calls as chat completions have them: of functions, of custom tools, and the older single call. Pure.

A custom tool's call has free text in the place of JSON arguments; see `core.custom_tool_input`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ...core import exact_json
from ...core.answer import ToolCallBlock
from ...core.custom_tool_input import ArgumentsToInput, input_of
from ...core.partial_json.tokens import WHITESPACE
from ...providers.chat_request import Json

_encode = exact_json.encode


class CallDeltas:
    """The deltas of the tool calls of one answer.

    Args:
        custom_tools: Names of the tools that the client knows as custom tools.
        is_legacy: Whether the client uses the older API: the first call is a `function_call`.

    Attributes:
        begun: The indexes of the calls that have begun.
    """

    __slots__ = ("_custom_tools", "_inputs", "_is_legacy", "_silent", "begun")

    def __init__(self, custom_tools: Collection[str] = (), *, is_legacy: bool = False) -> None:
        self._custom_tools, self._is_legacy = custom_tools, is_legacy
        self.begun: set[int] = set()
        self._silent: set[int] = set()  # calls of functions without any text of their arguments yet
        self._inputs: dict[int, ArgumentsToInput] = {}

    def start(self, index: int, call_id: str, name: str, others: Json) -> Json:
        """Return the delta that begins a call; `others` are fields that are added to the call."""
        self.begun.add(index)
        if name in self._custom_tools:
            self._inputs[index] = ArgumentsToInput()
            custom = {"name": name, "input": ""}
            return _call_delta({"index": index, "id": call_id, "type": "custom", "custom": custom, **others})
        self._silent.add(index)
        function = {"name": name, "arguments": ""}
        if self._is_legacy and index == 0:
            return {"function_call": function}
        return _call_delta({"index": index, "id": call_id, "type": "function", "function": function, **others})

    def arguments(self, index: int, text: str) -> Json | None:
        """Return the delta for the next piece of a call's arguments; None if there is nothing to write yet."""
        if (custom_input := self._inputs.get(index)) is not None:
            return self._input_delta(index, custom_input.feed(text))
        # Clients parse the received text after each chunk of a strict tool, and blanks alone are not JSON.
        text = text.lstrip(WHITESPACE) if index in self._silent else text
        if not text:
            return None
        self._silent.discard(index)
        return self._function_delta(index, text)

    def end(self, index: int, arguments: Any) -> Json | None:  # noqa: ANN401  # a JSON value
        """Return the delta for what is left of a complete call; None if nothing is."""
        if (custom_input := self._inputs.get(index)) is not None:
            return self._input_delta(index, custom_input.end(arguments))
        # Clients parse the received text, and empty text is not JSON.
        return self._function_delta(index, _encode(arguments).decode()) if index in self._silent else None

    def others(self, index: int, fields: Json) -> Json:
        """Return the delta that adds fields to a call which has begun."""
        # OpenAI's SDKs require this object in every piece of a call.
        kind = {"custom": {"input": ""}} if index in self._inputs else {"function": {"arguments": ""}}
        return _call_delta({"index": index, **kind, **fields})

    def _input_delta(self, index: int, text: str) -> Json | None:
        return _call_delta({"index": index, "custom": {"input": text}}) if text else None

    def _function_delta(self, index: int, text: str) -> Json:
        self._silent.discard(index)
        if self._is_legacy and index == 0:
            return {"function_call": {"arguments": text}}
        return _call_delta({"index": index, "function": {"arguments": text}})

    def whole(self, calls: list[ToolCallBlock], others: Mapping[int, Json]) -> Json:
        """Return the fields of a complete message with these calls.

        Args:
            calls: The calls.
            others: Fields that are added to calls, by the call's index.
        """
        objects = [self._call_object(call) | others.get(index, {}) for index, call in enumerate(calls)]
        if self._is_legacy and objects:
            first, *rest = objects
            return {"function_call": first["function"], **({"tool_calls": rest} if rest else {})}
        return {"tool_calls": objects} if objects else {}

    def _call_object(self, call: ToolCallBlock) -> Json:
        if call.name in self._custom_tools:
            custom = {"name": call.name, "input": input_of(call.arguments)}
            return {"id": call.id, "type": "custom", "custom": custom}
        arguments = call.text if call.text.strip() else _encode(call.arguments).decode()
        return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _call_delta(call: Json) -> Json:
    return {"tool_calls": [call]}
