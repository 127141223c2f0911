"""The engine with one of its mends taken out: what the simulation must find, or it finds nothing else either."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gevent
import pytest
from flask_headrace.streaming import journal, replica, resumption
from flask_headrace.streaming.deadlines import Deadlines
from flask_headrace.streaming.encoding import decode, encode
from flask_headrace.streaming.errors import StoreUnavailable
from flask_headrace.streaming.events import Event
from flask_headrace.streaming.grace import Grace
from flask_headrace.streaming.journal import Journal, ended_by
from flask_headrace.streaming.lease import PULSE, Lease
from flask_headrace.streaming.log import Log
from flask_headrace.streaming.outbox import Outbox
from flask_headrace.streaming.owed import Owed
from flask_headrace.streaming.replica import ATTENDANCE, Replica
from flask_headrace.streaming.resumption import Resumption
from flask_headrace.streaming.session import Session
from flask_headrace.streaming.stores.base import Entry
from flask_headrace.streaming.streams import Streams

Patch = pytest.MonkeyPatch

MUTATIONS: dict[str, Mutation] = {}


@dataclass(frozen=True)
class Mutation:
    """A mend, how it is taken out, and the kinds of trouble in which that shows."""

    name: str
    apply: Callable[[Patch], None]
    kinds: set[str]
    shape: dict[str, Any]


def without(name: str, *kinds: str, **shape: Any) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Name what is taken out, and the trouble in which it is missed."""

    def keep(apply: Callable[[Patch], None]) -> Callable[[Patch], None]:
        MUTATIONS[name] = Mutation(name, apply, set(kinds), shape)
        return apply

    return keep


# Twice, or with holes


@without(
    "positions that are reckoned, and a keeper that is let go of last",
    "is emptied",
    ids=1,
    workers=1,
    readers=1,
    paces=(0.0,),
    leaves=(0.0,),
)
def take_by_order(patch: Patch) -> None:
    def take(self: Log, _number: int) -> list[Event]:
        events, self._events, self.size = self._events, [], 0
        return events

    def keep_no_more(self: Session) -> None:
        keeper, self.keeper = self.keeper, None
        if keeper is not None:
            keeper.let_go(self)
        self._forget()
        if not self._followers:
            self.cancel("reader_left")

    def lose(self: Journal, session: Session, error: Any) -> None:
        if self.claim_of(session) is not None:
            self.owed.owe(session.id, lambda: self._end(session.id, ended_by(error)))
            if session.is_kept:
                session.keep_no_more()
            self._forget(session)

    patch.setattr(Log, "take", take)
    patch.setattr(Journal, "_lose", lose)
    patch.setattr(Session, "keep_no_more", keep_no_more)


@without("gaps that are seen", "evicts")
def pass_over_gaps(patch: Patch) -> None:
    def events_beyond(entry: Entry, number: int) -> list[Event]:
        return decode(entry.payload)[max(0, number + 1 - entry.first) :]

    def take_in(self: Replica, entries: list[Entry]) -> None:
        for entry in entries:
            events = events_beyond(entry, self._read_to)
            self._read_to = max(self._read_to, entry.first - 1)
            if events:
                self._take_in(events)

    def read(self: Replica) -> bool:
        entries = self._store.read(self.id, self._read_to, replica.MOST_READ)
        take_in(self, entries)
        return bool(entries)

    patch.setattr(Replica, "_read", read)


@without("a hole at the end that is seen", "evicts", workers=2, ids=1, readers=8)
def wait_for_what_is_gone(patch: Patch) -> None:
    def look(self: Replica) -> None:
        record = self._store.find(self.id)
        if record is None:
            self.error = self._missing(self.id)
            self.cut()
        elif not record.is_finished and self._journal.lease.has_lost(record.claim.worker):
            replica.bury(self._journal, record)

    patch.setattr(Replica, "_look", look)


