"""The time limits of a stream, each with its own error code; and a session's repr."""

from __future__ import annotations

import gevent
import pytest
from gevent.event import Event as Flag

from flask_headrace.core.events import Cancelled, Failed, terminal_reason
from flask_headrace.streaming.context import StreamLimits
from flask_headrace.streaming.reader import StreamReader
from flask_headrace.streaming.session import StreamSession
from tests.streaming.stage import CONTEXT, DONE, UNLIMITED, Reader, Source, Stream, text
from tests.support.event_loop import settle, until

SHORT = 0.1
SMALL = StreamLimits(heartbeat=None, stall=SHORT, client=None, max_buffer_bytes=100)


def limits(**given: float | None) -> StreamLimits:
    """Make limits of which only the given ones are set."""
    return StreamLimits(
        **({"heartbeat": None, "first_token": None, "stall": None, "duration": None, "client": None} | given)
    )


class TestFirstToken:
    def test_too_late_is_a_failure_that_names_the_model_and_the_limit(self) -> None:
        stream = Stream(Source(), limits(first_token=SHORT))
        failed = Reader(stream.session).read()[-1]
        assert (failed.code, failed.retryable) == ("first_token_timeout", True)
        assert "acme/tiny" in failed.message
        assert f"{SHORT:g} s" in failed.message
        assert stream.session.error.status == 504
        assert stream.source.closed == 1

    def test_is_waited_for_although_empty_lists_come(self) -> None:
        stream = Stream(Source(), limits(first_token=SHORT))
        feeding = gevent.spawn(lambda: [(stream.source.give([]), gevent.sleep(0.005)) for _ in range(100)])
        assert Reader(stream.session).read()[-1].code == "first_token_timeout"
        feeding.kill()

    def test_in_time_is_the_end_of_that_limit(self) -> None:
        stream = Stream(Source(text("x")), limits(first_token=SHORT))
        reader = Reader(stream.session)
        gevent.sleep(3 * SHORT)
        stream.source.give([DONE])
        assert reader.read()[-1] == DONE


class TestStall:
    def test_is_a_failure_after_what_was_said(self) -> None:
        stream = Stream(Source(text("x")), limits(stall=SHORT))
        reader = Reader(stream.session)
        assert reader.read()[-1].code == "stall_timeout"
        assert reader.text == "x"

    def test_is_not_what_comes_before_the_first_token(self) -> None:
        stream = Stream(Source(), limits(stall=SHORT))
        reader = Reader(stream.session)
        gevent.sleep(3 * SHORT)
        stream.source.give([DONE])
        assert reader.read()[-1] == DONE

    def test_is_a_silence_and_not_the_whole(self) -> None:
        stream = Stream(Source(), limits(stall=4 * SHORT))
        reader = Reader(stream.session)
        for _ in range(12):
            stream.source.give(text("x"))
            gevent.sleep(SHORT / 2)
        stream.source.give([DONE])
        assert reader.read()[-1] == DONE

    def test_is_not_the_wait_for_a_slow_reader(self) -> None:
        stream = Stream(Source(text("x" * 300)), SMALL)
        until(lambda: stream.session.last_number)
        gevent.sleep(3 * SHORT)
        assert stream.session.pending_terminal is None
        reader = Reader(stream.session)
        settle()
        stream.source.give([DONE])
        assert reader.read()[-1] == DONE

    def test_begins_anew_when_the_reader_has_made_room(self) -> None:
        looking_often = StreamLimits(heartbeat=0.01, stall=0.6, client=None, max_buffer_bytes=100)
        stream = Stream(Source(text("x" * 300)), looking_often)
        until(lambda: stream.session.last_number)
        gevent.sleep(0.8)
        reader = Reader(stream.session)
        gevent.sleep(0.05)
        stream.source.give([DONE])
        assert reader.read()[-1] == DONE

    def test_is_counted_again_from_when_the_reader_made_room(self) -> None:
        stream = Stream(Source(text("x" * 300)), SMALL)
        until(lambda: stream.session.last_number)
        gevent.sleep(2 * SHORT)
        assert Reader(stream.session).read()[-1].code == "stall_timeout"


class TestDuration:
    def test_ends_an_answer_that_goes_on_and_on(self) -> None:
        stream = Stream(Source(), limits(duration=2 * SHORT))
        feeding = gevent.spawn(lambda: [(stream.source.give(text("x")), gevent.sleep(0.005)) for _ in range(500)])
        reader = Reader(stream.session)
        failed = reader.read()[-1]
        assert (failed.code, failed.retryable) == ("max_duration", True)
        assert reader.text
        feeding.kill()

    def test_ends_one_that_nobody_reads(self) -> None:
        stream = Stream(Source(text("x" * 300)), StreamLimits(duration=SHORT, max_buffer_bytes=100))
        until(lambda: stream.ends)
        assert terminal_reason(stream.session.terminal) == "max_duration"


