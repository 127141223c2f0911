"""The writer of this worker's resumable streams to the store: their claims, events and ends.

A stream is claimed; then either its session is attached or the claim is withdrawn. Its events are stored until its
terminal event is written. If the store loses the stream, or is away for long, the stream continues as a plain one, and
its end in the store tells readers at other workers as soon as the store accepts that.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import gevent

from ...core.errors import HeadraceError, ResumptionLost, StoreUnavailable
from ...core.events import Event
from ..internal_error import log_failures
from ..request_digest import is_same_request
from ..sink import StoredStream
from ..stores.base import EventBatch, Store, StreamClaim, StreamRecord
from .lease import LEASE_RENEWAL_INTERVAL, WorkerLease
from .orphan_reports import OrphanReports
from .pending_operations import PendingOperations
from .stored_events import decode_context, encode_payload, failure_events
from .stored_session import StoredSession
from .write_queue import IDLE_WINDOW, RETRY_DELAY, WriteQueue

FLUSH_POLL_INTERVAL = 0.005
"""Seconds between two looks whether a stream is written."""

SWEEP_INTERVAL = 30.0
"""Seconds between two removals of expired streams from the store."""


class StoreWriter:
    """Writes the sessions of one worker to a store. Implements `EventSink`.

    Args:
        store: The store.

    Attributes:
        orphan_reports: Tells of the streams of dead workers that this worker has finished.
        worker: The name of this worker, made up at random.
        lease: The lease of this worker.
        pending: Operations that the store could not complete yet. Whoever begins or ends a stream holds the lock of its
            id there.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.orphan_reports = OrphanReports()
        self.begin()

    def begin(self) -> None:
        """Become a new worker, which has no streams: also in a process that was forked from another one."""
        self.worker = secrets.token_urlsafe(12)
        self.lease = WorkerLease(self.store, self.worker)
        self.pending = PendingOperations()
        self._claims: dict[str, StreamClaim] = {}
        self._failed_claims: set[str] = set()
        self._stored: dict[str, StoredSession] = {}
        self._write_queue = WriteQueue(self.store, self.worker, on_written=self._detach, on_lost=self._give_up)
        self._is_maintaining = False

    def __repr__(self) -> str:
        return f"<StoreWriter of {len(self._stored)} streams in {self.store!r}>"

    # Claims: only for the caller that has the lock of the id

    def claim(self, claim: StreamClaim, name: str | None = None) -> StreamRecord | None:
        """Begin a stream in the store; see `Store.claim`. Other workers count this worker as alive from here on."""
        self.lease.start()
        self._start_maintenance()
        try:
            record = self.store.claim(claim, name)
            if record is not None and self._is_own_failed_claim(record, claim):
                # A new claim, not the old one: a store that has lost its events again may have an earlier incarnation.
                self.store.withdraw(claim.id, self.worker)
                record = self.store.claim(claim, name)
        except BaseException:
            # A server that was too slow to answer may have made the claim all the same.
            # A pending end comes first: the stream in the store may be one that has had readers.
            self.pending.schedule_if_absent(claim.id, self._withdrawal(claim.id))
            gevent.spawn(self._run_pending, claim.id)
            raise
        if record is not None:
            return record
        self.pending.discard(claim.id)
        self._failed_claims.discard(claim.id)
        self._detach_earlier(claim.id)
        self._claims[claim.id] = claim
        return None

    def _detach_earlier(self, id_: str) -> None:
        # An earlier stream of the id may have ended and been lost before its end was written. Its events must not
        # become events of the new stream.
        earlier = self._stored.get(id_)
        if earlier is not None:
            self._write_queue.drop(earlier.session)
            self._detach(earlier.session)

    def _is_own_failed_claim(self, record: StreamRecord, claim: StreamClaim) -> bool:
        """Whether a stored stream is one that this worker has claimed without an answer, for the same request."""
        is_same = record.claim.owner == claim.owner and is_same_request(
            record.claim.request_digest, claim.request_digest
        )
        has_had_readers = claim.id in self._stored or (
            self.pending.is_pending(claim.id) and claim.id not in self._failed_claims
        )
        is_ours = record.claim.worker == self.worker and not has_had_readers
        return is_same and is_ours and record.last == 0 and not record.is_finished

    def withdraw(self, id_: str) -> None:
        """Withdraw the claim of a stream that was not opened: now, or when the store is back."""
        self._claims.pop(id_, None)
        self.pending.schedule_and_run(id_, self._withdrawal(id_))

    def _withdrawal(self, id_: str) -> Callable[[], bool]:
        if not self.pending.is_pending(id_):
            self._failed_claims.add(id_)

        def withdraw() -> bool:
            self.store.withdraw(id_, self.worker)
            self._failed_claims.discard(id_)
            return True

        return withdraw

    def claim_of(self, session: StoredStream) -> StreamClaim | None:
        """Return the claim of a session; None if the session is not stored any more."""
        stored = self._stored.get(session.id)
        return stored.claim if stored is not None and stored.session is session else None

    # The sink of sessions

    def attach(self, session: StoredStream) -> None:
        """Store the events of a claimed session, and cancel the session if the store gets a stop request for it."""
        claim = self._claims.pop(session.id)
        unwatch = self.store.watch_stop(session.id, lambda: gevent.spawn(self._check_stop_request, session))
        self._stored[session.id] = StoredSession(session, claim, unwatch)
        self._write_queue.open(session)
        # A stop request may have come before the watch began.
        gevent.spawn(self._check_stop_request, session)

    def _check_stop_request(self, session: StoredStream) -> None:
        # A watch may call back without a request, so the record decides; retried until the store answers, or the
        # request would be lost.
        while session.is_stored and session.pending_terminal is None:
            try:
                record = self.store.find(session.id)
            except StoreUnavailable:
                gevent.sleep(RETRY_DELAY)
                continue
            if record is not None and record.is_stopping:
                session.cancel("stopped")
            return

    def write(self, session: StoredStream, first: int, events: list[Event]) -> None:
        """Queue the next events of a session for the store. Does not block.

        Args:
            session: The session.
            first: The number of the first event.
            events: The events, numbered consecutively.
        """
        self._write_queue.put(session, first, events)

    def detach(self, session: StoredStream) -> None:
        """Store no more events of a session. Its readers at other workers soon get a `ResumptionLost` error."""
        self._write_queue.drop(session)
        self._give_up(session, ResumptionLost())

    def has_remote_readers(self, session: StoredStream) -> bool:
        """Whether another worker reads a session; False if the store is away."""
        try:
            return self.store.has_stream_readers(session.id)
        except StoreUnavailable:
            return False

    def flush(self, seconds: float) -> None:
        """Wait until all queued events are written, for at most `seconds`."""
        self._write_queue.flush(seconds)

    def flush_stream(self, id: str, seconds: float) -> None:  # noqa: A002  # the field's name
        """Wait until the end of a stream that has ended at this worker is written, for at most `seconds`."""
        until = time.monotonic() + seconds
        while id in self._stored and time.monotonic() < until:
            gevent.sleep(FLUSH_POLL_INTERVAL)

    def _give_up(self, session: StoredStream, error: HeadraceError) -> None:
        if self.claim_of(session) is not None:
            id_ = session.id
            if session.recording is not None:
                session.recording.is_taken_over = self._is_taken_over(id_)
            self.pending.schedule(id_, self._finish_operation(id_, failure_events(error)))
            self._detach(session)
            session.detach_store()

    def _is_taken_over(self, id_: str) -> bool:
        try:
            record = self.store.find(id_)
        except StoreUnavailable:
            return False
        return record is not None and record.claim.worker != self.worker

    def _detach(self, session: StoredStream) -> None:
        if self.claim_of(session) is not None:
            self._stored.pop(session.id).unwatch()

    # Maintenance, as long as this worker lives

    def _start_maintenance(self) -> None:
        if not self._is_maintaining:
            self._is_maintaining = True
            gevent.spawn(self._maintain)
            gevent.spawn(self._sweep)

    def _maintain(self) -> None:
        while True:
            pause = self.lease.pause_failure_detection
            with log_failures("looking for readers at other workers", on_store_unavailable=pause):
                has_readers = self.store.has_readers(self.worker)
                self._write_queue.window = self.store.window if has_readers else IDLE_WINDOW
            with log_failures("ending streams in the store", on_store_unavailable=pause):
                self.pending.run_all()
            gevent.sleep(LEASE_RENEWAL_INTERVAL)

    def _sweep(self) -> None:
        while True:
            with log_failures("the removal of expired streams from the store"):
                self.store.delete_expired()
            gevent.sleep(SWEEP_INTERVAL)

    # Streams that are finished in the store alone

    def finish_stream(self, id: str, ending: Callable[[], list[Event]]) -> None:  # noqa: A002
        """Finish a stream of this worker in the store, for its readers elsewhere: now, or when the store is back.

        Does nothing if the stream has ended or belongs to another worker. Only for the caller that has the lock of the
        id.

        Args:
            id: The stream's id.
            ending: Returns the last events of the stream. It may read from the store, and is called again if the store
                is away.
        """
        self._start_maintenance()
        self.pending.schedule_and_run(id, self._finish_operation(id, ending))

    def acquire_and_finish(self, record: StreamRecord, ending: Callable[[], list[Event]]) -> None:
        """Acquire a stream of a dead worker and finish it in the store; see `finish_stream`.

        Raises:
            StoreUnavailable: the store is away. If it has acquired the stream all the same, the end follows.
        """
        id_ = record.claim.id
        if id_ in self._claims or id_ in self._stored:
            return  # the stream was begun anew here, and does not belong to the dead worker any more
        self._start_maintenance()
        operation = self._finish_operation(id_, ending, is_orphan=True)
        self.pending.schedule(id_, operation)
        self.store.acquire(id_, record.claim.worker, self.worker)
        # Even if this call acquired nothing: an earlier one may have acquired the stream, which then has no end yet.
        self.pending.schedule_and_run(id_, operation)

    def _run_pending(self, id_: str) -> None:
        with log_failures(f"ending stream {id_} in the store"), self.pending.lock(id_):
            self.pending.run(id_)

    def _finish_operation(
        self, id_: str, ending: Callable[[], list[Event]], *, is_orphan: bool = False
    ) -> Callable[[], bool]:
        # It replaces the withdrawal of a failed claim, if that is pending.
        self._failed_claims.discard(id_)
        sent: list[Event] = []
        return lambda: self._finish(id_, ending, sent, is_orphan=is_orphan)

    def _finish(self, id_: str, ending: Callable[[], list[Event]], sent: list[Event], *, is_orphan: bool) -> bool:
        """Finish a stream in the store; return whether it is finished, gone, or another worker's."""
        record = self.store.find(id_)
        if record is None or record.is_finished or record.claim.worker != self.worker:
            # The store may have accepted the end that an earlier call has sent, without confirming it.
            if is_orphan and sent and record is not None and record.is_finished and record.claim.worker == self.worker:
                self.orphan_reports.report(record, sent)
            return True
        sent[:] = events = ending()
        payload = encode_payload(events, decode_context(record.claim).incarnation)
        batch = EventBatch(id_, record.last + 1, len(events), payload, is_last=True)
        if self.store.append(self.worker, [batch]):
            return False  # refused: the stream has got more events meanwhile
        if is_orphan:
            self.orphan_reports.report(record, events)
        return True
