"""Assembles the tool calls of one answer from their pieces. Pure."""

from __future__ import annotations

import secrets

from ...core.errors import InvalidToolArguments
from ...core.events import Event, Failed, ToolCallCompleted, ToolCallDelta, ToolCallStarted
from .tool_arguments import ToolArguments

MAX_ARGUMENT_CHARS = 4 * 1024 * 1024
"""Characters that the arguments of all tool calls in one answer may have together."""

MAX_CALLS = 1024
"""Tool calls that one answer may have."""


class ToolCalls:
    """Assigns an index to each tool call, emits the pieces of its arguments, and decodes them at the end.

    Args:
        upstream: Names the upstream in messages.
    """

    __slots__ = ("_arguments", "_ids", "_names", "_open", "_size", "_upstream")

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._names: list[str] = []
        self._ids: set[str] = set()
        self._arguments: list[ToolArguments] = []
        self._open: set[int] = set()
        self._size = 0

    @property
    def has_calls(self) -> bool:
        """Whether the answer has tool calls."""
        return bool(self._names)

    def begin(self, id: str | None, name: str, events: list[Event]) -> int:  # noqa: A002
        """Begin a tool call and return its index.

        Args:
            id: The server's id of the call; an id is generated if this is None, empty, or that of another call.
            name: The tool's name.
            events: Receives a `ToolCallStarted`.

        Raises:
            InvalidToolArguments: `name` is empty, or the answer has too many tool calls.
        """
        index = len(self._names)
        if not name:
            raise self.unnamed_call_error()
        self.check_count(index)
        if not id or id in self._ids:
            id = f"call_{secrets.token_hex(8)}"  # noqa: A001
        self._ids.add(id)
        self._names.append(name)
        self._arguments.append(ToolArguments())
        self._open.add(index)
        events.append(ToolCallStarted(index, id, name))
        return index

    def check_count(self, known: int) -> None:
        """Return if the answer may have another tool call, even one whose name is unknown.

        Args:
            known: The number of tool calls so far.

        Raises:
            InvalidToolArguments: the answer has too many tool calls.
        """
        if known >= MAX_CALLS:
            raise InvalidToolArguments(f"{self._upstream} called more than {MAX_CALLS} tools in one answer.")

    def unnamed_call_error(self) -> InvalidToolArguments:
        """Return the error for a tool call whose name was never sent."""
        return InvalidToolArguments(f"{self._upstream} called a tool without naming it. Ask again.")

    def check_size(self, text: str) -> None:
        """Count a piece of arguments. Raises InvalidToolArguments if all arguments together are too long."""
        self._size += len(text)
        if self._size > MAX_ARGUMENT_CHARS:
            raise InvalidToolArguments(
                f"The arguments of {self._upstream}'s tool calls have more than {MAX_ARGUMENT_CHARS} characters."
            )

    def feed(self, index: int, text: str, events: list[Event]) -> str:
        """Add the next piece of a call's arguments, and return the text that follows the end of the arguments.

        A repetition of the same arguments, which some servers send, is dropped.

        Raises:
            InvalidToolArguments: the arguments are too long.
        """
        if not text or index not in self._open:
            return ""
        self.check_size(text)
        emitted, trailing = self._arguments[index].add(text)
        if emitted:
            events.append(ToolCallDelta(index, emitted))
        return trailing

    def add(self, index: int, text: str, events: list[Event]) -> None:
        """Add the next piece of a call's arguments.

        Raises:
            InvalidToolArguments: the arguments are too long, or other text follows their end.
        """
        if trailing := self.feed(index, text, events):
            raise InvalidToolArguments(
                f"{self._upstream} called {self._names[index]!r:.100} with arguments that other text follows: "
                f"{trailing!r:.100}. Ask again."
            )

    def flush(self, index: int, events: list[Event]) -> None:
        """Emit the text of a call's arguments that was held back, since the next piece belongs to another call."""
        if text := self._arguments[index].flush():
            events.append(ToolCallDelta(index, text))

    def complete(self, index: int, whole: str, events: list[Event]) -> None:
        """Add the complete arguments of a call, which the server sent once more, and emit the missing text.

        Raises:
            InvalidToolArguments: the arguments are too long.
        """
        if not whole or index not in self._open:
            return
        self.check_size(whole)
        if emitted := self._arguments[index].complete(whole):
            events.append(ToolCallDelta(index, emitted))

    def matches(self, index: int, name: str | None, whole: str) -> bool:
        """Whether a complete call may be this one: it has the same tool, and matching arguments."""
        return name == self._names[index] and self._arguments[index].matches(whole)

    def is_whole(self, index: int) -> bool:
        """Whether a call's arguments are complete."""
        return self._arguments[index].is_whole

    def is_blank(self, index: int) -> bool:
        """Whether no text of a call's arguments has been received."""
        return self._arguments[index].is_blank

    def end(self, index: int, events: list[Event]) -> Failed | None:
        """Append a `ToolCallCompleted` with the decoded arguments; if they are invalid, return a `Failed` instead."""
        if index not in self._open:
            return None
        self._open.discard(index)
        try:
            rest, value = self._arguments[index].end()
        except ValueError as error:
            return to_failed_event(
                InvalidToolArguments(
                    f"{self._upstream} called {self._names[index]!r:.100} with arguments that are not one JSON object "
                    f"({error}): if the answer was cut at max_tokens, raise it."
                )
            )
        if rest:
            events.append(ToolCallDelta(index, rest))
        events.append(ToolCallCompleted(index, value))
        return None

    def end_all(self, events: list[Event]) -> Failed | None:
        """End all open tool calls, in their order; see `end`."""
        for index in sorted(self._open):
            if failed := self.end(index, events):
                return failed
        return None


def to_failed_event(error: InvalidToolArguments) -> Failed:
    """Return the terminal event for an error in a tool call."""
    return Failed(error.code, error.message, error.retryable)
