"""The end of a stream whose worker has died: its usage is estimated from what the store has of the answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

import gevent

from ...core.errors import ResumptionLost, WorkerLost
from ...core.events import AnswerRestarted, Event, ResponseStarted
from ...core.usage import estimate_usage, with_attempt
from ..buffer import text_size
from ..internal_error import log_failures
from ..recording import AnswerSubject, Recording, decode_subject
from ..stores.base import Store, StreamRecord
from .store_writer import StoreWriter
from .stored_events import MAX_READ_BYTES, decode_context, events_after, failure_events, last_event_number

ORPHAN_INTERVAL = 3.0
"""Seconds between two looks for streams of dead workers."""


def finish_orphaned(store_writer: StoreWriter, record: StreamRecord) -> None:
    """Acquire the stream of a dead worker, and finish it with its estimated usage and a `WorkerLost` error.

    Args:
        store_writer: This worker's access to the store.
        record: The record of the stream.

    Raises:
        StoreUnavailable: the store is away; 503.
    """
    with store_writer.pending.lock(record.claim.id):
        store_writer.acquire_and_finish(record, lambda: _ending(store_writer.store, record))


def start_finishing_orphans(store_writer: StoreWriter, is_wanted: Callable[[], bool]) -> None:
    """Start a greenlet that finishes the streams of dead workers periodically, as long as this process lives.

    Args:
        store_writer: This worker's access to the store.
        is_wanted: Returns whether somebody wants to know how they end. If not, a stream is finished when somebody asks
            for it.
    """
    gevent.spawn(_keep_finishing, store_writer, is_wanted, os.getpid())


def _keep_finishing(store_writer: StoreWriter, is_wanted: Callable[[], bool], process: int) -> None:
    while os.getpid() == process:  # a forked process starts a greenlet of its own
        gevent.sleep(ORPHAN_INTERVAL)
        if is_wanted():
            with log_failures("finishing the streams of dead workers"):
                finish_orphans(store_writer)


def read_recording(store_writer: StoreWriter, record: StreamRecord, max_size: int) -> Recording:
    """Return what the store has of the answer of a stream.

    Args:
        store_writer: This worker's access to the store.
        record: The record of the stream.
        max_size: See `Recording`.
    """
    context = decode_context(record.claim)
    subject = decode_subject(context.subject) if context.subject else AnswerSubject()
    recording, after = Recording(subject, None, max_size), 0
    with suppress(ResumptionLost):
        while batches := store_writer.store.read(record.claim.id, after, MAX_READ_BYTES):
            for batch in batches:
                recording.add(events_after(batch, after, context.incarnation))
                after = last_event_number(batch)
    return recording


def finish_orphans(store_writer: StoreWriter) -> None:
    """Finish the streams of dead workers, after which nobody may ever ask.

    Args:
        store_writer: This worker's access to the store.

    Raises:
        StoreUnavailable: the store is away; 503.
    """
    for record in store_writer.store.orphans():
        if store_writer.lease.is_worker_dead(record.claim.worker):
            finish_orphaned(store_writer, record)


def _ending(store: Store, record: StreamRecord) -> list[Event]:
    context = decode_context(record.claim)
    answer_bytes, model = _measure_answer(store, record.claim.id, context.incarnation)
    usage = estimate_usage(
        context.name, context.pricing_provider, prompt_bytes=context.prompt_bytes, answer_bytes=answer_bytes
    )
    return [with_attempt(usage, model or context.model), *failure_events(WorkerLost())()]


def _measure_answer(store: Store, id_: str, incarnation: str) -> tuple[int, str]:
    """Return the bytes of the stored answer and the model that gave it, as far as they can be read."""
    size, after, model = 0, 0, ""
    with suppress(ResumptionLost):
        while batches := store.read(id_, after, MAX_READ_BYTES):
            for batch in batches:
                events = events_after(batch, after, incarnation)
                size += text_size(events)
                after = last_event_number(batch)
                models = (
                    event.model for event in reversed(events) if isinstance(event, (ResponseStarted, AnswerRestarted))
                )
                model = next(models, model)
    return size, model
