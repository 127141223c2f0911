"""The tool calls in one answer, put together from their pieces. Pure."""

from __future__ import annotations

import secrets

import msgspec

from ..streaming.errors import ToolArgumentsInvalid
from ..streaming.events import Event, Failed, ToolCallDelta, ToolCallEnded, ToolCallStarted

MOST_ARGUMENTS = 4 * 1024 * 1024
"""Characters that the arguments of one answer's calls may have together."""

MOST_CALLS = 1024
"""Calls that one answer may have."""


class ToolCalls:
    """Numbers the calls, passes their pieces on, and parses their arguments when they are whole.

    Args:
        upstream: How messages name the upstream.
    """

    __slots__ = ("_names", "_open", "_size", "_upstream")

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._names: list[str] = []
        self._open: dict[int, list[str]] = {}
        self._size = 0

    def begin(self, id: str | None, name: str, events: list[Event]) -> int:  # noqa: A002
        """Begin a call and return its number. One whose server gave it no id gets one here.

        Raises:
            ToolArgumentsInvalid: it has no name, or there are too many.
        """
        call = len(self._names)
        if not name:
            raise ToolArgumentsInvalid(f"{self._upstream} called a tool without naming it.")
        if call >= MOST_CALLS:
            raise ToolArgumentsInvalid(f"{self._upstream} called more than {MOST_CALLS} tools in one answer.")
        self._names.append(name)
        self._open[call] = []
        events.append(ToolCallStarted(call, id or f"call_{secrets.token_hex(8)}", name))
        return call

    def add(self, call: int, text: str, events: list[Event]) -> None:
        """Pass on the next piece of a call's arguments.

        Raises:
            ToolArgumentsInvalid: they are too long.
        """
        if not text or call not in self._open:
            return
        self._size += len(text)
        if self._size > MOST_ARGUMENTS:
            raise ToolArgumentsInvalid(f"The arguments of {self._upstream}'s calls pass {MOST_ARGUMENTS} characters.")
        self._open[call].append(text)
        events.append(ToolCallDelta(call, text))

    def end(self, call: int, events: list[Event]) -> Failed | None:
        """End a call with its parsed arguments; where they are not what they should be, return how the stream ends."""
        pieces = self._open.pop(call, None)
        if pieces is None:
            return None
        text = "".join(pieces)
        try:
            # A tool without parameters is called with nothing at all by some models.
            arguments = msgspec.json.decode(text, type=dict) if text.strip() else {}
        except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError) as error:
            failure = ToolArgumentsInvalid(
                f"{self._upstream} called {self._names[call]!r:.100} with arguments that are no whole JSON object "
                f"({error}): if the answer was cut at max_tokens, raise it."
            )
            return Failed(failure.code, failure.message, failure.retryable)
        events.append(ToolCallEnded(call, arguments))
        return None

    def end_all(self, events: list[Event]) -> Failed | None:
        """End the calls that are still open, in their order."""
        for call in sorted(self._open):
            if failed := self.end(call, events):
                return failed
        return None


class IndexedCalls:
    """The calls of a chat completion, whose pieces say by an index, or by the call's id, to which they belong.

    OpenAI counts with `index`. Some servers leave it out, or give each call the same, and tell the calls by their ids.

    Args:
        upstream: How messages name the upstream.
    """

    __slots__ = ("_calls", "_ids", "_numbers")

    def __init__(self, upstream: str) -> None:
        self._calls = ToolCalls(upstream)
        self._numbers: dict[int, int] = {}
        self._ids: dict[int, str] = {}

    def read(  # the fields of one piece
        self,
        index: int | None,
        id: str | None,  # noqa: A002
        name: str | None,
        arguments: str | None,
        events: list[Event],
    ) -> None:
        """Append the events in one piece of a call.

        Raises:
            ToolArgumentsInvalid: see `ToolCalls`.
        """
        place = max(self._numbers, default=0) if index is None else index
        is_another = bool(id and name and self._ids.get(place, id) != id)
        if place not in self._numbers or is_another or (index is None and id is None and name):
            self._numbers[place] = self._calls.begin(id, name or "", events)
            self._ids[place] = id or ""
        self._calls.add(self._numbers[place], arguments or "", events)

    def end_all(self, events: list[Event]) -> Failed | None:
        """End the calls, in their order; where one is not what it should be, return how the stream ends."""
        return self._calls.end_all(events)
