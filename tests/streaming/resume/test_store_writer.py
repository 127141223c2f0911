"""What is written to the store, when, and what happens to a stream that the store refuses."""

from __future__ import annotations

from contextlib import suppress

import gevent
import msgspec
import pytest

from flask_headrace.core.errors import StoreUnavailable
from flask_headrace.core.events import Cancelled, Event, Failed, TextDelta, ToolCallCompleted, ToolCallStarted, Usage
from flask_headrace.streaming.resume.event_codec import decode, encode
from flask_headrace.streaming.resume.stored_reader import finish_orphaned
from flask_headrace.streaming.stores.base import StoreLimits
from flask_headrace.streaming.stores.memory import MemoryStore
from tests.streaming.resume.workers import Away, Worker, is_finished, stored_events
from tests.streaming.stage import DONE, Source, text
from tests.support.event_loop import settle, until

pytestmark = pytest.mark.usefixtures("short_intervals")


class TestWriting:
    def test_keeps_what_readers_get(self, store: Away) -> None:
        worker = Worker(store)
        reading = worker.begin(Source(text("a", "b"), text("c"), [DONE]))
        events = reading.read()
        until(lambda: is_finished(store, reading.id))
        assert stored_events(store, reading.id) == events
        assert store.find(reading.id).last == 6

    def test_collects_what_comes_at_once(self, store: Away) -> None:
        worker = Worker(store)
        sources = [Source(*[text(str(n)) for n in range(100)], [DONE]) for _ in range(5)]
        readings = [worker.begin(source) for source in sources]
        for reading in readings:
            reading.read()
        worker.store_writer.flush(5)
        assert all(stored_events(store, reading.id) == reading.events for reading in readings)
        assert store.calls.count("append") < 50

    def test_is_waited_for_at_the_drain(self, store: Away) -> None:
        worker = Worker(store)
        source = Source(text("a"))
        reading = worker.begin(source)
        until(lambda: reading.last == 2)
        source.give(*[text(str(n)) for n in range(100)], [DONE])
        worker.streams.drain(5)
        assert is_finished(store, reading.id)
        assert stored_events(store, reading.id) == reading.events

    def test_holds_up_no_stream(self, store: Away, monkeypatch: pytest.MonkeyPatch) -> None:
        worker, source = Worker(store), Source(text("a"))
        reading = worker.begin(source)
        until(lambda: reading.last == 2)
        monkeypatch.setattr(worker.store_writer.store, "append", lambda *_: gevent.sleep(60), raising=False)
        source.give(text("b"), text("c"), [DONE])
        assert len(reading.read()) == 6


def test_integers_of_any_size_are_kept(store: Away) -> None:
    worker, other = Worker(store), Worker(store)
    call: list[Event] = [
        ToolCallStarted(0, "c1", "find"),
        ToolCallCompleted(0, {"q": 10**20, "p": [-(10**30)], "ö": None}),
    ]
    reading = worker.begin(Source(text("a"), call, [DONE]))
    events = reading.read()
    until(lambda: is_finished(store, reading.id))
    assert stored_events(store, reading.id) == events
    assert other.follow(reading.id).read() == events


@pytest.mark.parametrize("big", [1, 10**20])
def test_what_is_read_is_what_was_written(big: int) -> None:
    call = ToolCallCompleted(0, {"a": [big, 0.5, "[", {}]})
    events: list[Event] = [TextDelta("ö🌊\0"), call, Usage(9, 2, cost=0.5), DONE]
    assert decode(encode(events)) == events


