"""Events as they lie in a store, where a part of them may be missing, damaged, or of another stream of the same id.

A store may have lost what it took: a Redis that evicts, or that has started again from an older copy. So the numbers
are looked at wherever events are read, and a gap is never passed over. Where it has lost a whole stream, the id may
have been asked for again: so each payload begins with the incarnation of its stream, and no other is read as this one.
"""

from __future__ import annotations

import msgspec

from ...core.errors import ResumptionLost
from ...core.events import Event
from ..context import StreamContext
from ..stores.base import EventBatch, StreamClaim
from .event_codec import decode, encode


def decode_context(claim: StreamClaim) -> StreamContext:
    """Return what a claimed stream was opened with."""
    return msgspec.msgpack.decode(claim.metadata, type=StreamContext)


def encode_payload(events: list[Event], incarnation: str) -> bytes:
    """Return the payload of an entry.

    Args:
        events: Those of the entry.
        incarnation: That of their stream.

    Raises:
        TypeError: one holds what is no JSON.
    """
    return incarnation.encode() + encode(events)


def events_after(entry: EventBatch, number: int, incarnation: str) -> list[Event]:
    """Return the events of an entry that come after a number; none where all of them are at or before it.

    Args:
        entry: An entry of a stream.
        number: The number after which the events are wanted.
        incarnation: That of the stream.

    Raises:
        ResumptionLost: the entry is of another incarnation, begins later than with the next number, or cannot be read.
    """
    mark = incarnation.encode()
    if entry.first > number + 1 or not entry.payload.startswith(mark):
        raise ResumptionLost
    try:
        events = decode(entry.payload[len(mark) :])
    except msgspec.MsgspecError as error:
        raise ResumptionLost from error
    if len(events) != entry.count:
        raise ResumptionLost
    return events[max(0, number + 1 - entry.first) :]


def last_event_number(entry: EventBatch) -> int:
    """Return the number of an entry's last event."""
    return entry.first + entry.count - 1
