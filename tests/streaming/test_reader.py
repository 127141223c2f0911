"""A reader of a stream: its events, its heartbeats, and its end."""

from __future__ import annotations

import time

import gevent

from flask_headrace.core.events import Cancelled, ResponseStarted, TextDelta, Usage
from flask_headrace.streaming.context import StreamLimits
from flask_headrace.streaming.reader import StreamReader
from tests.streaming.stage import DONE, Reader, Source, Stream, text
from tests.support.event_loop import settle, until

BEATING = StreamLimits(heartbeat=0.3, first_token=None, stall=None, duration=None, client=None)


class TestEvents:
    def test_begin_with_one_that_names_the_stream(self) -> None:
        stream = Stream(Source(text("one"), text("two"), [DONE]))
        reader = Reader(stream.session)
        reader.read()
        got = [event for batch in reader.batches for event in batch]
        assert got[0] == ResponseStarted(stream.session.id, "acme/tiny", "acme", input_tokens=10)
        assert sum(isinstance(event, ResponseStarted) for event in got) == 1

    def test_come_one_by_one_to_a_reader_that_waits(self) -> None:
        stream = Stream(Source())
        reader = Reader(stream.session)
        for piece in "abc":
            stream.source.give(text(piece))
            until(lambda piece=piece: reader.text.endswith(piece))
        assert [len(batch) for batch in reader.batches] == [2, 1, 1]

    def test_come_in_one_list_to_a_reader_that_was_away(self) -> None:
        stream = Stream(Source(*[text(piece) for piece in "abc"], [DONE]))
        until(lambda: stream.ends)
        reader = Reader(stream.session)
        reader.read()
        assert len(reader.batches) == 1
        assert reader.text == "abc"

    def test_reach_the_reader_before_the_source_goes_on(self) -> None:
        order: list[str] = []

        class Telling(Source):
            def __call__(self):
                for piece in ("one", "two"):
                    gevent.sleep(0)
                    yield text(piece)
                    order.append(f"after {piece}")
                yield [DONE]

        stream = Stream(Telling())
        reader = Reader(stream.session, on_batch=lambda batch: order.append(batch[-1].text) if len(batch) < 3 else None)
        order.append("reading")
        reader.greenlet.join(5)
        assert order[:5] == ["reading", "one", "after one", "two", "after two"]

    def test_end_with_the_terminal_one(self) -> None:
        stream = Stream(Source([DONE]))
        reader = StreamReader(stream.session)
        assert [type(event) for batch in reader for event in batch] == [ResponseStarted, Usage, type(DONE)]
        assert list(reader) == []


class TestHeartbeat:
    def test_comes_after_a_silence_and_again_after_the_next(self) -> None:
        stream = Stream(Source(), BEATING)
        reader = Reader(stream.session)
        until(lambda: reader.heartbeats == 2)
        assert reader.events == []
        stream.session.cancel("stopped")

    def test_does_not_come_while_there_are_events(self) -> None:
        stream = Stream(Source(), BEATING)
        reader = Reader(stream.session)
        given, longest = [time.monotonic()], 0.0
        while given[-1] - given[0] < 2 * BEATING.heartbeat:
            stream.source.give(text("x"))
            gevent.sleep(0.01)
            given.append(time.monotonic())
            longest = max(longest, given[-1] - given[-2])
        # On a machine that stood still for so long there was a silence.
        assert reader.heartbeats == 0 or longest > BEATING.heartbeat / 2
        until(lambda: reader.text == "x" * (len(given) - 1))
        stream.session.cancel("stopped")

    def test_loses_no_event(self) -> None:
        stream = Stream(Source(), BEATING)
        reader = Reader(stream.session)
        until(lambda: reader.heartbeats)
        stream.source.give(text("one"), text("two"), [DONE])
        assert [event for event in reader.read() if isinstance(event, TextDelta)] == text("one", "two")

    def test_does_not_come_while_the_reader_is_still_busy_with_the_last_one(self) -> None:
        stream = Stream(Source(text("x")), BEATING)
        gate = gevent.event.Event()
        reader = Reader(stream.session, on_batch=lambda _: gate.wait())
        until(lambda: reader.batches)
        gevent.sleep(0.15)
        assert reader.heartbeats == 0
        gate.set()
        until(lambda: reader.heartbeats)
        stream.session.cancel("stopped")

    def test_that_was_due_before_anybody_read_is_not_made_up_for(self) -> None:
        stream = Stream(Source(text("one")), BEATING)
        reader = StreamReader(stream.session)
        gevent.sleep(0.15)
        assert next(reader)[-1] == TextDelta("one")
        gevent.spawn_later(0.005, stream.source.give, text("two"))
        assert next(reader) == text("two")
        reader.close()

    def test_none_comes_without_a_limit(self) -> None:
        stream = Stream(Source(), StreamLimits(heartbeat=None, client=0.02))
        reader = Reader(stream.session)
        gevent.sleep(0.1)
        assert reader.batches == []
        stream.session.cancel("stopped")


class TestLeaving:
    def test_ends_the_stream(self) -> None:
        stream = Stream(Source())
        reader = Reader(stream.session)
        settle()
        reader.reader.close()
        until(lambda: stream.ends)
        assert stream.session.terminal == Cancelled("reader_left")
        assert stream.source.closed == 1

    def test_ends_the_stream_only_with_the_last_reader(self) -> None:
        stream = Stream(Source())
        first, last = StreamReader(stream.session), StreamReader(stream.session)
        first.close()
        assert stream.session.pending_terminal is None
        last.close()
        assert stream.session.pending_terminal == Cancelled("reader_left")

    def test_twice_is_leaving_once(self) -> None:
        stream = Stream(Source())
        reader = StreamReader(stream.session)
        reader.close()
        reader.close()
        until(lambda: stream.ends)

    def test_ends_an_iteration_that_waits(self) -> None:
        stream = Stream(Source())
        reader = Reader(stream.session)
        settle()
        reader.reader.close()
        reader.greenlet.join(1)
        assert reader.greenlet.dead
        assert reader.events == []

    def test_ends_an_iteration_that_waits_from_the_event_loop_too(self) -> None:
        stream = Stream(Source())
        reader = Reader(stream.session)
        settle()
        gevent.get_hub().loop.run_callback(reader.reader.close)
        reader.greenlet.join(1)
        assert reader.greenlet.dead

    def test_before_anything_was_read_never_asks_the_source(self) -> None:
        stream = Stream(Source())
        StreamReader(stream.session).close()
        until(lambda: stream.ends)
        assert stream.source.asked == 0

    def test_gives_no_more_events(self) -> None:
        stream = Stream(Source(text("one"), [DONE]))
        reader = StreamReader(stream.session)
        until(lambda: stream.ends)
        reader.close()
        assert list(reader) == []

    def test_after_the_end_changes_nothing(self) -> None:
        stream = Stream(Source([DONE]))
        reader = Reader(stream.session)
        reader.read()
        reader.reader.close()
        assert stream.session.terminal == DONE

    def test_by_being_killed_and_closed_frees_a_source_that_waits_for_room(self) -> None:
        stream = Stream(Source(*[text("x" * 50)] * 9), StreamLimits(max_buffer_bytes=100))
        reader = Reader(stream.session, on_batch=lambda _: gevent.sleep(60))
        until(lambda: reader.batches)
        settle()
        reader.greenlet.kill()
        reader.reader.close()
        until(lambda: stream.ends)
        assert stream.source.closed == 1