class TestRefusal:
    def test_of_what_cannot_be_written_does_not_touch_other_streams(self, store: Away) -> None:
        worker = Worker(store)
        strange, other = Source(), Source()
        first, second = worker.begin(strange), worker.begin(other)
        strange.give([ToolCallStarted(0, "c1", "find"), ToolCallCompleted(0, {"q": object()})], [DONE])
        other.give(text("a", "b"), [DONE])
        assert len(first.read()) == 5
        events = second.read()
        until(lambda: is_finished(store, second.id) and is_finished(store, first.id))
        assert stored_events(store, second.id) == events
        assert [type(event) for event in stored_events(store, first.id)][-1] is Failed

    def test_makes_a_stream_plain_and_ends_it_in_the_store(self) -> None:
        store = MemoryStore(StoreLimits(stream_bytes=200))
        worker, source = Worker(store), Source(text("a"))
        reading = worker.begin(source)
        until(lambda: stored_events(store, reading.id))
        source.give(text("x" * 300))
        until(lambda: not reading.reader.session.is_stored)
        until(lambda: is_finished(store, reading.id))
        assert stored_events(store, reading.id)[-1].code == "not_resumable"
        source.give(text("y"), [DONE])
        assert reading.read()[-1] == DONE
        assert stored_events(store, reading.id)[-1].code == "not_resumable"

    def test_of_the_last_entry_ends_it_there_too(self) -> None:
        store = MemoryStore(StoreLimits(stream_bytes=200))
        worker, source = Worker(store), Source(text("x" * 5000), [DONE])
        reading = worker.begin(source)
        assert reading.read()[-1] == DONE
        until(lambda: is_finished(store, reading.id))
        assert stored_events(store, reading.id)[-1].code == "not_resumable"

    def test_of_its_end_there_is_not_the_last_word(self, monkeypatch: pytest.MonkeyPatch) -> None:
        store = MemoryStore(StoreLimits())
        worker, source = Worker(store), Source(text("a"))
        reading = worker.begin(source)
        until(lambda: stored_events(store, reading.id))
        find, looks = store.find, []

        def find_too_early(id_):
            # As where an append was still under way: the end would not come next.
            looks.append(id_)
            record = find(id_)
            return msgspec.structs.replace(record, last=record.last - 1) if len(looks) == 1 else record

        monkeypatch.setattr(store, "find", find_too_early)
        reading.reader.session.detach_store()
        until(lambda: len(looks) > 1 and stored_events(store, reading.id)[-1] != text("a")[0])
        assert stored_events(store, reading.id)[-1].code == "not_resumable"

    def test_of_a_stream_that_another_worker_has_taken_over_changes_nothing_there(self) -> None:
        store = MemoryStore(StoreLimits())
        worker, source = Worker(store), Source(text("a"))
        reading = worker.begin(source)
        until(lambda: stored_events(store, reading.id))
        store._leases.clear()
        assert store.acquire(reading.id, worker.store_writer.worker, "heir")
        source.give(text("b"))
        until(lambda: not reading.reader.session.is_stored)
        gevent.sleep(0.3)
        assert not is_finished(store, reading.id)
        source.give([DONE])
        assert reading.read()[-1] == DONE


class TestWishToStop:
    def test_from_elsewhere_ends_the_stream(self, store: Away) -> None:
        worker, source = Worker(store), Source(text("a"))
        reading = worker.begin(source)
        until(lambda: stored_events(store, reading.id))
        store.request_stop(reading.id)
        assert reading.read()[-1] == Cancelled("stopped")
        until(lambda: source.closed)

    def test_that_came_before_the_watch_is_found(self, store: Away, monkeypatch: pytest.MonkeyPatch) -> None:
        worker = Worker(store)
        monkeypatch.setattr(store._store, "watch_stop", lambda *_: lambda: None)
        claim, source = store._store.claim, Source(text("a"))

        def claim_and_stop(claimed, name):
            result = claim(claimed, name)
            store._store.request_stop(claimed.id)
            return result

        monkeypatch.setattr(store._store, "claim", claim_and_stop)
        assert worker.begin(source).read()[-1] == Cancelled("stopped")

    def test_is_not_what_every_wake_says(self, store: Away, monkeypatch: pytest.MonkeyPatch) -> None:
        wakes = []
        monkeypatch.setattr(store._store, "watch_stop", lambda _, wake: wakes.append(wake) or (lambda: None))
        worker, source = Worker(store), Source(text("a"))
        reading = worker.begin(source)
        for _ in range(3):
            wakes[0]()
            settle()
            gevent.sleep(0.02)
        source.give(text("b"), [DONE])
        assert reading.read()[-1] == DONE

    def test_survives_a_store_that_is_away(self, store: Away) -> None:
        worker, source = Worker(store), Source(text("a"))
        reading = worker.begin(source)
        until(lambda: stored_events(store, reading.id))
        store.is_away = True
        store._store.request_stop(reading.id)
        gevent.sleep(0.1)
        assert reading.reader.session.pending_terminal is None
        store.is_away = False
        assert reading.read()[-1] == Cancelled("stopped")


class TestTakingOver:
    @pytest.mark.parametrize("is_away", [False, True])
    def test_does_not_end_what_was_begun_anew_here_by_the_same_id(self, store: Away, is_away: bool) -> None:
        worker, source = Worker(store), Source(text("a"))
        reading = worker.begin(source)
        until(lambda: stored_events(store, reading.id))
        found = store.find(reading.id)
        of_the_dead = msgspec.structs.replace(found, claim=msgspec.structs.replace(found.claim, worker="dead"))
        store.is_away = is_away
        with suppress(StoreUnavailable):
            finish_orphaned(worker.store_writer, of_the_dead)
        store.is_away = False
        until(lambda: not len(worker.store_writer.pending))
        source.give(text("b"), [DONE])
        assert reading.read()[-1] == DONE
        until(lambda: is_finished(store, reading.id))
        assert stored_events(store, reading.id) == reading.events


def test_says_what_it_is(store: Away) -> None:
    worker = Worker(store)
    worker.begin(Source(text("a")))
    assert repr(worker.store_writer).startswith("<StoreWriter of 1 streams in ")
