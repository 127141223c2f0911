"""The cursor of a reader beside what the store has of its stream: validation, waiting, and the end of a lost stream.

A reader at the worker that fills a stream is ahead of the store for a moment. The reader stays ahead for good if that
worker dies before it has written the events that it has sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent

from ...core.errors import AnswerReplaced, HeadraceError, InvalidRequest, ResumptionLost, StoreUnavailable
from ...core.events import Failed
from ..stores.base import LEASE_DURATION, Store, StreamRecord
from .orphans import finish_orphaned
from .store_writer import StoreWriter
from .stored_events import decode_context, events_after

CATCH_UP_TIMEOUT = LEASE_DURATION + 1.0
"""Seconds after which the store has the events that a reader has seen, or the worker that sent them counts as dead."""

POLL_INTERVAL = 0.05
"""Seconds between two lookups of a stream while `wait_for_store` waits."""

INTERRUPTED_CODES = {"worker_lost", "not_resumable"}
"""Error codes that end a stream in the store although its readers may have got more events than the store."""


def wait_for_store(
    store_writer: StoreWriter, record: StreamRecord, after: int, find: Callable[[], StreamRecord]
) -> StreamRecord:
    """Wait until the store has event number `after`, the stream has ended there, or `CATCH_UP_TIMEOUT` has passed.

    Args:
        store_writer: This worker's access to the store.
        record: The record of the stream, as found before.
        after: The number of the last event that the reader has.
        find: Returns the present record of the stream.

    Returns:
        The record that was found last.
    """
    until = time.monotonic() + CATCH_UP_TIMEOUT
    while after > record.last and not record.is_finished and time.monotonic() < until:
        gevent.sleep(POLL_INTERVAL)
        if store_writer.lease.is_worker_dead(record.claim.worker):
            finish_orphaned(store_writer, record)
        record = find()
    return record


def known_position(store: Store, record: StreamRecord, after: int) -> int | None:
    """Return after which stored event a reader must resume if its stream was interrupted; None if it was not.

    If a stream was interrupted, the cursor of a reader may be the number of an event that the store never got. The
    reader then needs the stored ending only, so a reader whose cursor is in or beyond the ending gets all of it.

    Args:
        store: The store that has the stream.
        record: The record of the stream.
        after: The number of the last event that the reader has.
    """
    if not record.is_finished or after < record.last - 1:
        return None
    batches = store.read(record.claim.id, record.last - 1, 1)
    incarnation = decode_context(record.claim).incarnation
    try:
        last = events_after(batches[-1], batches[-1].first - 1, incarnation)[-1] if batches else None
    except ResumptionLost:
        last = None
    if last is None:
        # The ending is lost. A reader that has more events than the store ever had gets an error for that.
        return record.last - 1 if after > record.last else None
    is_interrupted = isinstance(last, Failed) and last.code in INTERRUPTED_CODES
    return min(after, batches[-1].first - 1) if is_interrupted else None


def check_incarnation(record: StreamRecord, incarnation: str) -> None:
    """Raise if the cursor of a reader belongs to another incarnation of a stream than the one in the store.

    Args:
        record: The record of the stream.
        incarnation: The incarnation in the cursor of the reader; empty if the cursor has none, which matches any.

    Raises:
        AnswerReplaced: the incarnations differ; 410.
    """
    if incarnation and incarnation != decode_context(record.claim).incarnation:
        raise AnswerReplaced(
            f"The answer that you have a part of is lost, and the stream {record.claim.id!r} is another answer by now: "
            "drop what you have, and follow that one from its beginning, without a cursor; or ask again with a new id."
        )


def cursor_ahead_error(record: StreamRecord, after: int) -> HeadraceError:
    """Return the error for a cursor `after` that is greater than the number of the last stored event."""
    if record.is_finished:
        return invalid_cursor(after)
    # The event may still arrive: the worker that fills the stream may be unable to write, or may have died unnoticed.
    # A wrong number is reported as wrong once the stream has ended.
    return StoreUnavailable("The store of this stream is behind what you have read. Try again.", retry_after=2)


def invalid_cursor(after: int) -> InvalidRequest:
    """Return the error for a cursor that is the number of no event."""
    return InvalidRequest(f"The cursor is {after}: the stream has no event of that number.")
