"""Pending store operations, if calls are executed without an answer or raise unexpected exceptions."""

from __future__ import annotations

import msgspec
import pytest

from flask_headrace.core.errors import ResumptionLost, StoreUnavailable
from flask_headrace.core.events import ToolCallCompleted, ToolCallStarted
from flask_headrace.streaming.resume import pending_operations
from flask_headrace.streaming.resume.pending_operations import PendingOperations
from flask_headrace.streaming.resume.stored_reader import finish_orphaned
from flask_headrace.streaming.stores.base import StoreLimits, StreamClaim
from flask_headrace.streaming.stores.memory import MemoryStore
from tests.streaming.resume.workers import Away, Worker, is_finished, stored_events
from tests.streaming.stage import CONTEXT, DONE, Source, text
from tests.support.event_loop import until

pytestmark = pytest.mark.usefixtures("short_intervals")

ID = "an-id-of-the-clients"


def test_an_end_that_is_owed_is_not_forgotten_where_a_later_claim_of_its_id_fails() -> None:
    store = Away(MemoryStore(StoreLimits()))
    worker, source = Worker(store), Source(text("a"))
    reading = worker.begin(source, ID)
    until(lambda: stored_events(store, ID))
    store.is_away = True
    reading.reader.session.detach_store()
    with pytest.raises(StoreUnavailable):
        worker.begin(Source(), ID)
    store.is_away = False
    until(lambda: is_finished(store, ID))
    assert stored_events(store, ID)[-1].code == "not_resumable"
    source.give([DONE])
    assert reading.read()[-1] == DONE


def test_a_stream_that_was_taken_over_without_an_answer_has_its_end_all_the_same() -> None:
    memory = MemoryStore(StoreLimits())
    about = msgspec.msgpack.encode(CONTEXT)
    memory.claim(StreamClaim(ID, "a dead worker", "", "q", about))
    store = Away(memory)
    worker = Worker(store)
    store.is_away = store.fails_after_execution = True
    with pytest.raises(StoreUnavailable):
        finish_orphaned(worker.store_writer, memory.find(ID))
    store.is_away = False
    until(lambda: is_finished(store, ID))
    assert stored_events(store, ID)[-1].code == "worker_lost"
    until(lambda: not worker.store_writer.pending)


def test_a_taking_over_that_came_too_late_owes_nothing() -> None:
    memory = MemoryStore(StoreLimits())
    memory.claim(StreamClaim(ID, "another worker", "", "q", msgspec.msgpack.encode(CONTEXT)))
    memory.renew_lease("another worker")
    worker = Worker(memory)
    finish_orphaned(worker.store_writer, memory.find(ID))
    assert not worker.store_writer.pending
    assert not is_finished(memory, ID)


class TestUnexpectedException:
    def test_in_one_stream_is_tried_again_and_keeps_no_other_waiting(self) -> None:
        pending, done = PendingOperations(), []

        def fail_once() -> bool:
            done.append("odd")
            if len(done) == 1:
                raise KeyError(ID)
            return True

        pending.schedule("odd", fail_once)
        pending.schedule("other", lambda: done.append("other") or True)
        pending.run_all()
        assert done == ["odd", "other"]
        assert len(pending) == 1
        pending.run_all()
        assert done == ["odd", "other", "odd"]
        assert not pending

    def test_that_stays_gives_its_stream_up(self) -> None:
        pending, tries = PendingOperations(), []

        def fail() -> bool:
            tries.append(1)
            raise KeyError(ID)

        pending.schedule("odd", fail)
        for _ in range(pending_operations.MAX_ATTEMPTS + 5):
            pending.run_all()
        assert len(tries) == pending_operations.MAX_ATTEMPTS
        assert not pending


def test_events_of_a_stream_that_the_store_has_lost_do_not_come_into_the_next_one_of_its_id() -> None:
    memory = MemoryStore(StoreLimits())
    store = Away(memory)
    worker, source = Worker(store), Source(text("old"))
    old = worker.begin(source, ID)
    until(lambda: stored_events(store, ID))
    store.is_away = True
    source.give(text("old end"), [DONE])
    old.read()
    until(lambda: worker.streams.get(ID) is None)
    memory._streams.clear()
    store.is_away = False
    new = worker.begin(Source(text("new"), [DONE]), ID)
    assert new.read()[-1] == DONE
    until(lambda: is_finished(store, ID))
    assert stored_events(store, ID) == new.events
    assert not worker.store_writer._stored
    assert not len(memory._stop_requests)


def test_what_cannot_be_written_is_a_hole_to_who_has_read_it_where_it_was_filled() -> None:
    store = MemoryStore(StoreLimits())
    worker, other, source = Worker(store), Worker(store), Source(text("a"))
    reading = worker.begin(source, ID)
    source.give(text("b", "c"), [ToolCallStarted(0, "c1", "find"), ToolCallCompleted(0, {"q": object()})])
    reading.read()
    until(lambda: is_finished(store, ID))
    assert [event.code for event in other.follow(ID, reading.last - 2).read()] == [ResumptionLost.code]


def test_a_claim_that_succeeds_forgets_that_one_failed() -> None:
    store = Away(MemoryStore(StoreLimits()))
    worker, other, source = Worker(store), Worker(store), Source(text("a"))
    worker.begin(Source(text("x"), [DONE])).read()
    store.is_away = store.fails_after_execution = True
    with pytest.raises(StoreUnavailable):
        worker.begin(Source(), ID)
    store.is_away = False
    reading = worker.begin(source, ID)
    until(lambda: stored_events(store, ID))
    looks = store.calls.count("has_readers")
    until(lambda: store.calls.count("has_readers") > looks + 3)
    assert not is_finished(store, ID)
    source.give([DONE])
    assert other.follow(ID).read() == reading.read()


def test_the_same_id_asked_again_after_the_store_was_emptied_is_one_stream_and_the_old_one_ends() -> None:
    store = MemoryStore(StoreLimits())
    worker, old_source, source = Worker(store), Source(text("old")), Source(text("new"))
    old = worker.begin(old_source, ID)
    until(lambda: stored_events(store, ID))
    store._streams.clear()
    old_source.give(text("more"))
    until(lambda: not old.reader.session.is_stored)
    new = worker.begin(source, ID)
    assert old.read()[-1].code == ResumptionLost.code
    source.give([DONE])
    assert new.read()[-1] == DONE
    until(lambda: is_finished(store, ID))
    assert stored_events(store, ID) == new.events
    until(lambda: len(worker.ended) == 2)
    assert old_source.closed == 1
