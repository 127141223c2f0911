"""Streams by their ids: begun once, followed from a cursor, stopped by their owner."""

from __future__ import annotations

from contextlib import suppress

import gevent
import msgspec
import pytest

from flask_headrace.core.errors import (
    InvalidRequest,
    StoreUnavailable,
    StreamConflict,
    StreamLimitExceeded,
    StreamNotFound,
)
from flask_headrace.core.events import Cancelled, Failed, Usage
from flask_headrace.streaming.resume import cursor, store_outage
from tests.streaming.resume.workers import Reading, Worker, is_stored
from tests.streaming.stage import CONTEXT, DONE, Source, text
from tests.support.event_loop import until

ID = "an-id-of-the-clients-own"


@pytest.fixture(autouse=True)
def short_catching_up(short_times: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursor, "CATCH_UP_TIMEOUT", 1.0)


class TestSameId:
    def test_follows_the_first(self, workers: list[Worker], other: Worker) -> None:
        source, unused = Source(text("a")), Source()
        first = workers[0].begin(source, ID)
        second = other.begin(unused, ID)
        source.give(text("b"), [DONE])
        assert second.read() == first.read()
        assert (source.asked, unused.asked) == (1, 0)

    def test_by_many_at_the_same_moment_asks_once(self, workers: list[Worker]) -> None:
        sources = [Source(text("a"), [DONE]) for _ in range(10)]
        opening = [gevent.spawn(workers[number % 2].begin, source, ID, "q") for number, source in enumerate(sources)]
        bodies = [one.get().read() for one in opening]
        assert all(body == bodies[0] for body in bodies)
        assert sum(source.asked for source in sources) == 1

    def test_with_another_question_is_refused(self, workers: list[Worker], other: Worker) -> None:
        workers[0].begin(Source(text("a")), ID)
        with pytest.raises(StreamConflict):
            other.begin(Source(), ID, "another question")

    def test_of_another_owner_is_refused(self, workers: list[Worker], other: Worker) -> None:
        workers[0].begin(Source(text("a")), ID)
        theirs = msgspec.structs.replace(CONTEXT, owner="theirs")
        with pytest.raises(StreamConflict):
            other.resumable_streams.open(ID, "q", theirs, Source())

    def test_of_one_that_could_not_be_opened_is_free_at_every_worker(
        self, workers: list[Worker], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise StreamLimitExceeded("There is no room.", retry_after=1)

        with monkeypatch.context() as patch:
            patch.setattr(workers[0].streams, "open", refuse)
            with pytest.raises(StreamLimitExceeded):
                workers[0].begin(Source(), ID)
        for worker in (workers[1], workers[0]):
            assert worker.begin(Source(text("a"), [DONE]), ID).read()[-1] == DONE


class TestCursor:
    def test_beyond_the_end_is_refused(self, workers: list[Worker], other: Worker) -> None:
        source = Source(text("a"))
        first = workers[0].begin(source)
        until(lambda: is_stored(other, first.id, 2))
        for after in (3, 10**14):
            with pytest.raises(InvalidRequest, match=f"The cursor is {after}"):
                workers[0].follow(first.id, after)
        source.give([DONE])
        first.read()
        until(lambda: is_stored(other, first.id, 4))
        with pytest.raises(InvalidRequest):
            other.follow(first.id, 5)

    def test_that_the_store_may_still_come_to_is_not_refused(self, workers: list[Worker]) -> None:
        # A disk that is full may take signs of life and no events: that all is well here says nothing of them.
        source = Source(text("a"))
        first = workers[0].begin(source)
        until(lambda: is_stored(workers[1], first.id, 2))
        workers[0].store._store.append = away
        source.give(text("b"))
        until(lambda: first.last == 3)
        with pytest.raises(StoreUnavailable, match="behind"):
            workers[1].follow(first.id, 3)
        first.leave()

    def test_of_a_dead_worker_that_nobody_can_judge_yet_is_not_refused(self, workers: list[Worker]) -> None:
        source = Source(text("a"))
        first = workers[0].begin(source)
        until(lambda: is_stored(workers[1], first.id, 2))
        workers[1].store_writer.lease.start_in_background()
        workers[0].die()
        gevent.spawn_later(0.5, workers[1].store_writer.lease.pause_failure_detection)
        gevent.spawn_later(0.9, workers[1].store_writer.lease.pause_failure_detection)

        def follow_on() -> Reading | None:
            with suppress(StoreUnavailable):  # the worker is not yet found dead
                return workers[1].follow(first.id, 4)
            return None

        with pytest.raises(StoreUnavailable, match="behind"):
            workers[1].follow(first.id, 4)
        assert [type(event) for event in until(follow_on).read()] == [Usage, Failed]

    def test_at_the_end_of_what_has_ended_has_nothing_to_follow(self, workers: list[Worker], other: Worker) -> None:
        first = workers[0].begin(Source(text("a"), [DONE]))
        first.read()
        until(lambda: is_stored(other, first.id, 4))
        assert other.resumable_streams.resume(first.id, "", 4) is None
        assert len(other.follow(first.id, 3).read()) == 1

    def test_ahead_of_the_store_waits_until_that_has_caught_up(self, workers: list[Worker]) -> None:
        source = Source(text("a"))
        first = workers[0].begin(source)
        until(lambda: is_stored(workers[0], first.id, 2))
        append = workers[0].store._store.append
        workers[0].store._store.append = lambda *asked: gevent.sleep(0.3) or append(*asked)
        source.give(text("b", "c"))
        until(lambda: first.last == 4)
        back = workers[1].follow(first.id, 4)
        source.give(text("d"), [DONE])
        assert back.read() == first.read()[4:]
        workers[0].store._store.append = append

    def test_ahead_of_a_worker_that_may_be_dead_is_not_taken_for_wrong(self, workers: list[Worker]) -> None:
        here, there = workers
        first = here.begin(Source(text("a")))
        until(lambda: is_stored(there, first.id, 2))
        here.die()
        until(lambda: not there.store.is_alive(here.store_writer.worker))
        # As one that has just been started, or whose store was away: it cannot tell yet who lives.
        there.store_writer.lease.start()
        there.store_writer.lease._detects_from = float("inf")
        with pytest.raises(StoreUnavailable, match="Try again"):
            there.follow(first.id, 4)
        there.store_writer.lease._detects_from = 0.0
        assert there.follow(first.id, 4).read()[-1].code == "worker_lost"

    @pytest.mark.parametrize("after", [2, 3, 4, 5, 6])
    def test_ahead_of_a_store_that_kept_no_more_is_told_how_it_ended(self, workers: list[Worker], after: int) -> None:
        source = Source(text("a"))
        first = workers[0].begin(source)
        until(lambda: is_stored(workers[0], first.id, 2))
        first.reader.session.detach_store()
        source.give(text("b", "c", "d", "e"))
        until(lambda: first.last == 6)
        for worker in workers:
            events = worker.follow(first.id, after).read()
            assert [type(event) for event in events] == [Failed]
            assert events[0].code == "not_resumable"


class TestOwner:
    def test_alone_follows_and_stops(self, workers: list[Worker], other: Worker) -> None:
        source = Source(text("a"))
        mine = msgspec.structs.replace(CONTEXT, owner="mine")
        first = Reading(workers[0].resumable_streams.open(ID, "q", mine, source))
        until(lambda: is_stored(other, ID, 2))
        for who in ("theirs", ""):
            with pytest.raises(StreamNotFound):
                other.resumable_streams.resume(ID, who, 0)
            with pytest.raises(StreamNotFound):
                other.resumable_streams.stop(ID, who)
        assert first.reader.session.pending_terminal is None
        other.resumable_streams.stop(ID, "mine")
        assert first.read()[-1] == Cancelled("stopped")


class TestStop:
    def test_is_told_to_all_and_can_be_said_twice(self, workers: list[Worker], other: Worker) -> None:
        source = Source(text("a"))
        first = workers[0].begin(source)
        until(lambda: is_stored(other, first.id, 2))
        readings = [worker.follow(first.id) for worker in workers]
        for _ in range(2):
            other.resumable_streams.stop(first.id, "")
        events = first.read()
        assert events[-1] == Cancelled("stopped")
        assert [reading.read() for reading in readings] == [events, events]
        other.resumable_streams.stop(first.id, "")
        until(lambda: source.closed)

    def test_of_no_stream_is_told(self, other: Worker) -> None:
        with pytest.raises(StreamNotFound, match="no-such-stream"):
            other.resumable_streams.stop("no-such-stream", "")
        with pytest.raises(StreamNotFound):
            other.follow("no-such-stream")

    def test_of_a_plain_stream_is_refused_as_if_there_were_none(self, workers: list[Worker]) -> None:
        session = workers[0].streams.open(CONTEXT, Source(text("a")))
        with pytest.raises(StreamNotFound):
            workers[0].resumable_streams.stop(session.id, "")
        with pytest.raises(StreamNotFound):
            workers[0].follow(session.id)
        session.cancel("stopped")


class TestStoreThatIsAway:
    def test_is_waited_for_by_who_comes_back(
        self, workers: list[Worker], other: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = workers[0].begin(Source(text("a"), [DONE]))
        first.read()
        until(lambda: is_stored(other, first.id, 4))
        other.store.is_away = True
        gevent.spawn_later(0.4, setattr, other.store, "is_away", False)
        assert other.follow(first.id).read() == first.events
        other.store.is_away = True
        monkeypatch.setattr(store_outage, "STORE_OUTAGE_TIMEOUT", 0.3)
        with pytest.raises(StoreUnavailable):
            other.follow(first.id)

    def test_does_not_matter_to_who_reads_where_it_is_filled(self, workers: list[Worker]) -> None:
        source = Source(text("a"))
        first = workers[0].begin(source)
        until(lambda: is_stored(workers[0], first.id, 2))
        workers[0].store.is_away = True
        back = workers[0].follow(first.id, 1)
        source.give(text("b"), [DONE])
        assert back.read() == first.read()[1:]


def away(*_: object) -> set[str]:
    raise StoreUnavailable("The store is away.", retry_after=2)


def test_a_stream_is_gone_after_its_retention(workers: list[Worker], other: Worker) -> None:
    first = workers[0].begin(Source(text("a"), [DONE]))
    first.read()
    until(lambda: is_stored(other, first.id, 4))
    for worker in workers:
        store = worker.store._store
        store._limits = msgspec.structs.replace(store._limits, retention=1.0)

    def is_gone() -> bool:
        try:
            other.follow(first.id).leave()
        except StreamNotFound:
            return True
        return False

    until(is_gone)
