"""An answer that broke off, and another model's that takes its place: what of it is new to the reader.

Knows texts and events, not models or waits. Pure.
"""

from __future__ import annotations

from os.path import commonprefix

import msgspec

from ..streaming.events import (
    Event,
    ReasoningDelta,
    ReasoningSigned,
    TextDelta,
    ToolCallDelta,
    ToolCallEnded,
    ToolCallStarted,
    Usage,
)
from .request import ChatRequest, Message

MOST_KEPT = 262144
"""Characters of an answer that are kept, so that another can be held against them."""

_THOUGHTS = (ReasoningDelta, ReasoningSigned)
_DELTAS = (TextDelta, ReasoningDelta, ToolCallDelta)
_CALLS = (ToolCallStarted, ToolCallDelta, ToolCallEnded)


class Said:
    """What the reader has been told of an answer so far.

    Attributes:
        is_repeatable: Whether another answer can be held against it: it is text, and not too much of it. A call of a
            tool cannot be begun by one model and ended by another.
    """

    __slots__ = ("_pieces", "_size", "is_repeatable")

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._pieces: list[str] = []
        self._size = 0
        self.is_repeatable = True

    def add(self, events: list[Event]) -> None:
        """Note what the reader is told now."""
        for event in events:
            if type(event) is TextDelta:
                self._pieces.append(event.text)
                self._size += len(event.text)
            elif isinstance(event, _CALLS):
                self.is_repeatable = False
        if self._size > MOST_KEPT:
            self.is_repeatable = False
            self._pieces = []

    def void(self) -> None:
        """Begin again: the reader is told that what it has is void."""
        self._forget()

    def text(self) -> str:
        """Return its text."""
        self._pieces = ["".join(self._pieces)]
        return self._pieces[0]


class Rescue:
    """Another model's answer, held back while it repeats what the reader has.

    Args:
        told: What it is to repeat first.
        is_comparable: Whether the answer can be told on from there at all.
        is_strict: Whether it has to.

    Attributes:
        has_diverged: Whether it says something else, so that nothing of it goes with what the reader has.
        held: All of it so far, while it may still diverge.
        withheld: The text of it that the reader was not shown, in bytes of UTF-8.
    """

    def __init__(self, told: str, *, is_comparable: bool = True, is_strict: bool = True) -> None:
        self._told = told
        self._is_strict = is_strict
        self._place = 0
        self.has_diverged = not is_comparable
        self.held: list[Event] = []
        self.withheld = 0

    @property
    def is_caught_up(self) -> bool:
        """Whether it has said all that the reader has."""
        return self._place == len(self._told)

    def take(self, events: list[Event]) -> list[Event]:
        """Take what comes next and return what of it is new to the reader; nothing where it diverges.

        What the model thinks is not: the reader has had another's thoughts, which its signatures would not fit.
        """
        if self.has_diverged or not self.is_caught_up:
            self._hold(events)
        new: list[Event] = []
        for event in events:
            if not self.has_diverged and not isinstance(event, _THOUGHTS):
                new += self._new_of(event)
        if self.has_diverged:
            new = []
        self.withheld += _size_of(events) - _size_of(new)
        return new

    def _hold(self, events: list[Event]) -> None:
        if self.held and isinstance(self.held[-1], Usage):
            # A later one takes its place.
            self.held.pop()
        self.held += events

    def _new_of(self, event: Event) -> list[Event]:
        if isinstance(event, TextDelta) and not self.is_caught_up:
            return self._compared(event.text)
        if not self.is_caught_up and self._is_strict and not isinstance(event, Usage):
            # It calls a tool, or ends, before it has come to where the other broke off.
            self.has_diverged = True
        return [event]

    def _compared(self, text: str) -> list[Event]:
        ahead = self._told[self._place : self._place + len(text)]
        known = commonprefix([ahead, text])  # noqa: RUF071  # characters are what is to be compared
        rest = text[len(known) :]
        self._place += len(known)
        if rest and not self.is_caught_up:
            self.has_diverged = self._is_strict
            self._place = len(self._told)
        return [TextDelta(rest)] if rest else []


def rescue_of(said: Said) -> Rescue:
    """Return what holds another model's whole answer against what was said."""
    return Rescue(said.text(), is_comparable=said.is_repeatable)


def continued(request: ChatRequest, said: Said) -> tuple[ChatRequest, Rescue] | None:
    """Return a question that has the beginning of its answer at its end, and what to make of the rest.

    Returns:
        None where the rest would not follow: there is nothing to go on from, or the answer is to be JSON, or is to be
        thought about first.
    """
    told = said.text()
    # Anthropic's API refuses a beginning that ends in blanks.
    begun = told.rstrip()
    is_plain = request.answer_format is None and request.thinking is None and request.messages[-1].role != "assistant"
    if not begun or not is_plain or not said.is_repeatable:
        return None
    messages = (*request.messages, Message("assistant", begun))
    return msgspec.structs.replace(request, messages=messages), Rescue(told[len(begun) :], is_strict=False)


def _size_of(events: list[Event]) -> int:
    return sum([len(event.text.encode()) for event in events if isinstance(event, _DELTAS)])
