"""Finds out whether a stream in the store has failed before its answer began."""

from __future__ import annotations

from ...core.events import Event, Failed, ResponseStarted, Usage
from .store_writer import StoreWriter
from .stored_events import decode_context, events_after

_NO_ANSWER = (ResponseStarted, Usage, Failed)
"""The events of a stream that has failed before its answer: at most one of each."""

FLUSH_TIMEOUT = 1.0
"""Seconds for which the end of a stream that was filled here is given to be written."""

MAX_FAILURE_BYTES = 64 * 1024
"""Bytes of the events of such a stream that are read."""


def has_stored_failure_alone(store_writer: StoreWriter, id: str, owner: str) -> bool:  # noqa: A002  # the field's name
    """Whether the store has a stream that has ended with an error before it had any part of an answer.

    Args:
        store_writer: This worker's access to the store.
        id: The stream's id.
        owner: The owner of the stream; empty for anybody.

    Raises:
        StoreUnavailable: the store is away; 503.
        ResumptionLost: the store has lost a part of the stream; 503.
    """
    store_writer.flush_stream(id, FLUSH_TIMEOUT)
    record = store_writer.store.find(id)
    if record is None or record.claim.owner != owner or not record.is_finished or record.last > len(_NO_ANSWER):
        return False
    incarnation, events = decode_context(record.claim).incarnation, list[Event]()
    for batch in store_writer.store.read(id, 0, MAX_FAILURE_BYTES):
        events += events_after(batch, len(events), incarnation)
    has_failed = bool(events) and isinstance(events[-1], Failed)
    return has_failed and all(isinstance(event, _NO_ANSWER) for event in events)
