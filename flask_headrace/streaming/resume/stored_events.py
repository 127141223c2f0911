"""The batches of events in a store: how they are encoded, and how lost, damaged or foreign ones are detected.

A store may lose batches that it has accepted, for example a Redis that evicts keys or restarts from an older snapshot.
So every read checks the numbers of the events and reports a gap. If a store loses a whole stream, a client may begin a
new stream with the same id. So each payload begins with the incarnation of its stream, and a payload of another
incarnation is never decoded as part of this one.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ...core.errors import HeadraceError, ResumptionLost
from ...core.events import Event, Failed
from ..context import StreamContext
from ..stores.base import EventBatch, StreamClaim
from .event_codec import decode, encode

MAX_READ_BYTES = 65536
"""Bytes of payloads that are read from the store at once."""


def decode_context(claim: StreamClaim) -> StreamContext:
    """Return the context with which a claimed stream was opened."""
    return msgspec.msgpack.decode(claim.metadata, type=StreamContext)


def encode_payload(events: list[Event], incarnation: str) -> bytes:
    """Encode the payload of a batch.

    Args:
        events: The events of the batch.
        incarnation: The incarnation of their stream, see `StreamContext`.

    Raises:
        TypeError: an event contains a value that is no JSON value.
    """
    return incarnation.encode() + encode(events)


def events_after(batch: EventBatch, number: int, incarnation: str) -> list[Event]:
    """Decode the events of a batch whose numbers are greater than `number`; empty if there are none.

    Args:
        batch: A batch of a stream.
        number: The number of the last event that is not wanted.
        incarnation: The incarnation of the stream, see `StreamContext`.

    Raises:
        ResumptionLost: the batch belongs to another incarnation, begins after `number + 1`, or cannot be decoded.
    """
    prefix = incarnation.encode()
    if batch.first > number + 1 or not batch.payload.startswith(prefix):
        raise ResumptionLost
    try:
        events = decode(batch.payload[len(prefix) :])
    except msgspec.MsgspecError as error:
        raise ResumptionLost from error
    if len(events) != batch.count:
        raise ResumptionLost
    return events[max(0, number + 1 - batch.first) :]


def last_event_number(batch: EventBatch) -> int:
    """Return the number of the last event of a batch."""
    return batch.first + batch.count - 1


def failure_events(error: HeadraceError) -> Callable[[], list[Event]]:
    """Return a function that returns the ending of a stream that fails with `error`."""
    return lambda: [Failed(error.code, error.message, error.retryable)]