@without("numbers of an end that are moved ahead")
def give_numbers_again(patch: Patch) -> None:
    init = Replica.__init__

    def begin(self: Replica, *arguments: Any, ahead: int = 0, ahead_from: int = 0, **more: Any) -> None:
        init(self, *arguments, **more)

    patch.setattr(Replica, "__init__", begin)
    place = resumption._place

    def at_what_is_known(stream: Any, after: int, *, is_whole: bool) -> Any:
        return place(stream, getattr(stream, "_begun_after", after), is_whole=is_whole)

    patch.setattr(resumption, "_place", at_what_is_known)


@without("events that wait for a store that is away", "goes away")
def drop_at_once(patch: Patch) -> None:
    def wait_with(self: Outbox, mails: list[Any], error: Exception) -> None:
        for mail in mails:
            self._mail.pop(mail.session.id, None)
            self._due.pop(mail.session.id, None)

    patch.setattr(Outbox, "_wait_with", wait_with)


@without("a look at what the store has before it is sent again", "loses answers", "goes away")
def send_again(patch: Patch) -> None:
    def compare(_self: Outbox, mail: Any) -> None:
        mail.away_since = None

    patch.setattr(Outbox, "_compare", compare)


# Ends that are wrong, or never come


@without("a claim that forgets that one failed", "refuses", "loses answers")
def remember_failed_claims(patch: Patch) -> None:
    claim = Journal.claim

    def claim_and_remember(self: Journal, wanted: Any, name: str | None = None) -> Any:
        try:
            return claim(self, wanted, name)
        except StoreUnavailable as error:
            failure = error
            self.owed.owe(wanted.id, lambda: self._end(wanted.id, ended_by(failure)))
            raise

    patch.setattr(Journal, "claim", claim_and_remember)
    patch.setattr(Owed, "forget", lambda *_: None)


@without("a refusal that withdraws the claim", most=1, workers=2, ids=2, readers=8, arrivals=(0.0, 0.0, 1.0), asks=1.0)
def keep_refused_claims(patch: Patch) -> None:
    patch.setattr(Journal, "withdraw", lambda self, id_: self._claims.pop(id_, None))


@without(
    "a lease that is renewed by itself", "is slow at", workers=2, ids=1, readers=4, slow_at="has_readers", leaves=(0.3,)
)
def renew_beside_other_work(patch: Patch) -> None:
    def renew_on(self: Lease) -> None:
        while True:
            with journal.reported("all of it", on_trouble=self.doubt):
                self._renew()
                self._store.has_readers(self._worker)
                self._store.sweep()
            gevent.sleep(PULSE)

    patch.setattr(Lease, "_renew_on", renew_on)


@without("a pulse that survives what nobody expected", "is odd", workers=2, ids=1, readers=4, leaves=(0.3,))
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


@without("ids that fail each by itself", "is odd", "is small", ids=4, readers=8)
def let_one_stop_all(patch: Patch) -> None:
    def settle(self: Owed, id_: str) -> None:
        step = self._steps.get(id_)
        if step is not None and step():
            self._steps.pop(id_, None)

    def tend(self: Journal) -> None:
        while True:
            self.owed.settle_all()
            gevent.sleep(PULSE)

    patch.setattr(Owed, "settle", settle)
    patch.setattr(Journal, "_tend", tend)


@without("an event that fails its stream alone")
def lose_the_batch(patch: Patch) -> None:
    ready = Outbox._is_ready

    def is_ready(self: Outbox, mail: Any) -> bool:
        if mail.events:
            encode(mail.events)
        return ready(self, mail)

    patch.setattr(Outbox, "_is_ready", is_ready)
    patch.setattr(Outbox, "_wait_with", lambda *_: None)


