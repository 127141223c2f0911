"""A stream that another worker fills, read here: from any number, to its end, and ended if its worker is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gevent
import msgspec
import pytest

from flask_headrace.core.errors import LimitError, StoreUnavailable
from flask_headrace.core.events import Failed, ModelSelected, TextDelta, Usage
from flask_headrace.streaming.resume import stored_reader
from flask_headrace.streaming.stores.base import StoreLimits
from tests.streaming.resume.workers import QUIET, Away, Reading, Worker, shared
from tests.streaming.stage import DONE, Source, text
from tests.support.event_loop import until


@pytest.fixture(params=["memory", "sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Away]]:
    """Return the store as three workers have it."""
    with shared(request.param, tmp_path, StoreLimits(), 3) as kept:
        yield kept


@pytest.fixture(autouse=True)
def short_presence(short_times: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_reader, "READER_TTL", 0.6)


def written(store: Away, id_: str, last: int) -> None:
    until(lambda: (record := store.find(id_)) is not None and record.last == last)


class TestFollowing:
    @pytest.mark.parametrize("after", range(8))
    def test_begins_anywhere_also_in_the_middle_of_what_was_written_together(
        self, stores: list[Away], after: int
    ) -> None:
        here, there, source = Worker(stores[0]), Worker(stores[1]), Source(text("a", "b", "c"))
        own = here.begin(source)
        written(stores[0], own.id, 4)
        source.give(text("d", "e", "f"))
        written(stores[0], own.id, 7)
        other = there.follow(own.id, after)
        if after < 7:
            until(lambda: other.last == 7)
        source.give(text("g"), [DONE])
        assert other.read() == own.read()[after:]
        assert other.numbers == list(range(after + 1, 11))

    def test_goes_on_live_for_any_number_of_readers(self, stores: list[Away]) -> None:
        here, there, source = Worker(stores[0]), Worker(stores[1]), Source(text("a"))
        own = here.begin(source)
        written(stores[0], own.id, 2)
        others = [there.follow(own.id, number % 3) for number in range(6)]
        for number in range(20):
            source.give(text(str(number)))
            until(lambda n=number: all(reader.last == n + 3 for reader in (own, *others)))
        source.give([DONE])
        for number, other in enumerate(others):
            assert other.read() == own.read()[number % 3 :]

    def test_holds_no_more_than_a_stream_may(self, stores: list[Away]) -> None:
        limits = msgspec.structs.replace(QUIET, max_buffer_bytes=10_000)
        here, there = Worker(stores[0]), Worker(stores[1], limits)
        own = here.begin(Source(*[text("x" * 1000) for _ in range(500)], [DONE]))
        own.read()
        written(stores[0], own.id, 503)
        reader = there.resumable_streams.resume(own.id, "", 0)
        sizes = []
        slow = Reading(reader, lambda: sizes.append(reader.session._unread.size) or gevent.sleep(0.002))
        assert slow.read() == own.events
        assert max(sizes) < 10_000 + 2 * stored_reader.MAX_READ_BYTES

    def test_is_seen_by_the_worker_that_fills_it_until_the_reader_leaves(self, stores: list[Away]) -> None:
        here, there, source = Worker(stores[0]), Worker(stores[1]), Source(text("a"))
        own = here.begin(source)
        written(stores[0], own.id, 2)
        other = there.follow(own.id)
        until(lambda: stores[0].has_stream_readers(own.id))
        gevent.sleep(1.0)  # longer than it is noted for
        assert stores[0].has_stream_readers(own.id)
        other.leave()
        until(lambda: not stores[0].has_stream_readers(own.id), 0.5)
        assert len(there.streams) == 0

    def test_of_an_ended_stream_gives_all_and_ends(self, stores: list[Away]) -> None:
        here, there = Worker(stores[0]), Worker(stores[1])
        own = here.begin(Source(text("a", "b"), [DONE]))
        own.read()
        written(stores[0], own.id, 5)
        other = there.follow(own.id)
        assert other.read() == own.events
        assert other.reader.session.usage == own.reader.session.usage
        until(lambda: not len(there.streams))

    def test_counts_as_an_open_stream(self, stores: list[Away]) -> None:
        here, there, source = Worker(stores[0]), Worker(stores[1], most=1), Source(text("a"))
        own = here.begin(source)
        written(stores[0], own.id, 2)
        there.follow(own.id)
        with pytest.raises(LimitError):
            there.follow(own.id)


class TestLostWorker:
    def test_is_an_end_for_all_that_is_brought_about_once(self, stores: list[Away]) -> None:
        here, source = Worker(stores[0]), Source(ModelSelected("acme/big", "acme", "big", ""), text("a", "b"))
        others = [Worker(stores[1]), Worker(stores[2])]
        own = here.begin(source)
        written(stores[0], own.id, 3)
        readings = [worker.follow(own.id, after) for worker in others for after in (0, 2)]
        here.die()
        events = [reading.read() for reading in readings]
        assert events[0] == events[2]
        assert events[1] == events[3] == events[0][2:]
        usage, failed = events[0][-2:]
        assert isinstance(usage, Usage)
        assert usage.estimated
        assert usage.output_tokens > 0
        assert [attempt.model for attempt in usage.attempts] == ["acme/big"]
        assert isinstance(failed, Failed)
        assert (failed.code, failed.retryable) == ("worker_lost", True)
        assert sum(isinstance(event, Usage) for event in events[0]) == 1
        assert stores[1].find(own.id).last == 5

    def test_that_comes_back_has_no_say_any_more(self, stores: list[Away]) -> None:
        here, there, source = Worker(stores[0]), Worker(stores[1]), Source(text("a"))
        own = here.begin(source)
        written(stores[0], own.id, 2)
        here.store_writer.lease._renewing.kill()
        other = there.follow(own.id)
        assert isinstance(other.read()[-1], Failed)
        source.give(text("b"), [DONE])
        assert own.read()[-1] == DONE
        gevent.sleep(0.2)
        assert there.follow(own.id).read() == other.events

    def test_is_concluded_when_the_store_is_back_that_went_away_in_the_middle_of_it(self, stores: list[Away]) -> None:
        here, there, source = Worker(stores[0]), Worker(stores[1]), Source(text("a"))
        own = here.begin(source)
        there.begin(Source(text("x")))
        written(stores[0], own.id, 2)
        other = there.follow(own.id)
        store, take_over = stores[1], stores[1]._store.acquire

        def take_over_and_go(*arguments):
            store.is_away = take_over(*arguments)
            return store.is_away

        there.store_writer.store = _With(store, acquire=take_over_and_go)
        here.die()
        until(lambda: store.is_away)
        gevent.sleep(0.3)
        store.is_away = False
        assert other.read()[-1].code == "worker_lost"

    def test_is_an_end_for_all_readers_also_where_the_store_goes_away_in_the_midst_of_it(
        self, stores: list[Away]
    ) -> None:
        here, there, source = Worker(stores[0]), Worker(stores[1]), Source(text("a"))
        own = here.begin(source)
        there.begin(Source(text("x")))
        written(stores[0], own.id, 2)
        readings = [there.follow(own.id) for _ in range(3)]
        store, take_over, append, refused = stores[1], stores[1]._store.acquire, stores[1].append, []

        def take_over_slowly(*arguments):
            # All of them have found it by then, as it was.
            gevent.sleep(0.3)
            return take_over(*arguments)

        def append_later(worker, entries):
            if entries[0].id == own.id and len(refused) < 5:
                refused.append(worker)
                raise StoreUnavailable("The store is away.")
            return append(worker, entries)

        there.store_writer.store = _With(store, acquire=take_over_slowly, append=append_later)
        here.die()
        assert [reading.read()[-1].code for reading in readings] == ["worker_lost"] * 3
        assert refused

    def test_that_fell_behind_its_own_reader_is_a_stream_that_nobody_can_be_ahead_of(self, stores: list[Away]) -> None:
        here, there, source = Worker(stores[0]), Worker(stores[1]), Source(text("a"))
        own = here.begin(source)
        written(stores[0], own.id, 2)
        here.die()
        ends = [there.follow(own.id, after).read() for after in (2, 3, 4, 5, 100)]
        assert all(isinstance(events[-1], Failed) for events in ends)
        assert {len(events) for events in ends} <= {1, 2}


class TestStoreThatIsAway:
    def test_is_waited_for(self, stores: list[Away]) -> None:
        here, there, source = Worker(stores[0]), Worker(stores[1]), Source(text("a"))
        own = here.begin(source)
        written(stores[0], own.id, 2)
        other = there.follow(own.id)
        until(lambda: other.last == 2)
        stores[1].is_away = True
        source.give(text("b", "c"), [DONE])
        own.read()
        gevent.sleep(0.2)
        stores[1].is_away = False
        assert other.read() == own.events

    def test_for_long_ends_the_reading_and_says_no_end(
        self, stores: list[Away], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stored_reader, "STORE_OUTAGE_TIMEOUT", 0.3)
        here, there, source = Worker(stores[0]), Worker(stores[1]), Source(text("a"))
        own = here.begin(source)
        written(stores[0], own.id, 2)
        other = there.follow(own.id)
        until(lambda: other.last == 2)
        stores[1].is_away = True
        other.greenlet.join(5)
        assert other.numbers == [1, 2]
        assert own.reader.session.pending_terminal is None

    def test_and_comes_back_without_the_stream_ends_the_reading(self, stores: list[Away]) -> None:
        here, there, source = Worker(stores[0]), Worker(stores[1]), Source(text("a"))
        own = here.begin(source)
        written(stores[0], own.id, 2)
        other = there.follow(own.id)
        until(lambda: other.last == 2)
        there.store_writer.store.find = lambda _: None
        other.greenlet.join(5)
        assert other.greenlet.dead


class TestDrain:
    def test_cuts_it_at_once_and_without_an_end(self, stores: list[Away]) -> None:
        here, there, source = Worker(stores[0]), Worker(stores[1]), Source(text("a"))
        own = here.begin(source)
        written(stores[0], own.id, 2)
        other = there.follow(own.id)
        until(lambda: other.last == 2)
        assert there.streams.drain(5) == 0
        other.greenlet.join(1)
        assert other.numbers == [1, 2]
        third = Worker(stores[2]).follow(own.id, 2)
        source.give([DONE])
        assert other.events + third.read() == own.read()


def test_what_cannot_be_read_is_told_as_lost(stores: list[Away]) -> None:
    here, there, source = Worker(stores[0]), Worker(stores[1]), Source(text("a"))
    own = here.begin(source)
    written(stores[0], own.id, 2)
    read = stores[1]._store.read
    there.store_writer.store.read = lambda *asked: [
        msgspec.structs.replace(entry, payload=b"\xc1") for entry in read(*asked)
    ]
    events = there.follow(own.id).read()
    assert [event.code for event in events if isinstance(event, Failed)] == ["not_resumable"]
    assert TextDelta("a") in own.events


class _With:
    """A store of which some methods are others."""

    def __init__(self, store: Away, **methods: object) -> None:
        self._store = store
        self.__dict__.update(methods)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)
