"""Mends taken out without which an end is wrong, or never comes."""

from __future__ import annotations

import time
from typing import Any

import gevent

from flask_headrace.core.errors import StoreUnavailable
from flask_headrace.streaming.registry import StreamRegistry
from flask_headrace.streaming.resumable_streams import ResumableStreams
from flask_headrace.streaming.resume import store_writer
from flask_headrace.streaming.resume.event_codec import encode
from flask_headrace.streaming.resume.lease import PULSE, Lease
from flask_headrace.streaming.resume.pending_operations import Owed
from flask_headrace.streaming.resume.store_writer import StoreWriter, ended_by
from flask_headrace.streaming.resume.stored_reader import ATTENDANCE, StoredStreamReader
from flask_headrace.streaming.resume.write_queue import Outbox
from flask_headrace.streaming.session import StreamSession
from tests.streaming.simulation.mutations import Patch, without

ALL_ASK_FOR_ONE: dict[str, Any] = {"workers": 1, "ids": 1, "readers": 8, "asks": 1.0}
"""The shape of a run in which all readers ask for the same stream, at one worker."""


@without("a claim that forgets that one failed", "refuses", "loses answers")
def remember_failed_claims(patch: Patch) -> None:
    claim = StoreWriter.claim

    def claim_and_remember(self: StoreWriter, wanted: Any, name: str | None = None) -> Any:
        try:
            return claim(self, wanted, name)
        except StoreUnavailable as error:
            failure = error
            self.owed.owe(wanted.id, lambda: self._end(wanted.id, ended_by(failure)))
            raise

    patch.setattr(StoreWriter, "claim", claim_and_remember)
    patch.setattr(Owed, "forget", lambda *_: None)


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
    def renew_on(self: Lease) -> None:
        while True:
            with store_writer.log_failures("all of it", on_store_unavailable=self.doubt):
                self._renew()
                self._store.has_readers(self._worker)
                self._store.delete_expired()
            gevent.sleep(PULSE)

    patch.setattr(Lease, "_renew_on", renew_on)


@without(
    "a pulse that survives what nobody expected",
    "is odd",
    workers=2,
    ids=1,
    readers=8,
    paces=(0.5,),
    leaves=(0.3,),
    first=33,
)
def die_of_a_surprise(patch: Patch) -> None:
    def renew_on(self: Lease) -> None:
        while True:
            try:
                self._renew()
                self._store.has_readers(self._worker)
            except StoreUnavailable:
                self.doubt()
            gevent.sleep(PULSE)

    patch.setattr(Lease, "_renew_on", renew_on)


@without("ids that fail each by itself", "is odd", "is small", ids=4, readers=8, first=6)
def let_one_stop_all(patch: Patch) -> None:
    def settle(self: Owed, id_: str) -> None:
        step = self._steps.get(id_)
        if step is not None and step():
            self._steps.pop(id_, None)

    def tend(self: StoreWriter) -> None:
        while True:
            self.owed.settle_all()
            gevent.sleep(PULSE)

    patch.setattr(Owed, "settle", settle)
    patch.setattr(StoreWriter, "_tend", tend)


@without("an event that fails its stream alone", first=1)
def lose_the_batch(patch: Patch) -> None:
    ready = Outbox._is_ready

    def is_ready(self: Outbox, mail: Any) -> bool:
        if mail.events:
            encode(mail.events)
        return ready(self, mail)

    patch.setattr(Outbox, "_is_ready", is_ready)
    patch.setattr(Outbox, "_wait_with", lambda *_: None)


@without("one session for one id", "is emptied", "goes away", **ALL_ASK_FOR_ONE, first=12)
def open_a_second(patch: Patch) -> None:
    patch.setattr(ResumableStreams, "_end_earlier", lambda *_: None)
    opened = StreamRegistry.open

    def open_it(self: StreamRegistry, context: Any, source: Any, *, stored_id: str | None = None) -> StreamSession:
        self._open.pop(stored_id, None)  # type: ignore[arg-type]
        return opened(self, context, source, stored_id=stored_id)

    patch.setattr(StreamRegistry, "open", open_it)


@without(
    "a fresh worker that does not judge at once",
    "goes away",
    workers=2,
    ids=1,
    readers=8,
    happens=("go_away",),
    first=81,
)
def judge_at_once(patch: Patch) -> None:
    def begin_soon(self: Lease) -> None:
        if self._renewing is None:
            self._renewing = gevent.spawn(self._renew_on)

    patch.setattr(Lease, "begin_soon", begin_soon)
    patch.setattr(Lease, "doubt", lambda _: None)


@without(
    "a reader that is attended by a greenlet of its own",
    workers=2,
    ids=1,
    readers=2,
    grace=2.0,
    buffer=600,
    paces=(9.0,),
    leaves=(0.3,),
    first=137,
)
def attend_while_filling(patch: Patch) -> None:
    patch.setattr(StoredStreamReader, "_attend_on", lambda _: None)
    read = StoredStreamReader._read

    def attend_and_read(self: StoredStreamReader) -> bool:
        now = time.monotonic()
        if now > getattr(self, "_until", 0.0) - ATTENDANCE / 2:
            self._store.add_reader(self.id, self._reader, ATTENDANCE)
            self._until = now + ATTENDANCE  # type: ignore[attr-defined]
        return read(self)

    patch.setattr(StoredStreamReader, "_read", attend_and_read)


@without(
    "what is owed for a stream when a later claim of its id fails",
    "loses answers",
    **ALL_ASK_FOR_ONE,
    end="unwritable",
    first=140,
)
def forget_what_is_owed(patch: Patch) -> None:
    patch.setattr(Owed, "owe_else", Owed.owe)


@without(
    "a taking over that may have been done without an answer",
    "loses answers",
    workers=3,
    ids=1,
    readers=8,
    happens=("kill",),
    first=158,
)
def forget_a_taking_over(patch: Patch) -> None:
    def take_over(self: StoreWriter, record: Any, ending: Any) -> None:
        if self.store.acquire(record.claim.id, record.claim.worker, self.worker):
            self.conclude(record.claim.id, ending)

    patch.setattr(StoreWriter, "take_over", take_over)


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
def leave_the_earlier_one(patch: Patch) -> None:
    patch.setattr(StoreWriter, "_forget_earlier", lambda *_: None)
