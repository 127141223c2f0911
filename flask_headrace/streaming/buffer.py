"""The buffer of one stream's events, numbered 1, 2, 3, ….

The buffer counts events and bytes; its owner decides which events all readers have, and discards them.
"""

from __future__ import annotations

from bisect import bisect_right

from ..core.application_events import OMITTED, data_size, is_transient
from ..core.errors import ResumptionLost
from ..core.events import Event, TextDelta
from ..core.usage import delta_text

EVENT_OVERHEAD = 64
"""Bytes that each event adds to the buffer's size beside its text."""


def text_size(events: list[Event]) -> int:
    """Return the size of the texts in events, in bytes of UTF-8."""
    texts = [event.text for event in events if type(event) is TextDelta]
    if len(texts) < len(events):  # rare: most batches are text alone
        texts = [delta_text(event) for event in events]
    return len("".join(texts).encode())


class EventBuffer:
    """Events in the order of their numbers.

    Attributes:
        last_number: The number of the last event; 0 before the first one.
        size: Size of the buffered events in bytes, see `EVENT_OVERHEAD`.
    """

    __slots__ = ("_events", "_transient", "last_number", "size")

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._transient: list[int] = []  # numbers of buffered transient data; an empty deque is ten times as large
        self.last_number = 0
        self.size = 0

    def add(self, events: list[Event], size: int) -> None:
        """Append events.

        Args:
            events: The next events.
            size: The size of their texts, see `text_size`.
        """
        if (further := data_size(events)) > 0:
            self._transient += [
                place for place, event in enumerate(events, self.last_number + 1) if is_transient(event)
            ]
        self._events += events
        self.last_number += len(events)
        self.size += size + further + EVENT_OVERHEAD * len(events)

    def pop_after(self, number: int) -> list[Event]:
        """Return the events after a number, and empty the buffer.

        Raises:
            ResumptionLost: some of these events were discarded.
        """
        start = self._index_after(number)
        events, self._events, self.size = self._events, [], 0
        self._transient.clear()
        return events[start:] if start else events

    def after(self, number: int, max_events: int, replayed: int = 0) -> list[Event]:
        """Return at most `max_events` events after a number.

        Args:
            number: The number of the event before them.
            max_events: The maximum count.
            replayed: The number of the last event that is old for the reader: transient data up to there are omitted.

        Raises:
            ResumptionLost: some of the events after the number were discarded.
        """
        start = self._index_after(number)
        events = self._events[start : start + max_events]
        if not self._transient or self._transient[0] > replayed:
            return events
        return [
            OMITTED if place <= replayed and is_transient(event) else event
            for place, event in enumerate(events, number + 1)
        ]

    def _index_after(self, number: int) -> int:
        index = len(self._events) - (self.last_number - number)
        if index < 0:
            # An incomplete sequence must never be returned as a complete one.
            raise ResumptionLost
        return index

    def release(self, number: int, *, is_replayed: bool) -> None:
        """Remove what nobody needs of the events up to and including a number, which all readers have.

        Args:
            number: The number of the event.
            is_replayed: Whether later readers need these events, except transient data.
        """
        if is_replayed:
            self._omit_transient(number)
        else:
            self.discard(number)

    def _omit_transient(self, number: int) -> None:
        for place in self._take_transient(number):
            index = self._index_after(place - 1)
            self.size -= data_size(self._events[index : index + 1])
            self._events[index] = OMITTED

    def _take_transient(self, number: int) -> list[int]:
        """Remove the numbers of transient data up to and including a number, and return them."""
        count = bisect_right(self._transient, number)
        taken, self._transient[:count] = self._transient[:count], []
        return taken

    def discard(self, number: int) -> None:
        """Remove the events up to and including a number."""
        count = len(self._events) - (self.last_number - number)
        if count > 0:
            self._take_transient(number)
            discarded = self._events[:count]
            del self._events[:count]
            self.size -= text_size(discarded) + data_size(discarded) + EVENT_OVERHEAD * count