@without("one session for one id", "is emptied", "goes away", workers=1, ids=1, readers=8, asks=1.0)
def open_a_second(patch: Patch) -> None:
    patch.setattr(Resumption, "_end_earlier", lambda *_: None)
    opened = Streams.open

    def open_it(self: Streams, target: Any, source: Any, *, kept_as: str | None = None) -> Session:
        self._open.pop(kept_as, None)  # type: ignore[arg-type]
        return opened(self, target, source, kept_as=kept_as)

    patch.setattr(Streams, "open", open_it)


@without(
    "a fresh worker that does not judge at once",
    "goes away",
    workers=2,
    ids=2,
    readers=8,
    happens=("go_away", "go_away", "hire"),
)
def judge_at_once(patch: Patch) -> None:
    def begin_soon(self: Lease) -> None:
        if self._renewing is None:
            self._renewing = gevent.spawn(self._renew_on)

    patch.setattr(Lease, "begin_soon", begin_soon)
    patch.setattr(Lease, "doubt", lambda _: None)


@without(
    "a grace that has no say once a reader is back", workers=1, ids=1, readers=1, leaves=(0.5,), paces=(0.0,), asks=1.0
)
def cancel_all_the_same(patch: Patch) -> None:
    def run(self: Grace, keeper: Any) -> None:
        session = self._session
        over = time.monotonic() + session.limits.grace
        while (left := over - time.monotonic()) > 0:
            gevent.sleep(min(left, 1.0))
            if keeper.is_attended(session):
                over = time.monotonic() + session.limits.grace
        self._running = None
        session.cancel("reader_left")

    patch.setattr(Grace, "_run", run)


@without(
    "a reader that is attended by a greenlet of its own",
    workers=2,
    ids=1,
    readers=2,
    grace=2.0,
    buffer=600,
    paces=(9.0,),
    leaves=(0.3,),
)
def attend_while_filling(patch: Patch) -> None:
    patch.setattr(Replica, "_attend_on", lambda _: None)
    read = Replica._read

    def attend_and_read(self: Replica) -> bool:
        now = time.monotonic()
        if now > getattr(self, "_until", 0.0) - ATTENDANCE / 2:
            self._store.attend(self.id, self._reader, ATTENDANCE)
            self._until = now + ATTENDANCE  # type: ignore[attr-defined]
        return read(self)

    patch.setattr(Replica, "_read", attend_and_read)


@without("limits of one who comes after the end")
def set_no_limits_after_the_end(patch: Patch) -> None:
    def stop(self: Deadlines) -> None:
        self._longest_blind = None
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None

    patch.setattr(Deadlines, "stop", stop)


# Found by the simulation itself


@without(
    "what is owed for a stream when a later claim of its id fails",
    "loses answers",
    workers=1,
    ids=1,
    readers=8,
    asks=1.0,
    end="unwritable",
)
def forget_what_is_owed(patch: Patch) -> None:
    patch.setattr(Owed, "owe_first", Owed.owe)


@without(
    "a taking over that may have been done without an answer",
    "loses answers",
    workers=3,
    ids=1,
    readers=8,
    leaves=(0.05,),
    paces=(0.0, 0.5),
    happens=("kill", "kill", "kill"),
)
def forget_a_taking_over(patch: Patch) -> None:
    def take_over(self: Journal, record: Any, ending: Any) -> None:
        if self.store.take_over(record.claim.id, record.claim.worker, self.worker):
            self.conclude(record.claim.id, ending)

    patch.setattr(Journal, "take_over", take_over)


@without(
    "an earlier stream whose events are not the next one's",
    "is emptied",
    "goes away",
    "hangs",
    workers=1,
    ids=1,
    readers=8,
    asks=1.0,
)
def leave_the_earlier_one(patch: Patch) -> None:
    patch.setattr(Journal, "_forget_earlier", lambda *_: None)


@without("a limit of the wait for what never comes", "rewinds")
def wait_for_ever(patch: Patch) -> None:
    patch.setattr(Replica, "_has_waited_for_nothing", lambda _: False)
