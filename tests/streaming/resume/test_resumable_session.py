"""A stored session: any number of readers, each at its own pace, and what happens when it is stored no longer."""

from __future__ import annotations

import gevent
import msgspec
import pytest

from flask_headrace.core.events import Cancelled
from flask_headrace.streaming.reader import StreamReader
from tests.streaming.resume.workers import QUIET, Reading, Worker
from tests.streaming.stage import CONTEXT, DONE, Source, text
from tests.support.event_loop import settle, until

NARROW = msgspec.structs.replace(QUIET, max_buffer_bytes=1000)
MANY = [text(*[f"{n} " for n in range(start, start + 50)]) for start in range(0, 5000, 50)]


class TestReaders:
    @pytest.mark.parametrize("after", [0, 1, 2, 3, 4])
    def test_join_late_and_from_any_number(self, after: int) -> None:
        worker, source = Worker(), Source(text("a", "b"))
        first = worker.begin(source)
        until(lambda: first.last == 3)
        source.give(text("c"))
        until(lambda: first.last == 4)
        late = worker.follow(first.id, after)
        source.give(text("d"), [DONE])
        assert late.read() == first.read()[after:]
        assert first.numbers == [1, 2, 3, 4, 5, 6, 7]

    def test_each_have_all_at_their_own_pace(self) -> None:
        worker, source = Worker(limits=NARROW), Source(*MANY, [DONE])
        first = worker.begin(source)
        slow = Reading(worker.resumable_streams.resume(first.id, "", 0), lambda: gevent.sleep(0.001))
        assert slow.read() == first.read()
        assert len(first.numbered) == 5003

    def test_who_stand_still_do_not_hold_up_the_others(self) -> None:
        worker, source = Worker(limits=NARROW), Source(*MANY, [DONE])
        still = worker.resumable_streams.open("still-standing-reader", "q", CONTEXT, source)
        other = worker.follow("still-standing-reader")
        assert len(other.read()) == 5003
        assert still.position == 0
        assert Reading(still).read() == other.events

    def test_who_accept_nothing_are_let_go_and_the_others_go_on(self) -> None:
        worker, source = Worker(limits=msgspec.structs.replace(QUIET, client=0.1)), Source(text("a"))
        stalled = worker.resumable_streams.open("a-reader-that-stalls", "q", CONTEXT, source)
        dropped: list[int] = []
        stalled.on_stall = lambda: dropped.append(1)
        next(stalled)
        other = worker.follow("a-reader-that-stalls")
        until(lambda: dropped)
        source.give(text("b"), [DONE])
        assert len(other.read()) == 5
        assert list(stalled) == []


class TestDetachStore:
    def test_goes_on_for_the_readers_that_there_are(self) -> None:
        worker, source = Worker(limits=NARROW), Source(text("a"))
        first = worker.begin(source)
        until(lambda: first.last == 2)
        second, slow = worker.follow(first.id, 1), worker.resumable_streams.resume(first.id, "", 0)
        until(lambda: second.last == 2)
        first.reader.session.detach_store()
        assert first.reader.session._buffer.after(0, 99) != []
        source.give(*MANY, [DONE])
        settle()
        assert source.queue.qsize() > 50  # back-pressure, as a plain stream has it
        third = Reading(slow)
        assert first.read()[1:] == second.read()
        assert third.read() == first.events
        assert len(first.numbered) == 1 + 1 + 5000 + 2

    def test_is_trimmed_to_the_slowest(self) -> None:
        worker, source = Worker(), Source(text("a", "b", "c"))
        first = worker.begin(source)
        until(lambda: first.last == 4)
        session = first.reader.session
        slow = StreamReader(session, 2)
        session.detach_store()
        assert session._buffer.after(2, 99) == text("b", "c")
        assert len(session._buffer._events) == 2
        slow.close()
        assert session._buffer._events == []

    def test_ends_where_nobody_reads(self) -> None:
        worker, source = Worker(), Source(text("a"))
        first = worker.begin(source)
        until(lambda: first.last == 2)
        session = first.reader.session
        first.leave()
        session.detach_store()
        until(lambda: session.terminal == Cancelled("reader_left"))

    def test_ends_with_its_last_reader_and_at_once(self) -> None:
        worker, source = Worker(), Source(text("a"))
        first = worker.begin(source)
        until(lambda: first.last == 2)
        second = worker.follow(first.id)
        first.reader.session.detach_store()
        first.leave()
        settle()
        assert second.reader.session.pending_terminal is None
        second.leave()
        until(lambda: second.reader.session.terminal == Cancelled("reader_left"))

    def test_comes_when_it_is_longer_than_what_may_be_held(self) -> None:
        worker, source = Worker(limits=msgspec.structs.replace(NARROW, max_stored_bytes=2000)), Source(*MANY, [DONE])
        first = worker.begin(source)
        assert len(first.read()) == 5003
        assert not first.reader.session.is_stored

    def test_can_still_be_stopped_here(self) -> None:
        worker, source = Worker(), Source(text("a"))
        first = worker.begin(source)
        until(lambda: first.last == 2)
        first.reader.session.detach_store()
        worker.resumable_streams.stop(first.id, "")
        assert first.read()[-1] == Cancelled("stopped")


def test_a_reader_who_comes_after_the_end_has_the_time_limits_of_all_others() -> None:
    worker = Worker(limits=msgspec.structs.replace(QUIET, client=0.2))
    reading = worker.begin(Source(text("a"), [DONE], lingers=True))
    assert reading.read()[-1] == DONE
    late = worker.resumable_streams.resume(reading.id, "", 0)
    assert next(late)
    stalls: list[bool] = []
    late.on_stall = lambda: stalls.append(True)
    until(lambda: stalls)
    assert list(late) == []