class TestClient:
    def test_that_accepts_nothing_ends_the_stream_and_is_told_so(self) -> None:
        stream = Stream(Source(text("x")), limits(client=SHORT))
        calls = []
        reader = Reader(stream.session, on_batch=lambda _: gevent.sleep(60))
        reader.reader.on_stall = lambda: calls.append(1)
        until(lambda: stream.ends)
        assert stream.session.terminal == Cancelled("reader_stalled")
        assert calls == [1]
        reader.greenlet.kill()

    def test_that_accepts_piece_by_piece_has_the_limit_for_each(self) -> None:
        stream = Stream(Source(text("x")), limits(client=4 * SHORT))
        reader = StreamReader(stream.session)
        next(reader)
        for _ in range(6):
            gevent.sleep(SHORT)
            reader.mark_progress()
        assert stream.session.pending_terminal is None
        reader.close()

    def test_has_the_whole_limit_for_what_comes_after_a_silence(self) -> None:
        stream = Stream(Source(), limits(client=10 * SHORT))
        reader = StreamReader(stream.session)
        gevent.spawn_later(8 * SHORT, stream.source.give, text("x"))
        next(reader)
        gevent.sleep(5 * SHORT)
        assert stream.session.pending_terminal is None
        reader.close()

    def test_that_accepts_nothing_of_what_is_left_after_the_end_is_let_go(self) -> None:
        stream = Stream(Source(text("x"), [DONE]), limits(client=SHORT))
        calls = []
        reader = Reader(stream.session, on_batch=lambda _: gevent.sleep(60))
        reader.reader.on_stall = lambda: calls.append(1)
        until(lambda: calls)
        assert stream.session.terminal == DONE
        gevent.sleep(2 * SHORT)
        assert calls == [1]
        reader.reader.close()
        assert stream.session._deadlines._timer is None
        reader.greenlet.kill()

    def test_that_waits_for_the_model_has_no_limit(self) -> None:
        stream = Stream(Source(text("x")), limits(client=SHORT))
        reader = Reader(stream.session)
        gevent.sleep(3 * SHORT)
        stream.source.give([DONE])
        assert reader.read()[-1] == DONE


class TestAnEndThatTakesItsTime:
    def test_is_brought_about_once(self) -> None:
        gate = Flag()
        stream = Stream(Source(text("x"), on_close=gate.wait), limits(client=SHORT))
        calls = []
        reader = Reader(stream.session, on_batch=lambda _: gevent.sleep(60))
        reader.reader.on_stall = lambda: calls.append(1)
        until(lambda: stream.source.closed)
        gevent.sleep(2 * SHORT)
        assert calls == [1]
        gate.set()
        until(lambda: stream.ends)
        reader.greenlet.kill()

    def test_leaves_no_timer_behind(self) -> None:
        stream = Stream(Source([DONE]), StreamLimits())
        Reader(stream.session).read()
        assert stream.session._deadlines._timer is None


class TestAccount:
    def test_reason_is_one_word(self) -> None:
        assert terminal_reason(StreamSession(CONTEXT, UNLIMITED).terminal) == ""
        for ending, reason in [(DONE, "stop"), (Cancelled("stopped"), "stopped"), (Failed("x", "y", False), "x")]:
            session = StreamSession(CONTEXT, UNLIMITED)
            session.finish(ending)
            assert terminal_reason(session.terminal) == reason

    def test_repr_tells_state_events_readers_and_age(self) -> None:
        session = StreamSession(CONTEXT, UNLIMITED)
        StreamReader(session)
        session.append(text("a", "b"))
        assert repr(session) == f"<StreamSession {session.id[:6]}… streaming, 3 events, 1 readers, 0.0 s>"
        session.finish(DONE)
        assert "… done, 5 events," in repr(session)

    def test_ids_cannot_be_guessed(self) -> None:
        ids = {StreamSession(CONTEXT, UNLIMITED).id for _ in range(100)}
        assert len(ids) == 100
        assert min(map(len, ids)) >= 22

    def test_the_shortest_limit_is_what_the_timer_goes_by(self) -> None:
        assert StreamLimits().shortest_wait() == 15
        assert limits(stall=3, client=2).shortest_wait() == 2
        assert limits().shortest_wait() is None

    @pytest.mark.parametrize("pieces", [["x" * 10], ["x"] * 10, ["öö", "x" * 6]])
    def test_room_is_counted_in_bytes_of_text_and_a_little_for_each_event(self, pieces: list[str]) -> None:
        session = StreamSession(CONTEXT, UNLIMITED)
        reader = StreamReader(session)
        session.append(text(*pieces))
        assert session._buffer.size == 10 + 64 * (len(pieces) + 1)
        session.take_events(reader)
        assert session._buffer.size == 0
