"""Mutations after which a reader gets events twice, or misses some."""

from __future__ import annotations

from typing import Any

from flask_headrace.core.events import Event
from flask_headrace.streaming import resumable_streams
from flask_headrace.streaming.buffer import EventBuffer
from flask_headrace.streaming.resume import cursor, orphans, store_writer, stored_reader, write_queue
from flask_headrace.streaming.resume.event_codec import decode, encode
from flask_headrace.streaming.resume.store_writer import StoreWriter
from flask_headrace.streaming.resume.stored_events import events_after, failure_events
from flask_headrace.streaming.resume.stored_reader import StoredStreamReader
from flask_headrace.streaming.resume.write_queue import WriteQueue
from flask_headrace.streaming.session import StreamSession
from flask_headrace.streaming.stores.base import EventBatch
from flask_headrace.streaming.stream_lookup import StreamLookup
from tests.streaming.simulation.mutations import Patch, without


@without(
    "positions that are computed, and a sink that is detached last", "goes away", "is emptied", "is small", first=16
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

    def give_up(self: StoreWriter, session: StreamSession, error: Any) -> None:
        if self.claim_of(session) is not None:
            self.pending.schedule(
                session.id, lambda: self._finish(session.id, failure_events(error), [], is_orphan=False)
            )
            if session.is_stored:
                session.detach_store()
            self._detach(session)

    patch.setattr(EventBuffer, "pop_after", pop_after)
    patch.setattr(StoreWriter, "_give_up", give_up)
    patch.setattr(StreamSession, "detach_store", detach_store)


@without("detected gaps", "evicts", first=6)
def pass_over_gaps(patch: Patch) -> None:
    def events_beyond(entry: EventBatch, number: int, incarnation: str) -> list[Event]:
        return decode(entry.payload[len(incarnation) :])[max(0, number + 1 - entry.first) :]

    def take_in(self: StoredStreamReader, entries: list[EventBatch]) -> None:
        for entry in entries:
            events = events_beyond(entry, self._position, self.context.incarnation)
            self._position = max(self._position, entry.first - 1)
            if events:
                self._add(events)

    def read(self: StoredStreamReader) -> bool:
        entries = self._store.read(self.id, self._position, stored_reader.MAX_READ_BYTES)
        take_in(self, entries)
        return bool(entries)

    patch.setattr(StoredStreamReader, "_read", read)


@without("a detected loss of the end", "evicts", workers=2, ids=1, readers=8, first=14)
def wait_for_what_is_gone(patch: Patch) -> None:
    def check_record(self: StoredStreamReader) -> None:
        record = self._store.find(self.id)
        if record is None:
            self.error = self._not_found(self.id)
            self.stop_reading()
        elif not record.is_finished and self._store_writer.lease.is_worker_dead(record.claim.worker):
            stored_reader.finish_orphaned(self._store_writer, record)

    patch.setattr(StoredStreamReader, "_check_record", check_record)


@without("an ending whose numbers are offset", first=13)
def give_numbers_again(patch: Patch) -> None:
    init = StoredStreamReader.__init__

    def begin(self: StoredStreamReader, *arguments: Any, offset: int = 0, offset_from: int = 0, **more: Any) -> None:
        init(self, *arguments, **more)

    patch.setattr(StoredStreamReader, "__init__", begin)
    reader_after = resumable_streams._reader_after

    def at_what_is_known(stream: Any, after: int, *, is_whole: bool) -> Any:
        return reader_after(stream, getattr(stream, "_start", after), is_whole=is_whole)

    patch.setattr(resumable_streams, "_reader_after", at_what_is_known)


@without("events that are queued while the store is away", "goes away", first=5)
def drop_at_once(patch: Patch) -> None:
    def requeue(self: WriteQueue, queues: list[Any], error: Exception) -> None:
        for queue in queues:
            self._queues.pop(queue.session.id, None)
            self._unwritten.pop(queue.session.id, None)

    patch.setattr(WriteQueue, "_requeue", requeue)


@without("a lookup of the stored events before they are sent again", "loses answers", "goes away", first=4)
def send_again(patch: Patch) -> None:
    def drop_written(_self: WriteQueue, queue: Any) -> None:
        queue.away_since = None

    patch.setattr(WriteQueue, "_drop_written", drop_written)


@without("cursors that name their incarnation", "is emptied", "goes away", ids=1, readers=8, first=14)
def count_alone(patch: Patch) -> None:
    patch.setattr(cursor, "check_incarnation", lambda *_: None)
    session = StreamLookup.session
    patch.setattr(StreamLookup, "session", lambda self, id_, _incarnation="": session(self, id_))


@without(
    "batches that name their incarnation",
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
    patch.setattr(write_queue, "encode_payload", lambda events, _incarnation: encode(events))
    patch.setattr(store_writer, "encode_payload", lambda events, _incarnation: encode(events))
    for reading in (cursor, orphans, stored_reader):
        patch.setattr(reading, "events_after", lambda entry, number, _incarnation: events_after(entry, number, ""))
    patch.setattr(StoredStreamReader, "_is_replaced", lambda _: False)
