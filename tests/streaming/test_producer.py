"""Whatever happens and when: every stream has one terminal event, its source is closed, its end is reported once."""

from __future__ import annotations

import gevent
import pytest
from gevent.event import Event as Flag

from flask_headrace.core.errors import UpstreamConnectionError, UpstreamProtocolError
from flask_headrace.core.events import Cancelled, Completed, Failed, ResponseStarted, TextDelta, Usage
from flask_headrace.streaming.session import StreamSession
from tests.streaming.stage import DONE, NARROW, REPORTED, Reader, Source, Stream, check_end, read_all, text
from tests.support.event_loop import settle, until


class TestDone:
    def test_comes_last_after_the_usage_that_was_told(self) -> None:
        stream = Stream(Source(text("Hel"), text("lo"), [REPORTED, DONE]))
        assert read_all(stream) == [*text("Hel", "lo"), REPORTED, DONE]

    def test_may_come_in_one_list_with_all_the_rest(self) -> None:
        stream = Stream(Source([*text("Hello"), REPORTED, DONE]))
        assert read_all(stream) == [*text("Hello"), REPORTED, DONE]

    def test_may_be_all_that_comes(self) -> None:
        stream = Stream(Source([Completed("content_filter")]))
        reader = Reader(stream.session)
        assert reader.read()[-1] == Completed("content_filter")
        assert [type(event) for batch in reader.batches for event in batch] == [ResponseStarted, Usage, Completed]

    def test_lets_the_source_go_on_to_its_end_and_is_accounted_for_before_that(self) -> None:
        stream = Stream(Source([DONE], lingers=True))
        events = Reader(stream.session).read()
        until(lambda: stream.ends)
        assert stream.source.closed == 0
        stream.source.give([])
        until(lambda: stream.source.closed)
        check_end(stream, events)

    def test_is_followed_by_nothing_that_the_source_still_yields(self) -> None:
        stream = Stream(Source([DONE], text("late"), [DONE], lingers=True))
        assert read_all(stream)[-1] == DONE

    def test_stays_whole_when_the_source_fails_behind_it(self) -> None:
        stream = Stream(Source([DONE], UpstreamProtocolError("too late"), lingers=True))
        assert read_all(stream)[-1] == DONE
        assert stream.session.error is None

    def test_stays_whole_when_it_is_stopped_behind_it(self) -> None:
        stream = Stream(Source([DONE], lingers=True))
        events = Reader(stream.session).read()
        stream.session.cancel("stopped")
        stream.source.give([])
        check_end(stream, events)
        assert events[-1] == DONE


class TestFailure:
    def test_of_the_upstream_keeps_its_code_and_its_error(self) -> None:
        error = UpstreamConnectionError("nobody there")
        stream = Stream(Source(error))
        assert read_all(stream)[-1] == Failed("upstream_unreachable", "nobody there", retryable=True)
        assert stream.session.error is error

    def test_in_the_middle_comes_after_what_was_said(self) -> None:
        stream = Stream(Source(text("Hel"), UpstreamProtocolError("gone")))
        assert [type(event) for event in read_all(stream)] == [TextDelta, Usage, Failed]

    def test_of_a_source_that_ends_without_done(self) -> None:
        stream = Stream(EndingSource(text("Hel")))
        events = read_all(stream)
        assert events[-1].code == "upstream_broken"
        assert "acme/tiny" in events[-1].message

    def test_of_ours_tells_the_reader_a_reference_and_the_log_the_rest(self, caplog) -> None:
        stream = Stream(Source(text("Hel"), ZeroDivisionError("the secret sk-123")))
        failed = read_all(stream)[-1]
        reference = failed.message.rsplit(" ", 1)[1].rstrip(".")
        assert failed.code == "internal"
        assert not failed.retryable
        assert "sk-123" not in failed.message
        assert reference in caplog.text
        assert stream.session.id in caplog.text
        assert "ZeroDivisionError: the secret sk-123" in caplog.text

    def test_of_the_source_to_begin_at_all_is_an_end_too(self) -> None:
        def source():
            raise UpstreamConnectionError("no")

        source.asked = source.closed = 0
        stream = Stream(source)
        assert read_all(stream)[-1].code == "upstream_unreachable"

    def test_that_is_no_exception_is_an_end_like_any_other(self) -> None:
        stream = Stream(Source(text("Hel"), gevent.Timeout(1)))
        assert read_all(stream)[-1].code == "internal"

    @pytest.mark.parametrize("rest", [[], text("x")])
    def test_that_the_source_tells_of_ends_the_stream(self, rest) -> None:
        failed = Failed("mine", "so it is", retryable=True)
        stream = Stream(Source([*rest, failed], text("late"), [DONE], lingers=True))
        assert read_all(stream)[-1] == failed
        error = stream.session.error
        assert (error.code, error.message, error.retryable, error.status) == ("mine", "so it is", True, 502)


