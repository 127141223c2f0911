"""An answer that broke off, and another model's that takes its place: what of it is new to the reader.

Knows texts and events, not models or waits. Pure.
"""

from __future__ import annotations

import msgspec

from ...core.events import (
    TERMINAL_EVENTS,
    AnswerRestarted,
    Cancelled,
    Event,
    Failed,
    ReasoningDelta,
    ReasoningSignature,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from ..chat_request import ChatRequest, Message
from .overlap import ContinuationMatcher, OverlapMatcher, RepetitionMatcher

MAX_COMPARED_CHARS = 262144
"""Characters of an answer that are kept, so that another can be held against them."""

_EVENT_OVERHEAD = 64
"""Characters that an event counts for beside its text."""

_REASONING = (ReasoningDelta, ReasoningSignature)
_DELTAS = (TextDelta, ReasoningDelta, ToolCallDelta)
_CALLS = (ToolCallStarted, ToolCallDelta, ToolCallCompleted)


class DeliveredOutput:
    """What the reader has been told of an answer so far.

    Attributes:
        is_repeatable: Whether another answer can be held against it: it is text, and not too much of it. A call of a
            tool cannot be begun by one model and ended by another.
    """

    __slots__ = ("_pieces", "_size", "is_comparable")

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._pieces: list[str] = []
        self._size = 0
        self.is_comparable = True

    def add(self, events: list[Event]) -> None:
        """Note what the reader is told now."""
        for event in events:
            if type(event) is TextDelta:
                self._pieces.append(event.text)
                self._size += len(event.text)
            elif isinstance(event, _CALLS):
                self.is_comparable = False
            elif type(event) is AnswerRestarted:
                self._clear()
        if self._size > MAX_COMPARED_CHARS:
            self.is_comparable = False
            self._pieces = []

    def reset(self) -> None:
        """Begin again: the reader is told that what it has is void."""
        self._clear()

    def text(self) -> str:
        """Return its text."""
        self._pieces = ["".join(self._pieces)]
        return self._pieces[0]


class Continuation:
    """Another model's answer, held back until it is known what of it is new to the reader.

    Args:
        match: Finds that out of its text.
        is_whole: Whether it is an answer from its beginning on, and no continuation: it can stand for itself.
        is_comparable: Whether the answer can be told on from there at all.

    Attributes:
        is_whole: See above.
        has_diverged: Whether it says something else, or may do so: nothing of it goes with what the reader has.
        held: All of it so far, while it may still diverge.
        told: What it has told of its tokens as it diverged.
        withheld: The text of it that the reader was not shown, in bytes of UTF-8.
    """

    def __init__(self, matcher: OverlapMatcher, *, is_whole: bool = True, is_comparable: bool = True) -> None:
        self._matcher = matcher
        self._reasoning_size: int | None = 0  # characters of them that are held; None where they are too many
        self.is_whole = is_whole
        self.has_diverged = not is_comparable
        self.held: list[Event] = []
        self.usage: list[Event] = []
        self.suppressed_bytes = 0

    @property
    def is_caught_up(self) -> bool:
        """Whether it has said all that the reader has."""
        return self._matcher.is_settled

    def feed(self, events: list[Event]) -> list[Event]:
        """Take what comes next and return what of it is new to the reader; nothing where it diverges.

        What the model thinks is not: the reader has had another's thoughts, which its signatures would not fit.
        """
        usage = list[Event](event for event in events if isinstance(event, Usage))[-1:]
        answer_events = [event for event in events if not isinstance(event, Usage)]
        if self.is_whole and (self.has_diverged or not self.is_caught_up):
            self._hold_back(events)
        new: list[Event] = []
        for event in answer_events:
            if not self.has_diverged and not isinstance(event, _REASONING):
                new += self._new_events(event)
        if self.has_diverged:
            new, self.usage = [], usage
        self.suppressed_bytes += _size_of(answer_events) - _size_of(new)
        if self.has_diverged:
            return []
        # Behind all else, and before the end.
        place = len(new) - bool(new and isinstance(new[-1], TERMINAL_EVENTS))
        return [*new[:place], *usage, *new[place:]]

    def _hold_back(self, events: list[Event]) -> None:
        if self.held and isinstance(self.held[-1], Usage):
            # A later one takes its place.
            self.held.pop()
        for event in events:
            if isinstance(event, _REASONING):
                if self._reasoning_size is None:
                    continue
                self._reasoning_size += _EVENT_OVERHEAD + len(
                    event.text if isinstance(event, ReasoningDelta) else event.signature
                )
            if not isinstance(event, TextDelta) or event.text:
                self.held.append(event)
        if self._reasoning_size is not None and self._reasoning_size > MAX_COMPARED_CHARS:
            # None of them rather than some: their signature would not fit.
            self._reasoning_size = None
            self.held = [event for event in self.held if not isinstance(event, _REASONING)]

    def _new_events(self, event: Event) -> list[Event]:
        if isinstance(event, (Failed, Cancelled)):
            # It ends the answer that the reader has: that is no other one.
            return [event]
        if isinstance(event, TextDelta):
            text, rest = self._matcher.feed(event.text), []
        else:
            # A call of a tool, or the end, before which no more text comes.
            text, rest = self._matcher.end(), [event]
        begins_anew = isinstance(event, AnswerRestarted) and not self.is_whole
        self.has_diverged = self._matcher.is_off or begins_anew
        return [TextDelta(text), *rest] if text else rest


def restarted_answer(delivered: DeliveredOutput) -> Continuation:
    """Return what holds another model's whole answer against what was said."""
    return Continuation(RepetitionMatcher(delivered.text()), is_comparable=delivered.is_comparable)


def prefill_request(request: ChatRequest, delivered: DeliveredOutput) -> tuple[ChatRequest, Continuation] | None:
    """Return a question that has the beginning of its answer at its end, and what to make of the rest.

    Returns:
        None where the rest would not follow: there is nothing to go on from, or the answer is to be JSON, or is to be
        thought about first.
    """
    usage = delivered.text()
    # Anthropic's API refuses a beginning that ends in blanks.
    prefix = usage.rstrip()
    is_plain = request.response_format is None and request.thinking is None and request.messages[-1].role != "assistant"
    if not any(map(str.isalnum, prefix)) or not is_plain or not delivered.is_comparable:
        return None
    messages = (*request.messages, Message("assistant", prefix))
    return msgspec.structs.replace(request, messages=messages), Continuation(ContinuationMatcher(usage), is_whole=False)


def _size_of(events: list[Event]) -> int:
    return sum([len(event.text.encode()) for event in events if isinstance(event, _DELTAS)])
