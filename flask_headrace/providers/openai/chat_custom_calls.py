"""Reads a chat completion's calls of custom tools: their free text becomes a function's JSON arguments. Pure."""

from __future__ import annotations

from ...core.custom_tool_input import InputToArguments
from .chat_tool_calls import CallIndex, ToolCallChunk


def whole_input(text: str) -> str:
    """Return the arguments for a complete input."""
    arguments = InputToArguments()
    return arguments.feed(text) + arguments.end()


class CustomInputs:
    """The inputs of the custom tool calls of one answer, as they arrive."""

    __slots__ = ("_last", "_open")

    def __init__(self) -> None:
        self._open: dict[CallIndex, tuple[str | None, InputToArguments]] = {}
        self._last: CallIndex = 0

    def chunks(self, index: CallIndex | None, id: str | None, name: str | None, text: str) -> list[ToolCallChunk]:  # noqa: A002
        """Return a piece of a call with the piece of its arguments, behind the end of an earlier call that it ends.

        Args:
            index: The call's index, if the server has sent it.
            id: The call's id, likewise.
            name: The tool's name, likewise.
            text: The next piece of the input.
        """
        key: CallIndex = index if index is not None else id or self._last
        self._last = key
        known = self._open.get(key)
        is_other = known is not None and bool(id and name) and known[0] != id
        ended = [self._end(key)] if is_other else []
        if known is None or is_other:
            self._open[key] = (id, InputToArguments())
        arguments = self._open[key][1]
        # The opening of the arguments waits for the first text: a name alone has none.
        return [*ended, ToolCallChunk(index, id, name, arguments.feed(text) if text else "")]

    def end_all(self) -> list[ToolCallChunk]:
        """Return the ends of all open calls."""
        return [self._end(key) for key in list(self._open)]

    def _end(self, key: CallIndex) -> ToolCallChunk:
        call_id, arguments = self._open.pop(key)
        return ToolCallChunk(None if key == call_id else key, call_id, None, arguments.end())