class TestUsage:
    def test_that_comes_by_itself_is_kept_for_the_end(self) -> None:
        stream = Stream(Source(text("Hel"), [REPORTED], text("lo"), [DONE]))
        assert read_all(stream) == [*text("Hel", "lo"), REPORTED, DONE]

    def test_is_exact_also_when_the_answer_is_cut_behind_it(self) -> None:
        stream = Stream(Source(text("Hel"), [REPORTED], UpstreamProtocolError("gone")))
        assert read_all(stream)[-2] == REPORTED

    def test_that_is_known_in_part_is_filled_by_what_was_seen(self) -> None:
        known = Usage(90, 1, cached_tokens=40, cost=0.5, estimated=True)
        stream = Stream(Source([known], text("x" * 40), UpstreamProtocolError("gone")))
        usage = read_all(stream)[-2]
        assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens) == (90, 10, 40)
        assert (usage.cost, usage.estimated) == (0.5, True)  # the model of these tests writes for nothing

    def test_is_nothing_where_the_model_was_never_asked(self) -> None:
        stream = Stream(Source(UpstreamConnectionError("nobody there")))
        usage = read_all(stream)[-2]
        assert (usage.input_tokens, usage.output_tokens, usage.cost, usage.estimated) == (0, 0, 0.0, False)


class EndingSource(Source):
    """A source that ends after its last item."""

    def __call__(self):
        self.asked += 1
        try:
            while self.queue.qsize():
                yield self.queue.get()
        finally:
            self.closed += 1


