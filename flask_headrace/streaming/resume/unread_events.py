"""A queue of the events that one reader of a stored stream has not taken yet, with their numbers.

The numbers increase and may have gaps. The events before and after a gap are returned by separate calls.
"""

from __future__ import annotations

from collections import deque

from ...core.application_events import data_size
from ...core.events import Event
from ..buffer import EVENT_OVERHEAD, text_size


class UnreadEvents:
    """A queue of events in the order of their numbers.

    Attributes:
        size: The bytes of all queued events, `EVENT_OVERHEAD` per event included.
    """

    __slots__ = ("_batches", "size")

    def __init__(self) -> None:
        self._batches: deque[tuple[int, list[Event], int]] = deque()
        self.size = 0

    def add(self, first: int, events: list[Event]) -> None:
        """Append events to the queue. The queue takes ownership of the list.

        Args:
            first: The number of the first event.
            events: The events, numbered consecutively.
        """
        size = text_size(events) + data_size(events) + EVENT_OVERHEAD * len(events)
        self.size += size
        if self._batches:
            last_first, last_events, last_size = self._batches[-1]
            if last_first + len(last_events) == first:
                last_events += events
                self._batches[-1] = (last_first, last_events, last_size + size)
                return
        self._batches.append((first, events, size))

    def take(self) -> tuple[list[Event], int]:
        """Remove and return the oldest events up to the next gap, and the number of the last; ([], 0) if empty."""
        if not self._batches:
            return [], 0
        first, events, size = self._batches.popleft()
        self.size -= size
        return events, first + len(events) - 1
