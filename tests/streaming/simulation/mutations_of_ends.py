"""Mutations after which the end of a stream is wrong, or never comes."""

from __future__ import annotations

import time
from typing import Any

import gevent

from flask_headrace.core.errors import StoreUnavailable
from flask_headrace.streaming.registry import StreamRegistry
from flask_headrace.streaming.resumable_streams import ResumableStreams
from flask_headrace.streaming.resume import store_writer
from flask_headrace.streaming.resume.event_codec import encode
from flask_headrace.streaming.resume.lease import LEASE_RENEWAL_INTERVAL, WorkerLease
from flask_headrace.streaming.resume.pending_operations import PendingOperations
from flask_headrace.streaming.resume.store_writer import StoreWriter
from flask_headrace.streaming.resume.stored_events import failure_events
from flask_headrace.streaming.resume.stored_reader import READER_TTL, StoredStreamReader
from flask_headrace.streaming.resume.write_queue import WriteQueue
from flask_headrace.streaming.session import StreamSession
from tests.streaming.simulation.mutations import Patch, without

ALL_ASK_FOR_ONE: dict[str, Any] = {"workers": 1, "ids": 1, "readers": 8, "asks": 1.0}
"""The shape of a run in which all readers request the same stream, at one worker."""


@without("a claim that forgets that one failed", "refuses", "loses answers")
def remember_failed_claims(patch: Patch) -> None:
    claim = StoreWriter.claim

    def claim_and_remember(self: StoreWriter, wanted: Any, name: str | None = None) -> Any:
        try:
            return claim(self, wanted, name)
        except StoreUnavailable as error:
            failure = error
            self.pending.schedule(
                wanted.id, lambda: self._finish(wanted.id, failure_events(failure), [], is_orphan=False)
            )
            raise

    patch.setattr(StoreWriter, "claim", claim_and_remember)
    patch.setattr(PendingOperations, "discard", lambda *_: None)


@without(
    "a refusal that withdraws the claim",
    most=1,
    workers=2,
    ids=4,
    readers=8,
    arrivals=(0.0, 0.0, 1.0),
    asks=1.0,
    leaves=(0.0,),
    first=19,
)
def keep_refused_claims(patch: Patch) -> None:
    patch.setattr(StoreWriter, "withdraw", lambda self, id_: self._claims.pop(id_, None))


@without(
    "a lease that is renewed by itself",
    "is slow at",
    workers=2,
    ids=1,
    readers=4,
    slow_at="has_readers",
    leaves=(0.3,),
    first=22,
)
def renew_beside_other_work(patch: Patch) -> None:
    def renew_periodically(self: WorkerLease) -> None:
        while True:
            with store_writer.log_failures("all of it", on_store_unavailable=self.pause_failure_detection):
                self._renew()
                self._store.has_readers(self._worker)
                self._store.delete_expired()
            gevent.sleep(LEASE_RENEWAL_INTERVAL)

    patch.setattr(WorkerLease, "_renew_periodically", renew_periodically)


@without(
    "a lease renewal that survives unexpected exceptions",
    "is odd",
    workers=2,
    ids=1,
    readers=8,
    paces=(0.5,),
    leaves=(0.3,),
    first=33,
)
def die_of_unexpected_exception(patch: Patch) -> None:
    def renew_periodically(self: WorkerLease) -> None:
        while True:
            try:
                self._renew()
                self._store.has_readers(self._worker)
            except StoreUnavailable:
                self.pause_failure_detection()
            gevent.sleep(LEASE_RENEWAL_INTERVAL)

    patch.setattr(WorkerLease, "_renew_periodically", renew_periodically)


