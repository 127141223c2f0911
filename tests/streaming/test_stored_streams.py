"""Streams as they are at a moment, at any worker; streams in the background; and their deletion."""

from __future__ import annotations

import gevent
import msgspec
import pytest
from gevent.event import Event as Flag

from flask_headrace.core.errors import ResumptionLost, StreamLimitExceeded, StreamNotFound
from flask_headrace.core.events import Cancelled, Completed, Event, Failed, TextDelta
from flask_headrace.streaming.context import StreamLimits
from flask_headrace.streaming.resume import cursor
from flask_headrace.streaming.stored_streams import StoredStreams
from tests.streaming.resume.workers import QUIET, Reading, Worker, is_finished, is_stored
from tests.streaming.stage import CONTEXT, DONE, Source, text
from tests.support.event_loop import until

ID = "an-id-of-the-clients-own"
BACKGROUND = msgspec.structs.replace(CONTEXT, is_background=True)


@pytest.fixture(autouse=True)
def short_catching_up(short_times: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursor, "CATCH_UP_TIMEOUT", 1.0)


def stored(worker: Worker) -> StoredStreams:
    return StoredStreams(worker.resumable_streams, worker.store_writer)


def begin(worker: Worker, source: Source, context=BACKGROUND, id_: str = ID) -> None:
    """Open a stream and leave it at once, as a request for a background answer does."""
    worker.resumable_streams.open(id_, "q", context, source).close()


def texts(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, TextDelta)]


class TestBackground:
    def test_goes_on_to_its_end_without_a_reader(self, workers: list[Worker]) -> None:
        worker = workers[0]
        worker.streams.limits = msgspec.structs.replace(QUIET, grace=0.01)
        source = Source(text("a"))
        begin(worker, source)
        until(lambda: is_stored(worker, ID, 2))
        gevent.sleep(0.1)  # longer than the grace time
        source.give(text("b"), [DONE])
        until(lambda: is_finished(worker.store, ID))
        snapshot = stored(worker).snapshot(ID, "")
        assert (texts(snapshot.events), snapshot.terminal) == (["a", "b"], DONE)

    def test_goes_on_when_its_last_reader_leaves(self, workers: list[Worker], other: Worker) -> None:
        worker = workers[0]
        worker.streams.limits = msgspec.structs.replace(QUIET, grace=0.01)
        source = Source(text("a"))
        first = Reading(worker.resumable_streams.open(ID, "q", BACKGROUND, source))
        until(lambda: is_stored(other, ID, 2))
        follower = other.follow(ID)
        until(lambda: follower.last == 2)
        first.leave()
        follower.leave()
        gevent.sleep(0.1)
        source.give([DONE])
        until(lambda: is_finished(worker.store, ID))
        assert stored(other).snapshot(ID, "").terminal == DONE

    def test_one_that_is_not_in_the_background_does_not(self, workers: list[Worker]) -> None:
        worker = workers[0]
        worker.streams.limits = msgspec.structs.replace(QUIET, grace=0.01)
        begin(worker, Source(text("a")), CONTEXT)
        until(lambda: is_finished(worker.store, ID))
        assert stored(worker).snapshot(ID, "").terminal == Cancelled("reader_left")

    def test_ends_at_its_time_limit(self, workers: list[Worker]) -> None:
        worker = workers[0]
        worker.streams.limits = StreamLimits(heartbeat=None, first_token=None, stall=None, duration=0.1, client=None)
        begin(worker, Source(text("a")))
        until(lambda: is_finished(worker.store, ID))
        terminal = stored(worker).snapshot(ID, "").terminal
        assert isinstance(terminal, Failed)
        assert terminal.code == "max_duration"

    def test_counts_as_an_open_stream_of_its_owner(self) -> None:
        worker = Worker(most=4)  # one of an owner's
        theirs = msgspec.structs.replace(BACKGROUND, owner="theirs")
        source = Source(text("a"))
        begin(worker, source, theirs)
        with pytest.raises(StreamLimitExceeded):
            begin(worker, Source(), theirs, "another-id-of-theirs")
        source.give([DONE])
        until(lambda: not len(worker.streams))
        begin(worker, Source(text("b")), theirs, "another-id-of-theirs")

    def test_ends_with_the_worker(self, workers: list[Worker]) -> None:
        begin(workers[0], Source(text("a")))
        until(lambda: is_stored(workers[0], ID, 2))
        assert workers[0].streams.drain(0.05) == 1
        terminal = stored(workers[1]).snapshot(ID, "").terminal
        assert isinstance(terminal, Failed)
        assert terminal.code == "shutting_down"


