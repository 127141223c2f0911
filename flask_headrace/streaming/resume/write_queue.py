"""The queue of events that this worker has still to write to the store, for all of its resumable streams.

A greenlet of its own collects events for a moment and writes them together, so no stream waits for the store. While the
store is away, the queue keeps the events in order. Before it sends events again, it looks up which of them the store
has, since the store may have accepted them and failed to answer. The queue knows nothing of the readers of a stream.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import gevent
from gevent.event import Event as Flag

from ...core.errors import HeadraceError, ResumptionLost, StoreUnavailable
from ...core.events import TERMINAL_EVENTS, Event
from ..internal_error import log_internal_error
from ..sink import StoredStream
from ..stores.base import EventBatch, Store
from .stored_events import encode_payload, last_event_number

log = logging.getLogger("flask_headrace")

IDLE_WINDOW = 0.04
"""Seconds for which events are collected while no other worker reads them: a killed worker loses that much."""

RETRY_DELAY = 0.25
"""Seconds between two attempts to reach a store that is away."""

STORE_OUTAGE_TIMEOUT = 60.0
"""Seconds for which events are queued while the store is away. After that their stream is not stored any more."""


@dataclass(slots=True, eq=False)
class _StreamQueue:
    """The queued events of one stream.

    Attributes:
        session: The stream.
        first: The number of the first of `events`.
        events: Events that were not encoded yet; they follow those of `batches`.
        batches: Batches that may have been sent to the store, which has not confirmed them.
        away_since: When the store first failed to confirm the batches; None if it has not failed.
    """

    session: StoredStream
    first: int = 0
    events: list[Event] = field(default_factory=list)
    batches: list[EventBatch] = field(default_factory=list)
    away_since: float | None = None


class WriteQueue:
    """Writes the events of streams to a store.

    Args:
        store: The store.
        worker: The name of this worker.
        on_written: Called with a stream when the store has its terminal event.
        on_lost: Called with a stream that cannot be written any more and the reason, after its events were dropped.

    Attributes:
        window: Seconds for which events are collected before they are written.
    """

    def __init__(
        self,
        store: Store,
        worker: str,
        on_written: Callable[[StoredStream], object],
        on_lost: Callable[[StoredStream, HeadraceError], object],
    ) -> None:
        self._store, self._worker = store, worker
        self._on_written, self._on_lost = on_written, on_lost
        self._queues: dict[str, _StreamQueue] = {}
        self._unwritten: dict[str, _StreamQueue] = {}
        self._is_writing = False
        self._is_flushed = Flag()
        self._is_flushed.set()
        self.window = IDLE_WINDOW

    def open(self, session: StoredStream) -> None:
        """Accept events of a stream from here on."""
        self._queues[session.id] = _StreamQueue(session)

    def drop(self, session: StoredStream) -> None:
        """Discard the queued events of a stream, and accept no more. Idempotent."""
        if self._is_open(session):
            queue = self._queues.pop(session.id)
            queue.events, queue.batches = [], []
            self._unwritten.pop(session.id, None)

    def put(self, session: StoredStream, first: int, events: list[Event]) -> None:
        """Queue the next events of a stream. Does nothing if the stream is not open. Does not block.

        Args:
            session: The stream.
            first: The number of the first event.
            events: The events, numbered consecutively.
        """
        if not self._is_open(session):
            return
        queue = self._queues[session.id]
        if not queue.events:
            queue.first = first
            self._unwritten[session.id] = queue
        queue.events += events
        if not self._is_writing:
            self._is_writing = True
            self._is_flushed.clear()
            gevent.spawn(self._write_until_empty)

    def flush(self, seconds: float) -> None:
        """Wait until all queued events are written, for at most `seconds`."""
        self._is_flushed.wait(seconds)

    def _is_open(self, session: StoredStream) -> bool:
        queue = self._queues.get(session.id)
        return queue is not None and queue.session is session

    def _write_until_empty(self) -> None:
        is_away = False
        try:
            while self._unwritten:
                gevent.sleep(RETRY_DELAY if is_away else self.window)
                is_away = not self._write()
        finally:
            self._is_writing = False
            self._is_flushed.set()

    def _write(self) -> bool:
        """Write all queued events; return False if the store is away."""
        unwritten, self._unwritten = self._unwritten, {}
        sent: list[_StreamQueue] = []
        try:
            sent += [queue for queue in unwritten.values() if self._prepare(queue)]
            batches = [batch for queue in sent for batch in queue.batches]
            refused = self._store.append(self._worker, batches) if batches else set()
        except Exception as error:  # noqa: BLE001  # whatever the error is, the streams continue and their events wait
            self._requeue([queue for queue in unwritten.values() if queue.events or queue.batches], error)
            return False
        for queue in sent:
            is_finished = bool(queue.batches) and queue.batches[-1].is_last
            queue.batches, queue.away_since = [], None
            if queue.session.id in refused:
                self._give_up(queue, ResumptionLost())
            elif is_finished:
                self._finish(queue)
        return True

    def _prepare(self, queue: _StreamQueue) -> bool:
        """Encode the queued events of a stream as a batch; return whether there are batches to be sent.

        Raises:
            StoreUnavailable: the store cannot be asked which of the batches it has.
        """
        if queue.events:
            events, queue.events = queue.events, []
            try:
                payload = encode_payload(events, queue.session.context.incarnation)
            except Exception as error:  # noqa: BLE001  # the source of an application may yield what cannot be encoded
                queue.session.fail(log_internal_error(queue.session.id, error))
                # Readers at this worker may have got more of the stream than the store. This end makes that known.
                self._give_up(queue, ResumptionLost())
                return False
            is_last = isinstance(events[-1], TERMINAL_EVENTS)
            queue.batches.append(EventBatch(queue.session.id, queue.first, len(events), payload, is_last))
        if queue.away_since is not None:
            self._drop_written(queue)
        return bool(queue.batches)

    def _drop_written(self, queue: _StreamQueue) -> None:
        """Drop the batches that the store has: it may have accepted them without confirming."""
        record = self._store.find(queue.session.id)
        if record is None or record.claim.worker != self._worker:
            self._give_up(queue, ResumptionLost())
            return
        queue.away_since = None
        queue.batches = [batch for batch in queue.batches if last_event_number(batch) > record.last]
        if record.is_finished and not queue.batches:
            self._finish(queue)

    def _requeue(self, queues: list[_StreamQueue], error: Exception) -> None:
        """Queue what was not confirmed again; give a stream up after `STORE_OUTAGE_TIMEOUT`."""
        now = time.monotonic()
        if any(queue.away_since is None for queue in queues):
            reason = error.message if isinstance(error, StoreUnavailable) else repr(error)
            log.warning("The events of %d resumable streams wait for their store: %s", len(queues), reason)
        for queue in queues:
            queue.away_since = queue.away_since or now
            if now - queue.away_since > STORE_OUTAGE_TIMEOUT:
                self._give_up(queue, ResumptionLost())
            elif self._is_open(queue.session):
                self._unwritten[queue.session.id] = queue

    def _finish(self, queue: _StreamQueue) -> None:
        self.drop(queue.session)
        self._on_written(queue.session)

    def _give_up(self, queue: _StreamQueue, error: HeadraceError) -> None:
        if self._is_open(queue.session):
            self.drop(queue.session)
            self._on_lost(queue.session, error)
