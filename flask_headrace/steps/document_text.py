"""The text of a step of an answer that must be one JSON document, which is the text of the last step. Pure.

What a model writes before it calls a tool is no part of the document. So text that cannot begin a document waits until
it is known whether calls follow; text that can is passed on as it comes, and is void if calls follow after all.
"""

from __future__ import annotations

from ..core.events import AnswerRestarted, Event, TextDelta

BEGINNINGS = frozenset('{["-0123456789')
"""The characters with which passed-on documents begin. `true`, `false` and `null` are short: they may wait."""


class DocumentText:
    """Holds back the text of one step that cannot begin a document.

    Attributes:
        is_shown: Whether readers have got text of the step.
    """

    def __init__(self) -> None:
        self.is_shown = False
        self._held: list[Event] = []
        self._has_begun = False

    def visible(self, events: list[Event]) -> list[Event]:
        """Return the events that readers get now."""
        visible: list[Event] = []
        for event in events:
            if isinstance(event, AnswerRestarted):
                self.is_shown, self._held, self._has_begun = False, [], False
                visible.append(event)
            elif not isinstance(event, TextDelta):
                visible.append(event)
            else:
                visible += self._text(event)
        return visible

    def _text(self, delta: TextDelta) -> list[Event]:
        if self.is_shown:
            return [delta]
        self._held.append(delta)
        text = delta.text.lstrip()
        if self._has_begun or not text:
            return []
        self._has_begun = True
        self.is_shown = text[0] in BEGINNINGS
        return self.rest() if self.is_shown else []

    def rest(self) -> list[Event]:
        """Return the text that was held back, which is the document after all since no calls follow."""
        held, self._held = self._held, []
        return held
