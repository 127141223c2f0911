"""The buffer of one stream's events, numbered 1, 2, 3, ….

The buffer counts events and bytes; its owner decides which events all readers have, and discards them.
"""

from __future__ import annotations

from ..core.errors import ResumptionLost
from ..core.events import Event, ProviderEvent
from ..core.usage import delta_text

EVENT_OVERHEAD = 64
"""Bytes that each event adds to the buffer's size beside its text."""


def text_size(events: list[Event]) -> int:
    """Return the size of the texts in events, in bytes of UTF-8."""
    if len(events) == 1:
        return len(delta_text(events[0]).encode())
    return len("".join([delta_text(event) for event in events]).encode())


class EventBuffer:
    """Events in the order of their numbers.

    Attributes:
        last_number: The number of the last event; 0 before the first one.
        size: Size of the buffered events in bytes, see `EVENT_OVERHEAD`.
    """

    __slots__ = ("_events", "last_number", "size")

    def __init__(self) -> None:
        self._events: list[Event] = []
        self.last_number = 0
        self.size = 0

    def add(self, events: list[Event], size: int) -> None:
        """Append events.

        Args:
            events: The next events.
            size: The size of their texts, see `text_size`.
        """
        self._events += events
        self.last_number += len(events)
        self.size += size + _data_size(events) + EVENT_OVERHEAD * len(events)

    def pop_after(self, number: int) -> list[Event]:
        """Return the events after a number, and empty the buffer.

        Raises:
            ResumptionLost: some of these events were discarded.
        """
        start = self._index_after(number)
        events, self._events, self.size = self._events, [], 0
        return events[start:] if start else events

    def after(self, number: int, max_events: int) -> list[Event]:
        """Return at most `max_events` events after a number.

        Raises:
            ResumptionLost: some of the events after the number were discarded.
        """
        start = self._index_after(number)
        return self._events[start : start + max_events]

    def _index_after(self, number: int) -> int:
        index = len(self._events) - (self.last_number - number)
        if index < 0:
            # An incomplete sequence must never be returned as a complete one.
            raise ResumptionLost
        return index

    def discard(self, number: int) -> None:
        """Remove the events up to and including a number."""
        count = len(self._events) - (self.last_number - number)
        if count > 0:
            discarded = self._events[:count]
            del self._events[:count]
            self.size -= text_size(discarded) + _data_size(discarded) + EVENT_OVERHEAD * count


def _data_size(events: list[Event]) -> int:
    if ProviderEvent not in map(type, events):
        return 0
    return sum([len(event.data) for event in events if type(event) is ProviderEvent])
