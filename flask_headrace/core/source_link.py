"""What a stream and its source tell each other beside events, where the source asks models by itself. Pure."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

from .events import Completed, StreamMetadata, Usage


class OpenQuestion(Protocol):
    """A question of a source that a model is answering."""

    def usage_so_far(self) -> Usage:
        """Return the usage of the question until now."""
        ...

    def close(self) -> None:
        """Stop asking."""
        ...


class SourceLink:
    """The link of one stream and its source.

    Args:
        has_only_questions: Whether nothing of the source costs anything but its questions. It limits the time of all
            that it waits for, too.

    Attributes:
        stream_id: The stream's id; empty until the stream has got the link.
        usages: The usage of each question that has ended.
        open: The questions that models are answering.
        active_at: When a question, or a tool, was last active, on the monotonic clock in seconds; 0 for never.
        calls: How many tool calls the answer has.
        call_ids: The ids of these calls, and of those that the conversation has before.
        last_end: How the model has ended the answer to the last question, if the source has yielded nothing since; else
            None.
    """

    __slots__ = (
        "active_at",
        "call_ids",
        "calls",
        "has_only_questions",
        "last_end",
        "open",
        "stream_id",
        "usages",
    )

    def __init__(self, *, has_only_questions: bool = False) -> None:
        self.has_only_questions = has_only_questions
        self.stream_id = ""
        self.usages: list[Usage] = []
        self.open: list[OpenQuestion] = []
        self.active_at = 0.0
        self.calls = 0
        self.call_ids: set[str] = set()
        self.last_end: Completed | None = None

    @property
    def is_timed(self) -> bool:
        """Whether the source limits the time of all that it waits for at the moment."""
        return self.has_only_questions or bool(self.open)

    @property
    def has_asked(self) -> bool:
        """Whether the source has asked a model."""
        return bool(self.usages or self.open)

    def all_usages(self) -> list[Usage]:
        """Return the usage of each question, those that go on included."""
        return [*self.usages, *(question.usage_so_far() for question in self.open)]

    def own_id(self, id: str) -> str:  # noqa: A002  # as in the event
        """Return the id of the next call: the model's, unless another call has it."""
        number = self.calls
        own_id = id
        while own_id in self.call_ids:
            own_id, number = f"{id}_{number}", number + 1
        self.call_ids.add(own_id)
        return own_id

    def close(self) -> None:
        """Stop all questions."""
        for question in self.open[::-1]:
            question.close()


class LinkOpened(StreamMetadata, frozen=True, gc=False):
    """The source asks models by itself, and accounts for them in this link."""

    link: SourceLink


current_link: ContextVar[SourceLink | None] = ContextVar("headrace_source_link", default=None)
"""The link of the source that runs; None if it has none."""
