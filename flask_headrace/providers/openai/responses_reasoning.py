"""Reads the reasoning of a response of the Responses API: items with a summary or a text, and a signature. Pure."""

from __future__ import annotations

from ...core.events import Event, ReasoningDelta, ReasoningSignature
from ...core.reasoning_signature import sign_as_openai
from .responses_events import Item

PARAGRAPH_BREAK = "\n\n"
"""Separates two parts of the reasoning."""


class ItemReasoning:
    """The reasoning of one answer.

    Attributes:
        has_text: Whether any text of reasoning was received.
    """

    __slots__ = ("_ended", "_is_open", "_needs_break", "has_text")

    def __init__(self) -> None:
        self.has_text = False
        self._is_open = False  # whether text of an item was received whose end was not
        self._needs_break = False  # whether more text would continue the same run
        self._ended = 0  # number of items whose end was received

    def add(self, text: str, events: list[Event]) -> None:
        """Add a piece of the text or of the summary."""
        if text:
            self.has_text = self._is_open = self._needs_break = True
            events.append(ReasoningDelta(text))

    def add_part(self, events: list[Event]) -> None:
        """Begin another part."""
        if self._needs_break:
            events.append(ReasoningDelta(PARAGRAPH_BREAK))

    def end_item(self, item: Item, events: list[Event]) -> None:
        """End an item: add its text if no piece of it was received, and its signature."""
        is_open, text = self._is_open, item.reasoning_text
        if text and not is_open:
            self.add_part(events)
            self.add(text, events)
        self._is_open = False
        self._ended += 1
        if isinstance(encrypted := item.encrypted_content, str) and encrypted:
            self._needs_break = False
            events.append(ReasoningSignature(sign_as_openai(encrypted), is_redacted=not (text or is_open)))

    def read_whole(self, position: int, item: Item, events: list[Event]) -> None:
        """Add an item of the whole response, whose position among the reasoning is given, if nothing of it has come."""
        if position >= self._ended and not self.has_text:
            self.end_item(item, events)
