"""Mends taken out without which a reader gets events twice, or with holes."""

from __future__ import annotations

from typing import Any

from flask_headrace.core.events import Event
from flask_headrace.streaming import resumable_streams
from flask_headrace.streaming.buffer import EventBuffer
from flask_headrace.streaming.resumable_streams import ResumableStreams
from flask_headrace.streaming.resume import cursor, store_writer, stored_reader, write_queue
from flask_headrace.streaming.resume.event_codec import decode, encode
from flask_headrace.streaming.resume.store_writer import StoreWriter, ended_by
from flask_headrace.streaming.resume.stored_events import events_beyond
from flask_headrace.streaming.resume.stored_reader import StoredStreamReader
from flask_headrace.streaming.resume.write_queue import Outbox
from flask_headrace.streaming.session import StreamSession
from flask_headrace.streaming.stores.base import EventBatch
from tests.streaming.simulation.mutations import Patch, without


@without(
    "positions that are reckoned, and a sink that is detached last", "goes away", "is emptied", "is small", first=16
)
def take_by_order(patch: Patch) -> None:
    def pop_after(self: EventBuffer, _number: int) -> list[Event]:
        events, self._events, self.size = self._events, [], 0
        return events

    def detach_store(self: StreamSession) -> None:
        sink, self.sink = self.sink, None
        if sink is not None:
            sink.detach(self)
        self._discard_read()
        if not self._readers:
            self.cancel("reader_left")

    def lose(self: StoreWriter, session: StreamSession, error: Any) -> None:
        if self.claim_of(session) is not None:
            self.owed.owe(session.id, lambda: self._end(session.id, ended_by(error)))
            if session.is_stored:
                session.detach_store()
            self._forget(session)

    patch.setattr(EventBuffer, "pop_after", pop_after)
    patch.setattr(StoreWriter, "_lose", lose)
    patch.setattr(StreamSession, "detach_store", detach_store)


@without("gaps that are seen", "evicts", first=6)
def pass_over_gaps(patch: Patch) -> None:
    def events_beyond(entry: EventBatch, number: int, incarnation: str) -> list[Event]:
        return decode(entry.payload[len(incarnation) :])[max(0, number + 1 - entry.first) :]

    def take_in(self: StoredStreamReader, entries: list[EventBatch]) -> None:
        for entry in entries:
            events = events_beyond(entry, self._read_to, self.context.incarnation)
            self._read_to = max(self._read_to, entry.first - 1)
            if events:
                self._take_in(events)

    def read(self: StoredStreamReader) -> bool:
        entries = self._store.read(self.id, self._read_to, stored_reader.MOST_READ)
        take_in(self, entries)
        return bool(entries)

    patch.setattr(StoredStreamReader, "_read", read)


@without("a hole at the end that is seen", "evicts", workers=2, ids=1, readers=8, first=14)
def wait_for_what_is_gone(patch: Patch) -> None:
    def look(self: StoredStreamReader) -> None:
        record = self._store.find(self.id)
        if record is None:
            self.error = self._missing(self.id)
            self.cut()
        elif not record.is_finished and self._journal.lease.has_lost(record.claim.worker):
            stored_reader.bury(self._journal, record)

    patch.setattr(StoredStreamReader, "_look", look)


@without("numbers of an end that are moved ahead", first=13)
def give_numbers_again(patch: Patch) -> None:
    init = StoredStreamReader.__init__

    def begin(self: StoredStreamReader, *arguments: Any, ahead: int = 0, ahead_from: int = 0, **more: Any) -> None:
        init(self, *arguments, **more)

    patch.setattr(StoredStreamReader, "__init__", begin)
    place = resumable_streams._place

    def at_what_is_known(stream: Any, after: int, *, is_whole: bool) -> Any:
        return place(stream, getattr(stream, "_begun_after", after), is_whole=is_whole)

    patch.setattr(resumable_streams, "_place", at_what_is_known)


@without("events that wait for a store that is away", "goes away", first=5)
def drop_at_once(patch: Patch) -> None:
    def wait_with(self: Outbox, mails: list[Any], error: Exception) -> None:
        for mail in mails:
            self._mail.pop(mail.session.id, None)
            self._due.pop(mail.session.id, None)

    patch.setattr(Outbox, "_wait_with", wait_with)


@without("a look at what the store has before it is sent again", "loses answers", "goes away", first=4)
def send_again(patch: Patch) -> None:
    def compare(_self: Outbox, mail: Any) -> None:
        mail.away_since = None

    patch.setattr(Outbox, "_compare", compare)


@without("positions that name their stream", "is emptied", "goes away", ids=1, readers=8, first=14)
def count_alone(patch: Patch) -> None:
    patch.setattr(cursor, "refuse_replaced", lambda *_: None)
    local = ResumableStreams._local
    patch.setattr(ResumableStreams, "_local", lambda self, id_, _incarnation="": local(self, id_))


@without(
    "entries that name their stream",
    "is emptied",
    workers=2,
    ids=1,
    readers=8,
    most=20,
    asks=0.8,
    arrivals=(0.0, 1.0, 3.0, 5.0, 7.0),
    paces=(0.0,),
    happens=("empty", "empty", "empty"),
    first=161,
)
def read_any_entry(patch: Patch) -> None:
    patch.setattr(write_queue, "payload_of", lambda events, _incarnation: encode(events))
    patch.setattr(store_writer, "payload_of", lambda events, _incarnation: encode(events))
    for reading in (cursor, stored_reader):
        patch.setattr(reading, "events_beyond", lambda entry, number, _incarnation: events_beyond(entry, number, ""))
    patch.setattr(StoredStreamReader, "_is_replaced", lambda _: False)
