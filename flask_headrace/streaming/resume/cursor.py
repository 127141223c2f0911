"""What a reader has of a stream that the store may not have: where its cursor stands beside what was written.

A reader at the worker that fills a stream is ahead of the store for a moment; and for good, where that worker died
before it could write what it had sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent

from ...core.errors import AnswerReplaced, HeadraceError, InvalidRequest, ResumptionLost, StoreUnavailable
from ...core.events import Failed
from ..stores.base import LEASE_DURATION, Store, StreamRecord
from .store_writer import StoreWriter
from .stored_events import events_after, decode_context
from .stored_reader import finish_orphaned

CATCH_UP_TIMEOUT = LEASE_DURATION + 1.0
"""Seconds in which the store must have what a reader has already seen, or its worker counts as dead."""

INTERRUPTED_CODES = {"worker_lost", "not_resumable"}
"""How a stream ends in the store that has gone on, or may have, without it."""


def wait_for_store(journal: StoreWriter, record: StreamRecord, after: int, find: Callable[[], StreamRecord]) -> StreamRecord:
    """Wait until the store has as much of a stream as its reader, or the stream has ended there; not for ever.

    Args:
        journal: This worker's way to the store.
        record: The stream, as it was found.
        after: The number of the last event that the reader has.
        find: Finds it again.

    Returns:
        The stream as it was found last.
    """
    until = time.monotonic() + CATCH_UP_TIMEOUT
    while after > record.last and not record.is_finished and time.monotonic() < until:
        gevent.sleep(0.05)
        if journal.lease.is_worker_dead(record.claim.worker):
            finish_orphaned(journal, record)
        record = find()
    return record


def known_position(store: Store, record: StreamRecord, after: int) -> int | None:
    """Return how much of what a reader has the store knows, where the stream broke off in the store; else None.

    A reader may have got further than the store has: its cursor is the number of an event that was lost. All that is
    new to it is how the stream ended. So that is sent whole to whoever has a number in the end or beyond it.
    """
    if not record.is_finished or after < record.last - 1:
        return None
    entries = store.read(record.claim.id, record.last - 1, 1)
    incarnation = decode_context(record.claim).incarnation
    try:
        last = events_after(entries[-1], entries[-1].first - 1, incarnation)[-1] if entries else None
    except ResumptionLost:
        last = None
    if last is None:
        # How it ended is lost: who has more of it than there ever was in the store is told that.
        return record.last - 1 if after > record.last else None
    is_cut_short = isinstance(last, Failed) and last.code in INTERRUPTED_CODES
    return min(after, entries[-1].first - 1) if is_cut_short else None


def check_incarnation(record: StreamRecord, incarnation: str) -> None:
    """Return if a stream can be the one that a reader has a part of.

    Args:
        record: The stream of that id that the store has.
        incarnation: That of the reader's cursor; empty where it names none, which is taken for this one's.

    Raises:
        AnswerReplaced: it is another one; 410.
    """
    if incarnation and incarnation != decode_context(record.claim).incarnation:
        raise AnswerReplaced(
            f"The answer that you have a part of is lost, and the stream {record.claim.id!r} is another answer by now: "
            "drop what you have, and follow that one from its beginning, without a cursor; or ask again with a new id."
        )


def cursor_ahead_error(record: StreamRecord, after: int) -> HeadraceError:
    """Return why a reader has an event that the store has not."""
    if record.is_finished:
        return invalid_cursor(after)
    # Whether it may still come there cannot be known from here: the worker that fills the stream may be unable to
    # write, or have died unnoticed. A wrong number is told as wrong as soon as the stream has ended.
    return StoreUnavailable("The store of this stream is behind what you have read. Try again.", retry_after=2)


def invalid_cursor(after: int) -> InvalidRequest:
    """Return the error for a cursor that is the number of no event."""
    return InvalidRequest(f"The cursor is {after}: the stream has no event of that number.")
