"""Events as they are read back from a store, where a part of them may be missing or damaged.

A store may have lost what it took: a Redis that evicts, or that has started again from an older copy. So the numbers
are looked at wherever events are read, and a gap is never passed over.
"""

from __future__ import annotations

import msgspec

from ...core.errors import NotResumable
from ...core.events import Event
from ..stores.base import Entry
from .event_codec import decode


def events_beyond(entry: Entry, number: int) -> list[Event]:
    """Return the events of an entry that come after a number; none where all of them are at or before it.

    Raises:
        NotResumable: the entry begins later than with the next number, or cannot be read.
    """
    if entry.first > number + 1:
        raise NotResumable
    try:
        events = decode(entry.payload)
    except msgspec.MsgspecError as error:
        raise NotResumable from error
    if len(events) != entry.count:
        raise NotResumable
    return events[max(0, number + 1 - entry.first) :]


def last_number(entry: Entry) -> int:
    """Return the number of an entry's last event."""
    return entry.first + entry.count - 1
