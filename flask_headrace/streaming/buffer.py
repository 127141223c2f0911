"""The events of one stream that can still be read, numbered 1, 2, 3, ….

It knows numbers and sizes, not who reads. What is not kept is forgotten as soon as everybody has it.
"""

from __future__ import annotations

from ..core.errors import ResumptionLost
from ..core.events import Event
from ..core.usage import delta_text

EVENT_OVERHEAD = 64
"""Bytes that an event counts for beside its text."""


def text_size(events: list[Event]) -> int:
    """Return the bytes of UTF-8 text in events."""
    if len(events) == 1:
        return len(delta_text(events[0]).encode())
    return len("".join([delta_text(event) for event in events]).encode())


class EventBuffer:
    """Events in the order of their numbers.

    Attributes:
        last: The number of the last event; 0 where there is none yet.
        size: Bytes that are held.
    """

    __slots__ = ("_events", "last_number", "size")

    def __init__(self) -> None:
        self._events: list[Event] = []
        self.last_number = 0
        self.size = 0

    def add(self, events: list[Event], size: int) -> None:
        """Append events, whose text has so many bytes."""
        self._events += events
        self.last_number += len(events)
        self.size += size + EVENT_OVERHEAD * len(events)

    def pop_after(self, number: int) -> list[Event]:
        """Hand out the events after a number, and forget all that are held.

        Raises:
            ResumptionLost: some of them are forgotten.
        """
        start = self._index_after(number)
        events, self._events, self.size = self._events, [], 0
        return events[start:] if start else events

    def after(self, number: int, max_events: int) -> list[Event]:
        """Return the events after a number, and so many at most.

        Raises:
            ResumptionLost: some of them are forgotten.
        """
        start = self._index_after(number)
        return self._events[start : start + max_events]

    def _index_after(self, number: int) -> int:
        place = len(self._events) - (self.last_number - number)
        if place < 0:
            # Whatever led to it: a part must not be taken for the whole.
            raise ResumptionLost
        return place

    def discard(self, number: int) -> None:
        """Forget the events up to a number."""
        count = len(self._events) - (self.last_number - number)
        if count > 0:
            gone = self._events[:count]
            del self._events[:count]
            self.size -= text_size(gone) + EVENT_OVERHEAD * count
