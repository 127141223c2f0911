"""The tool calls in one answer, put together from their pieces. Pure."""

from __future__ import annotations

import secrets

from ...core.errors import InvalidToolArguments
from ...core.events import Event, Failed, ToolCallCompleted, ToolCallDelta, ToolCallStarted
from .tool_arguments import ToolArguments

MAX_ARGUMENT_CHARS = 4 * 1024 * 1024
"""Characters that the arguments of one answer's calls may have together."""

MAX_CALLS = 1024
"""Calls that one answer may have."""


class ToolCalls:
    """Numbers the calls, passes their pieces on, and parses their arguments when they are whole.

    Args:
        upstream: How messages name the upstream.
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
        """Whether the answer has calls."""
        return bool(self._names)

    def begin(self, id: str | None, name: str, events: list[Event]) -> int:  # noqa: A002
        """Begin a call and return its number. One that has no id, or another call's, gets one here.

        Raises:
            InvalidToolArguments: it has no name, or there are too many.
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
        """Return if there may be another call, also one whose name has not come. Raises InvalidToolArguments.

        Args:
            known: How many there are.
        """
        if known >= MAX_CALLS:
            raise InvalidToolArguments(f"{self._upstream} called more than {MAX_CALLS} tools in one answer.")

    def unnamed_call_error(self) -> InvalidToolArguments:
        """Return the error for a call whose name never came."""
        return InvalidToolArguments(f"{self._upstream} called a tool without naming it. Ask again.")

    def check_size(self, text: str) -> None:
        """Count a piece of arguments. Raises InvalidToolArguments where there is too much of them."""
        self._size += len(text)
        if self._size > MAX_ARGUMENT_CHARS:
            raise InvalidToolArguments(
                f"The arguments of {self._upstream}'s calls pass {MAX_ARGUMENT_CHARS} characters."
            )

    def feed(self, index: int, text: str, events: list[Event]) -> str:
        """Take the next piece of a call's arguments, and return the part of it that comes behind their end.

        What comes there and is the same arguments again, as some servers have it, is left out.

        Raises:
            InvalidToolArguments: they are too long.
        """
        if not text or index not in self._open:
            return ""
        self.check_size(text)
        emitted, trailing = self._arguments[index].add(text)
        if emitted:
            events.append(ToolCallDelta(index, emitted))
        return trailing

    def add(self, index: int, text: str, events: list[Event]) -> None:
        """Pass on the next piece of a call's arguments.

        Raises:
            InvalidToolArguments: they are too long, or something else comes behind their end.
        """
        if trailing := self.feed(index, text, events):
            raise InvalidToolArguments(
                f"{self._upstream} called {self._names[index]!r:.100} with arguments behind whose end something else "
                f"came: {trailing!r:.100}. Ask again."
            )

    def flush(self, index: int, events: list[Event]) -> None:
        """Pass on what was kept back of a call's arguments, since what comes next is another's."""
        if text := self._arguments[index].flush():
            events.append(ToolCallDelta(index, text))

    def complete(self, index: int, whole: str, events: list[Event]) -> None:
        """Take a call's arguments that are told once more, whole, and pass on what was missing of them.

        Raises:
            InvalidToolArguments: they are too long.
        """
        if not whole or index not in self._open:
            return
        self.check_size(whole)
        if emitted := self._arguments[index].complete(whole):
            events.append(ToolCallDelta(index, emitted))

    def matches(self, index: int, name: str | None, whole: str) -> bool:
        """Whether a call that is told whole may be this one: of the same tool, with arguments that agree with its."""
        return name == self._names[index] and self._arguments[index].matches(whole)

    def is_whole(self, index: int) -> bool:
        """Whether a call's arguments have come to their end."""
        return self._arguments[index].is_whole

    def is_blank(self, index: int) -> bool:
        """Whether nothing of a call's arguments has come yet."""
        return self._arguments[index].is_blank

    def end(self, index: int, events: list[Event]) -> Failed | None:
        """End a call with its parsed arguments; where they are not what they should be, return how the stream ends."""
        if index not in self._open:
            return None
        self._open.discard(index)
        try:
            rest, value = self._arguments[index].end()
        except ValueError as error:
            return to_failed_event(
                InvalidToolArguments(
                    f"{self._upstream} called {self._names[index]!r:.100} with arguments that are no whole JSON object "
                    f"({error}): if the answer was cut at max_tokens, raise it."
                )
            )
        if rest:
            events.append(ToolCallDelta(index, rest))
        events.append(ToolCallCompleted(index, value))
        return None

    def end_all(self, events: list[Event]) -> Failed | None:
        """End the calls that are still open, in their order."""
        for index in sorted(self._open):
            if failed := self.end(index, events):
                return failed
        return None


def to_failed_event(error: InvalidToolArguments) -> Failed:
    """Return the end of a stream that an error in its calls is."""
    return Failed(error.code, error.message, error.retryable)