@without("operations that fail each by itself", "is odd", "is small", ids=4, readers=8, first=6)
def let_one_stop_all(patch: Patch) -> None:
    def run(self: PendingOperations, id_: str) -> None:
        operation = self._operations.get(id_)
        if operation is not None and operation():
            self._operations.pop(id_, None)

    def maintain(self: StoreWriter) -> None:
        while True:
            self.pending.run_all()
            gevent.sleep(LEASE_RENEWAL_INTERVAL)

    patch.setattr(PendingOperations, "run", run)
    patch.setattr(StoreWriter, "_maintain", maintain)


@without("an event that fails its stream alone", first=1)
def lose_the_batch(patch: Patch) -> None:
    prepare = WriteQueue._prepare

    def encode_and_prepare(self: WriteQueue, queue: Any) -> bool:
        if queue.events:
            encode(queue.events)
        return prepare(self, queue)

    patch.setattr(WriteQueue, "_prepare", encode_and_prepare)
    patch.setattr(WriteQueue, "_requeue", lambda *_: None)


@without("one session for one id", "is emptied", "goes away", **ALL_ASK_FOR_ONE, first=12)
def open_a_second(patch: Patch) -> None:
    patch.setattr(ResumableStreams, "_end_earlier", lambda *_: None)
    opened = StreamRegistry.open

    def open_it(self: StreamRegistry, context: Any, source: Any, *, stored_id: str | None = None) -> StreamSession:
        self._open.pop(stored_id, None)  # type: ignore[arg-type]
        return opened(self, context, source, stored_id=stored_id)

    patch.setattr(StreamRegistry, "open", open_it)


@without(
    "a new worker that does not detect failures at once",
    "goes away",
    workers=2,
    ids=1,
    readers=8,
    happens=("go_away",),
    first=81,
)
def detect_at_once(patch: Patch) -> None:
    def start_in_background(self: WorkerLease) -> None:
        if self._renewing is None:
            self._renewing = gevent.spawn(self._renew_periodically)

    patch.setattr(WorkerLease, "start_in_background", start_in_background)
    patch.setattr(WorkerLease, "pause_failure_detection", lambda _: None)


@without(
    "a reader whose presence is renewed by a greenlet of its own",
    workers=2,
    ids=1,
    readers=2,
    grace=2.0,
    buffer=600,
    paces=(9.0,),
    leaves=(0.3,),
    first=137,
)
def renew_while_reading(patch: Patch) -> None:
    patch.setattr(StoredStreamReader, "_renew_presence", lambda _: None)
    read = StoredStreamReader._read

    def renew_and_read(self: StoredStreamReader) -> bool:
        now = time.monotonic()
        if now > getattr(self, "_until", 0.0) - READER_TTL / 2:
            self._store.add_reader(self.id, self._reader_id, READER_TTL)
            self._until = now + READER_TTL  # type: ignore[attr-defined]
        return read(self)

    patch.setattr(StoredStreamReader, "_read", renew_and_read)


@without(
    "a pending operation that stays when a later claim of its id fails",
    "loses answers",
    **ALL_ASK_FOR_ONE,
    end="unwritable",
    first=140,
)
def replace_pending_operation(patch: Patch) -> None:
    patch.setattr(PendingOperations, "schedule_if_absent", PendingOperations.schedule)


@without(
    "an acquisition that may have been executed without an answer",
    "loses answers",
    workers=3,
    ids=1,
    readers=8,
    happens=("kill",),
    first=158,
)
def forget_acquisition(patch: Patch) -> None:
    def acquire_and_finish(self: StoreWriter, record: Any, ending: Any) -> None:
        if self.store.acquire(record.claim.id, record.claim.worker, self.worker):
            self.finish_stream(record.claim.id, ending)

    patch.setattr(StoreWriter, "acquire_and_finish", acquire_and_finish)


@without(
    "an earlier stream whose events are not the next one's",
    "goes away",
    "hangs",
    "is emptied",
    "is slow at",
    "loses answers",
    **ALL_ASK_FOR_ONE,
    first=19,
)
def keep_the_earlier_one(patch: Patch) -> None:
    patch.setattr(StoreWriter, "_detach_earlier", lambda *_: None)
