"""Continues an answer that broke off with another model's answer: finds the part that the reader does not have yet.

Works on texts and events; depends on no model and waits for nothing. Pure.
"""

from __future__ import annotations

import msgspec

from ...core.application_events import APPLICATION_EVENTS
from ...core.events import (
    TERMINAL_EVENTS,
    AnswerRestarted,
    Cancelled,
    Event,
    Failed,
    ProviderEvent,
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
"""Characters of an answer that are stored for the comparison with another answer."""

_EVENT_OVERHEAD = 64
"""Characters that an event counts in addition to its text."""

_REASONING = (ReasoningDelta, ReasoningSignature)
_DELTAS = (TextDelta, ReasoningDelta, ToolCallDelta)
_CALLS = (ToolCallStarted, ToolCallDelta, ToolCallCompleted)


class DeliveredOutput:
    """The part of an answer that the reader has received.

    Attributes:
        is_comparable: Whether another answer can be compared with this part: it is text only, and not too long. One
            model cannot finish a tool call that another has started.
    """

    __slots__ = ("_pieces", "_size", "is_comparable")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything: the reader is about to be told to drop what it has."""
        self._pieces: list[str] = []
        self._size = 0
        self.is_comparable = True

    def add(self, events: list[Event]) -> None:
        """Add the events that are sent to the reader now."""
        for event in events:
            if type(event) is TextDelta:
                self._pieces.append(event.text)
                self._size += len(event.text)
            elif isinstance(event, (*_CALLS, *APPLICATION_EVENTS)) or (
                type(event) is ProviderEvent and event.is_content
            ):
                self.is_comparable = False
            elif type(event) is AnswerRestarted:
                self.reset()
        if self._size > MAX_COMPARED_CHARS:
            self.is_comparable = False
            self._pieces = []

    def text(self) -> str:
        """Return the text that the reader has received."""
        self._pieces = ["".join(self._pieces)]
        return self._pieces[0]


class Continuation:
    """Another model's answer, held back until its new part is known.

    Args:
        matcher: Compares the text of this answer with the text that the reader has.
        is_whole: Whether this is an answer from its beginning, which can replace the other; else it is a continuation.
        is_comparable: Whether the text that the reader has can be compared at all.

    Attributes:
        is_whole: See the argument.
        has_diverged: Whether this answer differs, or may differ, from what the reader has.
        held: All events so far, as long as the answer may still diverge.
        usage: The usage that was reported in the batch in which the answer diverged.
        suppressed_bytes: The text that the reader does not get, in bytes of UTF-8.
    """

    def __init__(self, matcher: OverlapMatcher, *, is_whole: bool = True, is_comparable: bool = True) -> None:
        self._matcher = matcher
        self._reasoning_size: int | None = 0  # characters of held reasoning; None once there was too much
        self.is_whole = is_whole
        self.has_diverged = not is_comparable
        self.held: list[Event] = []
        self.usage: list[Event] = []
        self.suppressed_bytes = 0

    @property
    def is_caught_up(self) -> bool:
        """Whether this answer has repeated everything that the reader has."""
        return self._matcher.is_matched

    def feed(self, events: list[Event]) -> list[Event]:
        """Add the next events and return those that are new to the reader; none if the answer diverges.

        Reasoning is never new: the reader has the other model's reasoning, which the signatures of this one do not fit.
        Nor is what a provider says about its own answer.
        """
        usage = list[Event](event for event in events if isinstance(event, Usage))[-1:]
        answer_events = [event for event in events if not isinstance(event, Usage)]
        if self.is_whole and (self.has_diverged or not self.is_caught_up):
            self._hold_back(events)
        new: list[Event] = []
        for event in answer_events:
            is_description = type(event) is ProviderEvent and not event.is_content
            if not self.has_diverged and not isinstance(event, _REASONING) and not is_description:
                new += self._new_events(event)
        if self.has_diverged:
            new, self.usage = [], usage
        self.suppressed_bytes += _size_of(answer_events) - _size_of(new)
        if self.has_diverged:
            return []
        # The usage comes last, but before the terminal event.
        place = len(new) - bool(new and isinstance(new[-1], TERMINAL_EVENTS))
        return [*new[:place], *usage, *new[place:]]

    def _hold_back(self, events: list[Event]) -> None:
        if self.held and isinstance(self.held[-1], Usage):
            # The new usage replaces the earlier one.
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
            # Drop all reasoning rather than a part: the signature covers all of it.
            self._reasoning_size = None
            self.held = [event for event in self.held if not isinstance(event, _REASONING)]

    def _new_events(self, event: Event) -> list[Event]:
        if isinstance(event, (Failed, Cancelled, *APPLICATION_EVENTS)):
            # The first two end the stream that the reader has; the others say nothing about the text beside them.
            return [event]
        if isinstance(event, TextDelta):
            text, rest = self._matcher.feed(event.text), []
        else:
            # A tool call or the terminal event: no more text comes.
            text, rest = self._matcher.end(), [event]
        begins_anew = isinstance(event, AnswerRestarted) and not self.is_whole
        self.has_diverged = self._matcher.has_diverged or begins_anew
        return [TextDelta(text), *rest] if text else rest


def restarted_answer(delivered: DeliveredOutput) -> Continuation:
    """Return a `Continuation` for a model that answers the same request from the start."""
    return Continuation(RepetitionMatcher(delivered.text()), is_comparable=delivered.is_comparable)


def prefill_request(request: ChatRequest, delivered: DeliveredOutput) -> tuple[ChatRequest, Continuation] | None:
    """Return a request whose last message is the beginning of the answer, and a `Continuation` for the rest.

    Args:
        request: The request whose answer broke off.
        delivered: The part of the answer that the reader has.

    Returns:
        None if a model cannot be asked to continue: nothing was delivered, or the answer must be JSON, or the request
        turns on thinking, or the conversation ends with an assistant message.
    """
    text = delivered.text()
    # Anthropic's API rejects a last assistant message that ends in white space.
    prefix = text.rstrip()
    is_plain = request.response_format is None and request.thinking is None and request.messages[-1].role != "assistant"
    if not any(map(str.isalnum, prefix)) or not is_plain or not delivered.is_comparable:
        return None
    messages = (*request.messages, Message("assistant", prefix))
    return msgspec.structs.replace(request, messages=messages), Continuation(ContinuationMatcher(text), is_whole=False)


def _size_of(events: list[Event]) -> int:
    return sum([len(event.text.encode()) for event in events if isinstance(event, _DELTAS)])
