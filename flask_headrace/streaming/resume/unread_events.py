"""The events that one reader of a stored stream has still to be given, with their numbers.

Numbers go up and may jump: what stands behind a jump is handed out by itself.
"""

from __future__ import annotations

from collections import deque

from ...core.events import Event
from ..buffer import EVENT_OVERHEAD, text_size


class Inbox:
    """Events in the order of their numbers.

    Attributes:
        size: Bytes that are held.
    """

    __slots__ = ("_batches", "size")

    def __init__(self) -> None:
        self._batches: deque[tuple[int, list[Event], int]] = deque()
        self.size = 0

    def add(self, first: int, events: list[Event]) -> None:
        """Append events, of which the first has that number; the list is the inbox's from here on."""
        size = text_size(events) + EVENT_OVERHEAD * len(events)
        self.size += size
        if self._batches:
            begun, held, held_size = self._batches[-1]
            if begun + len(held) == first:
                held += events
                self._batches[-1] = (begun, held, held_size + size)
                return
        self._batches.append((first, events, size))

    def take(self) -> tuple[list[Event], int]:
        """Hand out events whose numbers have no gap, and the number of the last; nothing and 0 where there are none."""
        if not self._batches:
            return [], 0
        first, events, size = self._batches.popleft()
        self.size -= size
        return events, first + len(events) - 1
