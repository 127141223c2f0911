"""What this worker writes into the store: the events of its resumable streams, their ends, and that it is alive.

A stream is claimed, then either opened or its claim taken back; it is kept until its end is written. Where the store
has lost it, or cannot be written to for long, it goes on as a plain one, and whoever follows elsewhere is told as soon
as that can be done.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

import gevent

from ...core.errors import HeadraceError, ResumptionLost, StoreUnavailable
from ...core.events import Event, Failed
from ..internal_error import log_failures
from ..sink import StoredStream
from ..stores.base import EventBatch, Store, StreamClaim, StreamRecord
from .lease import PULSE, Lease
from .pending_operations import Owed
from .stored_events import payload_of, target_of
from .write_queue import AGAIN, LEISURE, Outbox

SWEEP = 30.0
"""Seconds between two sweeps of the store."""


@dataclass(slots=True, frozen=True, eq=False)
class _Kept:
    """A session that is kept: what it was claimed with, and what ends the watch for a wish to stop it."""

    session: StoredStream
    claim: StreamClaim
    unwatch: Callable[[], None]


class StoreWriter:
    """Keeps the sessions of one worker in a store.

    Args:
        store: Where to.

    Attributes:
        worker: The name of this worker.
        lease: Whether this worker and others count as alive.
        owed: What is still to be done in the store; whoever begins or ends a stream is alone with its id there.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.worker = secrets.token_urlsafe(12)
        self.lease = Lease(store, self.worker)
        self.owed = Owed()
        self._claims: dict[str, StreamClaim] = {}
        self._in_vain: set[str] = set()
        self._kept: dict[str, _Kept] = {}
        self._outbox = Outbox(store, self.worker, on_written=self._forget, on_lost=self._lose)
        self._is_tending = False

    def __repr__(self) -> str:
        return f"<Journal of {len(self._kept)} streams in {self.store!r}>"

    # Claims: only for who is alone with the id

    def claim(self, claim: StreamClaim, name: str | None = None) -> StreamRecord | None:
        """Begin a stream in the store; see `Store.claim`. This worker counts as alive from here on."""
        self.lease.begin()
        self._begin_to_tend()
        try:
            record = self.store.claim(claim, name)
            if record is not None and self._is_unused(record, claim):
                # Not as it is: a store that has lost its events again may have kept an earlier stream's incarnation.
                self.store.withdraw(claim.id, self.worker)
                record = self.store.claim(claim, name)
        except BaseException:
            # It may have been done all the same, by a server that was too slow to say so.
            # An end that is owed goes before: what is there may be a stream that has had readers.
            self.owed.owe_else(claim.id, self._withdrawal(claim.id))
            gevent.spawn(self._settle, claim.id)
            raise
        if record is not None:
            return record
        self.owed.forget(claim.id)
        self._in_vain.discard(claim.id)
        self._forget_earlier(claim.id)
        self._claims[claim.id] = claim
        return None

    def _forget_earlier(self, id_: str) -> None:
        # One that has ended, and that the store has lost before its end was there: its events are not the new one's.
        earlier = self._kept.get(id_)
        if earlier is not None:
            self._outbox.drop(earlier.session)
            self._forget(earlier.session)

    def _is_unused(self, record: StreamRecord, claim: StreamClaim) -> bool:
        """Whether a stream that is there is one that this worker has claimed in vain, and that is asked for again."""
        is_same = (record.claim.owner, record.claim.question) == (claim.owner, claim.question)
        has_had_readers = claim.id in self._kept or (self.owed.is_owed(claim.id) and claim.id not in self._in_vain)
        is_ours = record.claim.worker == self.worker and not has_had_readers
        return is_same and is_ours and record.last == 0 and not record.is_finished

    def withdraw(self, id_: str) -> None:
        """Take back the claim of a stream that was not opened: now, or as soon as it can be done."""
        self._claims.pop(id_, None)
        self.owed.settle_soon(id_, self._withdrawal(id_))

    def _withdrawal(self, id_: str) -> Callable[[], bool]:
        if not self.owed.is_owed(id_):
            self._in_vain.add(id_)

        def take_back() -> bool:
            self.store.withdraw(id_, self.worker)
            self._in_vain.discard(id_)
            return True

        return take_back

    def claim_of(self, session: StoredStream) -> StreamClaim | None:
        """Return what a session was claimed with; None for one that is not kept here any more."""
        kept = self._kept.get(session.id)
        return kept.claim if kept is not None and kept.session is session else None

    # As the keeper of sessions

    def open(self, session: StoredStream) -> None:
        """Keep a session that was claimed, and stop it when anybody asks the store for that."""
        claim = self._claims.pop(session.id)
        unwatch = self.store.watch_stop(session.id, lambda: gevent.spawn(self._look, session))
        self._kept[session.id] = _Kept(session, claim, unwatch)
        self._outbox.open(session)
        # A wish may have come before the watch began.
        gevent.spawn(self._look, session)

    def _look(self, session: StoredStream) -> None:
        # A watch may wake without a wish, so the store is asked; and for as long as it takes, or the wish were lost.
        while session.is_stored and session.pending_terminal is None:
            try:
                record = self.store.find(session.id)
            except StoreUnavailable:
                gevent.sleep(AGAIN)
                continue
            if record is not None and record.is_stopping:
                session.cancel("stopped")
            return

    def write(self, session: StoredStream, first: int, events: list[Event]) -> None:
        """Take the next events of a session; they are written soon."""
        self._outbox.put(session, first, events)

    def detach(self, session: StoredStream) -> None:
        """Write nothing more of a session; those who follow it in the store are told soon."""
        self._outbox.drop(session)
        self._lose(session, ResumptionLost())

    def has_remote_readers(self, session: StoredStream) -> bool:
        """Whether anybody reads a session at another worker; if that cannot be known, nobody does."""
        try:
            return self.store.has_stream_readers(session.id)
        except StoreUnavailable:
            return False

    def flush(self, seconds: float) -> None:
        """Wait, for so many seconds at most, until everything is written."""
        self._outbox.flush(seconds)

    def _lose(self, session: StoredStream, error: HeadraceError) -> None:
        if self.claim_of(session) is not None:
            id_ = session.id
            self.owed.owe(id_, self._ending(id_, ended_by(error)))
            self._forget(session)
            session.detach_store()

    def _forget(self, session: StoredStream) -> None:
        if self.claim_of(session) is not None:
            self._kept.pop(session.id).unwatch()

    # What is done again and again, as long as this worker lives

    def _begin_to_tend(self) -> None:
        if not self._is_tending:
            self._is_tending = True
            gevent.spawn(self._tend)
            gevent.spawn(self._sweep_on)

    def _tend(self) -> None:
        while True:
            with log_failures("looking for readers elsewhere", on_store_unavailable=self.lease.doubt):
                has_readers = self.store.has_readers(self.worker)
                self._outbox.window = self.store.window if has_readers else LEISURE
            with log_failures("ending streams in the store", on_store_unavailable=self.lease.doubt):
                self.owed.settle_all()
            gevent.sleep(PULSE)

    def _sweep_on(self) -> None:
        while True:
            with log_failures("the sweep of the store"):
                self.store.delete_expired()
            gevent.sleep(SWEEP)

    # Streams that end in the store alone

    def conclude(self, id: str, ending: Callable[[], list[Event]]) -> None:  # noqa: A002
        """End a stream of this worker's in the store, for those who follow it there: now, or as soon as it can be done.

        Does nothing where it has ended, or is another worker's. Only for who is alone with its id.

        Args:
            id: The stream's id.
            ending: Returns its last events; asks the store where it must, and is called again where that is away.
        """
        self._begin_to_tend()
        self.owed.settle_soon(id, self._ending(id, ending))

    def take_over(self, record: StreamRecord, ending: Callable[[], list[Event]]) -> None:
        """End the stream of a worker that is dead. Only for who is alone with its id; see `conclude`.

        Raises:
            StoreUnavailable: the store is away; where it has been done all the same, the end follows.
        """
        id_ = record.claim.id
        if id_ in self._claims or id_ in self._kept:
            return  # it was begun anew here, and is not the dead one's any more
        self._begin_to_tend()
        self.owed.owe(id_, self._ending(id_, ending))
        self.store.acquire(id_, record.claim.worker, self.worker)
        # Also where nothing was taken over just now: it may have been before, and have no end yet.
        self.conclude(id_, ending)

    def _settle(self, id_: str) -> None:
        with log_failures(f"ending stream {id_} in the store"), self.owed.alone(id_):
            self.owed.settle(id_)

    def _ending(self, id_: str, ending: Callable[[], list[Event]]) -> Callable[[], bool]:
        # It goes before what may be owed already: to take a claim back that was made in vain.
        self._in_vain.discard(id_)
        return lambda: self._end(id_, ending)

    def _end(self, id_: str, ending: Callable[[], list[Event]]) -> bool:
        """End a stream in the store; return whether it has its end, or is none of this worker's."""
        record = self.store.find(id_)
        if record is None or record.is_finished or record.claim.worker != self.worker:
            return True
        events = ending()
        payload = payload_of(events, target_of(record.claim).incarnation)
        entry = EventBatch(id_, record.last + 1, len(events), payload, is_last=True)
        return not self.store.append(self.worker, [entry])  # else it has become longer meanwhile


def ended_by(error: HeadraceError) -> Callable[[], list[Event]]:
    """Return what returns the end of a stream by an error."""
    return lambda: [Failed(error.code, error.message, error.retryable)]
