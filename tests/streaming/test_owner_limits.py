"""The limit of streams per owner, and that a stream counts no longer than it is open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gevent
import msgspec
import pytest

from flask_headrace.core.errors import StreamLimitExceeded
from flask_headrace.streaming.owner_limits import OwnerLimits
from flask_headrace.streaming.reader import StreamReader
from flask_headrace.streaming.registry import StreamRegistry
from flask_headrace.streaming.stores.base import StoreLimits
from tests.streaming.resume.workers import QUIET, Reading, Worker, shared
from tests.streaming.stage import CONTEXT, DONE, UNLIMITED, Source, text
from tests.support.event_loop import settle, until

ALICE, BOB = (msgspec.structs.replace(CONTEXT, owner=name) for name in ("alice", "bob"))
ID, OTHER_ID = "0123456789abcdef", "fedcba9876543210"


def streams(max_streams: int = 8, per_owner: int | None = None, **given) -> StreamRegistry:
    callbacks = {"on_start": lambda _: None, "on_end": lambda _: None, **given}
    return StreamRegistry(
        UNLIMITED, max_streams, callbacks["on_start"], callbacks["on_end"], max_streams_per_owner=per_owner
    )


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[list[Worker]]:
    with shared("memory", tmp_path, StoreLimits(), 2) as stores:
        yield [Worker(store, QUIET, most=4) for store in stores]  # one of them for each owner


def resume(worker: Worker, id_: str, source: Source | None = None) -> Reading:
    return Reading(worker.resumable_streams.open(id_, "q", ALICE, source or Source(text("a"))))


class TestAnOwner:
    @pytest.mark.parametrize(("most", "given", "share"), [(8, None, 2), (3, None, 1), (1, None, 1), (8, 5, 5)])
    def test_may_have_a_quarter_or_as_many_as_are_set(self, most: int, given: int | None, share: int) -> None:
        many = streams(most, given)
        for _ in range(share):
            many.open(ALICE, Source())
        if share < most:
            with pytest.raises(StreamLimitExceeded, match=f"{share} streams open") as refused:
                many.open(ALICE, Source())
            assert (refused.value.status, refused.value.code, refused.value.retry_after) == (429, "too_many_streams", 2)

    def test_leaves_the_rest_to_others(self) -> None:
        many = streams(8)
        for context in (ALICE, ALICE, BOB, BOB):
            many.open(context, Source())
        for context in (ALICE, BOB):
            with pytest.raises(StreamLimitExceeded):
                many.open(context, Source())

    def test_that_is_nobody_in_particular_may_have_all(self) -> None:
        many = streams(8)
        for _ in range(8):
            many.open(CONTEXT, Source())
        with pytest.raises(StreamLimitExceeded) as refused:
            many.open(CONTEXT, Source())
        assert refused.value.status == 503


class TestAStream:
    def test_is_counted_until_its_end_was_told(self) -> None:
        gate = gevent.event.Event()
        many = streams(4, on_end=lambda _: gate.wait())
        session = many.open(ALICE, Source([DONE]))
        until(lambda: session.terminal)
        settle()
        with pytest.raises(StreamLimitExceeded):
            many.open(ALICE, Source())
        gate.set()
        until(lambda: len(many) == 0)
        many.open(ALICE, Source())

    @pytest.mark.parametrize("how", ["leaves", "fails", "is stopped", "ends", "on_start raises"])
    def test_is_counted_no_more_however_it_ends(self, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
        monkeypatch.setattr(gevent.get_hub(), "handle_error", lambda *_: None)
        is_first = [True]

        def refuse(_session: object) -> None:
            if how == "on_start raises" and is_first.pop():
                raise ZeroDivisionError

        many = streams(4, on_start=refuse)
        source = Source(ZeroDivisionError()) if how == "fails" else Source(*([[DONE]] if how == "ends" else []))
        if how == "on_start raises":
            with pytest.raises(ZeroDivisionError):
                many.open(ALICE, source)
        else:
            session = many.open(ALICE, source)
            reader = StreamReader(session)
            if how == "leaves":
                reader.close()
            if how == "is stopped":
                session.cancel("stopped")
        until(lambda: len(many) == 0)
        is_first[:] = [False]
        assert many.open(ALICE, Source()).pending_terminal is None

    def test_that_was_refused_was_never_counted(self) -> None:
        many = streams(4)
        session = many.open(ALICE, Source())
        for _ in range(3):
            with pytest.raises(StreamLimitExceeded):
                many.open(ALICE, Source())
        session.cancel("stopped")
        until(lambda: len(many) == 0)
        many.open(ALICE, Source())


class TestAResumableStream:
    def test_is_counted_where_it_is_filled_and_may_be_asked_for_again_there(self, workers: list[Worker]) -> None:
        first = resume(workers[0], ID)
        with pytest.raises(StreamLimitExceeded):
            resume(workers[0], OTHER_ID)
        assert resume(workers[0], ID).id == first.id
        assert workers[0].store.find(OTHER_ID) is None

    def test_that_is_read_elsewhere_is_counted_there_as_long_as_it_is_read(self, workers: list[Worker]) -> None:
        source = Source(text("a"))
        first = resume(workers[0], ID, source)
        until(lambda: workers[1].store.find(ID) is not None and workers[1].store.find(ID).last)
        reading = Reading(workers[1].resumable_streams.resume(ID, "alice", 0))
        with pytest.raises(StreamLimitExceeded):
            workers[1].resumable_streams.resume(ID, "alice", 0)
        with pytest.raises(StreamLimitExceeded):
            resume(workers[1], OTHER_ID)
        reading.leave()
        again = Reading(workers[1].resumable_streams.resume(ID, "alice", 0))
        source.give([DONE])
        assert again.read()[-1] == first.read()[-1] == DONE
        until(lambda: len(workers[1].streams) == 0)
        resume(workers[1], OTHER_ID)


def test_shares_hold_nothing_of_those_that_have_ended() -> None:
    owner_limits = OwnerLimits(1)
    stream = object()
    for _ in range(3):
        owner_limits.add(stream, "alice")
        owner_limits.remove(stream)
        owner_limits.remove(stream)
    owner_limits.check("alice")
    assert repr(owner_limits) == "<OwnerLimits 0 owners, at most 1 streams each>"