class TestSnapshot:
    def test_has_all_so_far_and_waits_for_nothing(self, workers: list[Worker], other: Worker) -> None:
        source = Source()
        begin(workers[0], source)
        assert stored(other).snapshot(ID, "").events == []
        source.give(text("a", "b"))
        until(lambda: is_stored(other, ID, 3))
        for worker in workers:
            snapshot = stored(worker).snapshot(ID, "")
            assert (texts(snapshot.events), snapshot.terminal) == (["a", "b"], None)
            assert texts(stored(worker).snapshot(ID, "", after=2).events) == ["b"]
        source.give([DONE])
        until(lambda: is_finished(other.store, ID))
        for worker in workers:
            assert stored(worker).snapshot(ID, "").terminal == DONE

    def test_never_goes_back_at_the_worker_where_the_stream_ended(self, workers: list[Worker]) -> None:
        worker = workers[0]
        source = Source(text("a"))
        begin(worker, source)
        until(lambda: texts(stored(worker).snapshot(ID, "").events) == ["a"])
        source.give([DONE])
        until(lambda: worker.ended)
        assert stored(worker).snapshot(ID, "").terminal == DONE

    def test_of_a_long_one_is_whole(self, workers: list[Worker], other: Worker) -> None:
        pieces = ["x" * 1000 + str(number) for number in range(300)]
        begin(workers[0], Source(*[text(piece) for piece in pieces], [DONE]))
        until(lambda: is_finished(other.store, ID))
        assert texts(stored(other).snapshot(ID, "").events) == pieces

    def test_of_another_owners_is_not_found(self, workers: list[Worker], other: Worker) -> None:
        begin(workers[0], Source(text("a")), msgspec.structs.replace(BACKGROUND, owner="theirs"))
        until(lambda: is_stored(other, ID, 2))
        for worker in workers:
            for attempt in (stored(worker).snapshot, stored(worker).stop, stored(worker).delete):
                with pytest.raises(StreamNotFound):
                    attempt(ID, "mine")
        assert texts(stored(other).snapshot(ID, "theirs").events) == ["a"]

    def test_of_a_dead_workers_is_its_end(self, workers: list[Worker]) -> None:
        here, there = workers
        begin(here, Source(text("a")))
        until(lambda: is_stored(there, ID, 2))
        there.store_writer.lease.start_in_background()
        here.die()
        until(lambda: stored(there).snapshot(ID, "").terminal is not None, 10)
        snapshot = stored(there).snapshot(ID, "")
        assert texts(snapshot.events) == ["a"]
        assert isinstance(snapshot.terminal, Failed)
        assert snapshot.terminal.code == "worker_lost"

    def test_of_one_that_the_store_has_lost_a_part_of_is_an_error(self, workers: list[Worker], monkeypatch) -> None:
        begin(workers[0], Source(text("a")))
        until(lambda: is_stored(workers[1], ID, 2))
        monkeypatch.setattr(workers[1].store._store, "read", lambda *_: [])
        with pytest.raises(ResumptionLost):
            stored(workers[1]).snapshot(ID, "")


class TestReadUntil:
    def test_waits_for_what_the_store_may_still_get(self, workers: list[Worker]) -> None:
        source = Source(text("a"))
        begin(workers[0], source)
        until(lambda: is_stored(workers[1], ID, 2))
        gevent.spawn_later(0.2, source.give, text("b"))
        seen: list[Event] = []
        snapshot = stored(workers[1]).read_until(
            ID, "", lambda got: bool(seen.extend(got.events)) or "b" in texts(seen)
        )
        assert texts(seen) == ["a", "b"]
        assert snapshot.is_behind

    def test_does_not_wait_for_a_model_here_nor_for_what_has_ended(self, workers: list[Worker], other: Worker) -> None:
        source = Source(text("a"))
        begin(workers[0], source)
        until(lambda: is_stored(other, ID, 2))
        assert not stored(workers[0]).read_until(ID, "", lambda _: False).is_behind
        source.give([DONE])
        until(lambda: is_finished(other.store, ID))
        assert stored(other).read_until(ID, "", lambda _: False).terminal == DONE


class TestStop:
    def test_has_an_end_at_once_at_every_worker(self, workers: list[Worker], other: Worker) -> None:
        source = Source(text("a"))
        begin(workers[0], source)
        until(lambda: is_stored(other, ID, 2))
        stored(other).stop(ID, "")
        for worker in workers:
            assert stored(worker).snapshot(ID, "").terminal == Cancelled("stopped")
        assert source.closed == 1

    def test_leaves_what_has_ended_as_it_is(self, workers: list[Worker], other: Worker) -> None:
        begin(workers[0], Source(text("a"), [DONE]))
        until(lambda: is_finished(other.store, ID))
        stored(other).stop(ID, "")
        assert isinstance(stored(other).snapshot(ID, "").terminal, Completed)


class TestDelete:
    @pytest.mark.parametrize("ends", [True, False], ids=["finished", "running"])
    def test_leaves_nothing_at_any_worker_and_the_id_begins_anew(
        self, workers: list[Worker], other: Worker, ends: bool
    ) -> None:
        source = Source(text("a"), *([[DONE]] if ends else []))
        begin(workers[0], source)
        until(lambda: is_finished(other.store, ID) if ends else is_stored(other, ID, 2))
        stored(other).delete(ID, "")
        for worker in workers:
            with pytest.raises(StreamNotFound):
                stored(worker).snapshot(ID, "")
            with pytest.raises(StreamNotFound):
                worker.resumable_streams.resume(ID, "", 0)
        assert source.closed == 1
        until(lambda: not len(workers[0].streams))
        for worker in workers:
            begin(worker, Source(text("b"), [DONE]))
            until(lambda worker=worker: is_finished(worker.store, ID))
            assert texts(stored(workers[0]).snapshot(ID, "").events) == ["b"]
            stored(worker).delete(ID, "")

    def test_of_one_whose_source_does_not_end_is_done_all_the_same(
        self, workers: list[Worker], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for limit in ("STOP_TIMEOUT", "FLUSH_TIMEOUT"):
            monkeypatch.setattr(f"flask_headrace.streaming.stored_streams.{limit}", 0.05)
        closed = Flag()
        begin(workers[0], Source(text("a"), on_close=closed.wait))
        until(lambda: is_stored(workers[0], ID, 2))
        stored(workers[0]).delete(ID, "")
        with pytest.raises(StreamNotFound):
            stored(workers[0]).snapshot(ID, "")
        closed.set()
        until(lambda: not len(workers[0].streams))
