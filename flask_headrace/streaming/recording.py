"""What the application wants to be told of a stream's answer at its end, and the answer so far. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ..core.answer import CollectedAnswer
from ..core.events import AnswerRestarted, Event
from ..core.exact_json import ExactDecoder


class AnswerSubject(msgspec.Struct, frozen=True):
    """What an answer is about, for the application. It is stored with a resumable stream as JSON.

    Args:
        question: The messages of the question, as JSON values.
        chat: The id of the conversation; empty for none.
        protocol: The protocol of the request; see `Question`.
        is_document: Whether the answer is one JSON document.
        context: The application's own value.
        added: The places of those messages of the question that it adds to the conversation.
    """

    question: tuple[Any, ...] = ()
    chat: str = ""
    protocol: str = ""
    is_document: bool = False
    context: Any = None
    added: tuple[int, ...] = ()


decode_subject = ExactDecoder[AnswerSubject](AnswerSubject).decode
"""Decodes an `AnswerSubject` that is stored with a stream."""


class Recording:
    """Collects the answer of one stream as its readers get it.

    Args:
        subject: What the answer is about.
        on_end: The application's function for this stream; None for none.
        max_size: Characters of the answer at which collecting ends.

    Attributes:
        answer: The answer so far.
        is_cut: Whether the answer was longer, so that its end is missing.
        is_taken_over: Whether another worker has taken this one for dead, and tells the end of the stream.
    """

    __slots__ = ("_max_size", "_taken", "answer", "is_cut", "is_taken_over", "on_end", "subject")

    def __init__(self, subject: AnswerSubject, on_end: Callable[[Any], object] | None, max_size: int) -> None:
        self.subject, self.on_end, self._max_size = subject, on_end, max_size
        self.answer = CollectedAnswer()
        self.is_cut = self.is_taken_over = False
        self._taken: list[Event] = []

    def take(self, events: list[Event]) -> None:
        """Add the events that the reader has taken before, which its client has accepted, and remember these ones."""
        self.mark_sent()
        self._taken = events

    def mark_sent(self) -> None:
        """Add the events that the reader has taken: its client has accepted them."""
        taken, self._taken = self._taken, []
        self.add(taken)

    def add(self, events: list[Event]) -> None:
        """Add the next events that readers get."""
        if self.is_cut:
            begins = [place for place, event in enumerate(events) if isinstance(event, AnswerRestarted)]
            if not begins:
                return
            events = events[begins[-1] :]
        self.answer.add(events)
        self.is_cut = self.answer.size > self._max_size
