"""Streams with the same id, one after the other, because the store has lost the first; a cursor belongs to one only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_headrace.blueprints.encoding.event_id import event_id_suffix, parse_event_id
from flask_headrace.core.errors import AnswerReplaced, StoreUnavailable
from flask_headrace.core.events import Failed
from flask_headrace.streaming.resume.stored_events import decode_context
from flask_headrace.streaming.stores.base import StoreLimits
from tests.streaming.resume.workers import Away, Reading, Worker, is_stored, shared
from tests.streaming.stage import DONE, Source, text
from tests.support.event_loop import until


@pytest.fixture(params=["memory", "sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Away]]:
    """Return the store as three workers have it."""
    with shared(request.param, tmp_path, StoreLimits(), 3) as kept:
        yield kept


def written(store: Away, id_: str, last: int) -> None:
    until(lambda: (record := store.find(id_)) is not None and record.last == last)


ID = "an-id-of-the-clients-own"

pytestmark = pytest.mark.usefixtures("short_times")


class TestStreamThatIsLostAndWhoseIdIsAskedForAgain:
    @pytest.fixture
    def answers(self, workers: list[Worker]) -> list[Reading]:
        """Return two answers of one id: the store has lost the first before the second was asked for elsewhere."""
        first = workers[0].begin(Source(text("a", "b")), ID)
        until(lambda: is_stored(workers[1], ID, 3))
        workers[0].store.lose(ID)
        second = workers[1].begin(Source(text("x", "y", "z"), [DONE]), ID)
        second.read()
        until(lambda: is_stored(workers[1], ID, 6))
        return [first, second]

    def test_refuses_a_position_in_the_first(self, answers: list[Reading], workers: list[Worker]) -> None:
        for after in (1, 3, 99):
            with pytest.raises(AnswerReplaced, match="another answer by now"):
                workers[1].follow(ID, after, answers[0].incarnation)

    def test_takes_one_in_the_second_and_a_number_alone_for_one(
        self, answers: list[Reading], workers: list[Worker]
    ) -> None:
        for incarnation in (answers[1].incarnation, ""):
            assert workers[1].follow(ID, 3, incarnation).read() == answers[1].events[3:]

    def test_gives_each_its_own_at_the_worker_that_fills_the_first(
        self, answers: list[Reading], workers: list[Worker]
    ) -> None:
        session = answers[0].reader.session
        assert workers[0].follow(ID, 2, answers[0].incarnation).reader.session is session
        assert workers[0].follow(ID, 3, answers[1].incarnation).read() == answers[1].events[3:]


def test_a_stream_whose_claim_was_repeated_is_known_by_one_name(workers: list[Worker], other: Worker) -> None:
    store = workers[0].store
    store.is_away = store.fails_after_execution = True
    with pytest.raises(StoreUnavailable):
        workers[0].begin(Source(), ID)
    store.is_away = False
    own = workers[0].begin(Source(text("a"), [DONE]), ID)
    assert own.incarnation == decode_context(other.store.find(ID).claim).incarnation
    own.read()
    until(lambda: is_stored(other, ID, 4))
    assert other.follow(ID, 1, own.incarnation).read() == own.events[1:]


def test_an_answer_is_a_new_one_also_where_the_store_has_lost_all_but_the_claim_of_the_first(
    workers: list[Worker],
) -> None:
    here, elsewhere = workers
    first = here.begin(Source(text("a", "b"), [DONE]), ID)
    first.read()
    until(lambda: is_stored(here, ID, 5) and not len(here.streams))
    record = here.store.find(ID)
    here.store.lose(ID)
    assert here.store.claim(record.claim) is None
    second = here.begin(Source(text("x", "y"), [DONE]), ID)
    second.read()
    until(lambda: is_stored(here, ID, 5))
    with pytest.raises(AnswerReplaced):
        elsewhere.follow(ID, 2, first.incarnation)
    assert elsewhere.follow(ID, 2, second.incarnation).read() == second.events[2:]


class TestReaderInTheMiddleOfAStreamThatIsLostAndAskedForAgain:
    def test_is_not_read_on_in(self, stores: list[Away], monkeypatch: pytest.MonkeyPatch) -> None:
        first, second, there = Worker(stores[0]), Worker(stores[1]), Worker(stores[2])
        own = first.begin(Source(text("a", "b")))
        written(stores[0], own.id, 3)
        other = there.follow(own.id)
        until(lambda: other.last and other.numbers[-1] == 3)
        with monkeypatch.context() as patch:
            # It looks when both has happened: what it has been told is what is the same in both.
            patch.setattr(stores[2], "is_away", True)
            stores[0].lose(own.id)
            second.begin(Source(text("x", "y", "z"), [DONE]), own.id).read()
            written(stores[1], own.id, 6)
        events = other.read()
        assert events[:3] == own.events[:3]
        assert [type(event) for event in events[3:]] == [Failed]
        assert events[-1].code == "not_resumable"

    def test_is_not_the_one_that_is_to_be_followed_where_nothing_of_it_was_read(self, stores: list[Away]) -> None:
        first, second, there = Worker(stores[0]), Worker(stores[1]), Worker(stores[2])
        own = first.begin(Source(text("a")))
        written(stores[0], own.id, 2)
        find = there.store_writer.store.find
        replaced = []

        def find_and_replace(id_: str) -> object:
            record = find(id_)
            if not replaced:
                replaced.append(id_)
                stores[0].lose(own.id)
                second.begin(Source(text("x", "y"), [DONE]), own.id).read()
                written(stores[1], own.id, 5)
            return record

        there.store_writer.store.find = find_and_replace
        other = there.follow(own.id)
        other.greenlet.join(5)
        assert (other.events, other.reader.session.error.code) == ([], "stream_not_found")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("0", (0, "")),
        ("7", (7, "")),
        ("7-3f9a0c1e", (7, "3f9a0c1e")),
        ("7-3f9a0c1", None),
        ("7-3F9A0C1E", None),
        ("7-", None),
        ("-3f9a0c1e", None),
        (" 7", None),
        ("7\n", None),
        ("1234567890123456", None),
    ],
)
def test_a_position_is_a_number_and_may_name_the_stream(given: str, read: tuple[int, str] | None) -> None:
    assert parse_event_id(given) == read


def test_a_position_is_read_as_it_is_written(workers: list[Worker]) -> None:
    reading = workers[0].begin(Source([DONE]))
    reading.read()
    assert parse_event_id("3" + event_id_suffix(reading.incarnation).decode()) == (3, reading.incarnation)