class TestCancel:
    def test_before_the_producer_ran_never_calls_the_source(self) -> None:
        stream = Stream(Source([DONE]))
        stream.session.cancel("stopped")
        assert read_all(stream)[-1] == Cancelled("stopped")
        assert stream.source.asked == 0

    def test_while_the_source_is_silent(self) -> None:
        stream = Stream(Source())
        until(lambda: stream.source.asked)
        stream.session.cancel("stopped")
        assert read_all(stream)[-1] == Cancelled("stopped")

    def test_between_two_pieces(self) -> None:
        stream = Stream(Source(text("Hel")))
        reader = Reader(stream.session)
        until(lambda: reader.text == "Hel")
        stream.session.cancel("stopped")
        events = reader.read()
        check_end(stream, events)
        assert events[-1] == Cancelled("stopped")

    def test_while_it_waits_for_a_slow_reader(self) -> None:
        stream = Stream(Source(text("x" * 200), text("never taken")), NARROW)
        until(lambda: stream.session.last_number)
        settle()
        stream.session.cancel("stopped")
        events = read_all(stream)
        assert events[-1] == Cancelled("stopped")
        assert TextDelta("never taken") not in events

    def test_while_a_piece_is_being_handed_to_the_reader(self) -> None:
        stream = Stream(Source(text("one")))
        reader = Reader(stream.session, on_batch=lambda _: stream.session.cancel("stopped"))
        settle()
        events = reader.read()
        check_end(stream, events)
        assert events[-1] == Cancelled("stopped")

    def test_while_a_piece_is_being_handed_over_by_a_source_that_never_waits(self) -> None:
        stream = Stream(Source())
        reader = Reader(stream.session, on_batch=lambda _: stream.session.cancel("stopped"))
        settle()
        stream.source.give(*[text("x")] * 50, [DONE])
        events = reader.read()
        check_end(stream, events)
        assert events[-1] == Cancelled("stopped")

    def test_closes_a_source_that_somebody_else_holds_too(self) -> None:
        held = []

        class Held(Source):
            def __call__(self):
                held.append(super().__call__())
                return held[0]

        stream = Stream(Held(text("x" * 200)), NARROW)
        until(lambda: stream.session.last_number)
        settle()
        stream.session.cancel("stopped")
        read_all(stream)
        assert held[0].gi_frame is None

    def test_twice_ends_once_and_the_first_reason_stays(self) -> None:
        stream = Stream(Source())
        until(lambda: stream.source.asked)
        stream.session.cancel("reader_stalled")
        stream.session.cancel("stopped")
        assert read_all(stream)[-1] == Cancelled("reader_stalled")

    def test_after_the_end_changes_nothing(self) -> None:
        stream = Stream(Source([DONE]))
        events = read_all(stream)
        seen = stream.session.last_number
        stream.session.cancel("stopped")
        stream.session.fail(UpstreamProtocolError("late"))
        settle()
        assert stream.session.terminal == events[-1] == DONE
        assert (stream.session.last_number, stream.session.error) == (seen, None)

    def test_wins_over_a_failure_that_it_brings_about(self) -> None:
        def fail() -> None:
            raise UpstreamProtocolError("the connection was closed")

        stream = Stream(Source(on_close=fail))
        until(lambda: stream.source.asked)
        stream.session.cancel("stopped")
        assert read_all(stream)[-1] == Cancelled("stopped")
        assert stream.session.error is None

    def test_comes_too_late_after_a_failure_was_decided(self) -> None:
        stream = Stream(Source())
        until(lambda: stream.source.asked)
        stream.session.fail(UpstreamProtocolError("first"))
        stream.session.cancel("stopped")
        assert read_all(stream)[-1].code == "upstream_broken"


class TestReportOfTheEnd:
    def test_comes_after_the_source_was_closed(self) -> None:
        closed = []
        stream = Stream(Source(text("a")), on_end=lambda _: closed.append(stream.source.closed))
        until(lambda: stream.source.asked)
        stream.session.cancel("stopped")
        read_all(stream)
        assert closed == [1]

    def test_may_take_its_time_without_holding_up_the_reader(self) -> None:
        gate = Flag()
        stream = Stream(Source([DONE]), on_end=lambda _: gate.wait())
        assert Reader(stream.session).read()[-1] == DONE
        gate.set()

    def test_may_raise_without_harm_to_the_stream(self, monkeypatch) -> None:
        raised = []
        monkeypatch.setattr(gevent.get_hub(), "handle_error", lambda _c, _k, error, _t: raised.append(error))

        def on_end(_session: StreamSession) -> None:
            raise ZeroDivisionError

        stream = Stream(Source([DONE]), on_end=on_end)
        assert read_all(stream)[-1] == DONE
        assert [type(error) for error in raised] == [ZeroDivisionError]

    @pytest.mark.parametrize("last", [[DONE], UpstreamProtocolError("gone")], ids=["done", "failed"])
    def test_is_not_cut_short_by_a_stop_that_was_under_way(self, last) -> None:
        finished = []

        def on_end(_session: StreamSession) -> None:
            gevent.sleep(0.01)
            finished.append(True)

        stream = Stream(Source(), on_end=on_end)
        reader = Reader(stream.session, on_batch=lambda _: stream.session.cancel("stopped"))
        settle()
        stream.source.give(text("one"), last)
        until(lambda: stream.ends)
        events = reader.read()
        until(lambda: finished)
        check_end(stream, events)


def test_empty_lists_of_a_source_are_no_events() -> None:
    stream = Stream(Source([], []))
    reader = Reader(stream.session)
    settle()
    assert stream.session.first_event_at is None
    stream.source.give([DONE])
    reader.read()
    assert [] not in reader.batches
