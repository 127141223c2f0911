"""Sources that misbehave: each affects its own stream only, within its limits, and its usage is counted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import gevent
import pytest
from gevent.event import Event as Flag

from flask_headrace.core.errors import UpstreamProtocolError, UpstreamStatusError
from flask_headrace.core.events import Cancelled, Event, Failed, ModelSelected, SuppressedOutput, TextDelta, Usage
from flask_headrace.streaming import producer, usage_tracker
from flask_headrace.streaming.context import StreamLimits
from tests.streaming.stage import DONE, REPORTED, UNLIMITED, Reader, Source, Stream, is_terminal, read_all, text
from tests.support.event_loop import settle, until

FAILED = Failed("mine", "so it is", retryable=False)
KNOWN = Usage(90, 1, estimated=True)
NEVER = Flag()


@pytest.fixture
def briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the producer's timeouts."""
    monkeypatch.setattr(producer, "SOURCE_CLOSE_TIMEOUT", 0.05)
    monkeypatch.setattr(producer, "STOP_RETRY_INTERVAL", 0.05)


class Odd:
    """A source made from a function; counts how often it was called."""

    def __init__(self, make: Callable[[], Iterator[Any]]) -> None:
        self._make = make
        self.asked = 0

    def __call__(self) -> Iterator[Any]:
        self.asked += 1
        return self._make()


def stream_of(make: Callable[[], Iterator[Any]], limits: StreamLimits = UNLIMITED) -> Stream:
    return Stream(Odd(make), limits)  # type: ignore[arg-type]  # it is called, and no more


def ended(stream: Stream, reader: Reader | None = None) -> list[Event]:
    """Read to the end, and check what holds for every end, whether or not the source could be closed."""
    events = (reader or Reader(stream.session)).read()
    until(lambda: stream.ends)
    settle()
    assert stream.ends == [stream.session]
    assert [event for event in events if is_terminal(event)] == [events[-1]]
    assert [event for event in events if isinstance(event, Usage)] == [events[-2]]
    return events


class TestAnEndThatIsNotTheLast:
    @pytest.mark.parametrize(
        "events",
        [
            [*text("a"), DONE, REPORTED],
            [*text("a"), REPORTED, DONE, *text("b")],
            [REPORTED, *text("a"), DONE, FAILED, DONE],
        ],
        ids=["before its usage", "before more text", "before others"],
    )
    def test_of_its_list_ends_the_stream_and_the_usage_counts(self, events: list[Event]) -> None:
        stream = Stream(Source(events, lingers=True))
        stream.source.give([])
        assert read_all(stream) == [*text("a"), REPORTED, DONE]

    def test_is_the_one_that_counts_where_it_is_a_failure(self) -> None:
        assert read_all(Stream(Source([FAILED, REPORTED, DONE], text("b"), lingers=True))) == [REPORTED, FAILED]


class TestAUsageThatIsNotTheLast:
    def test_counts_in_the_total_and_is_sent_to_no_reader(self) -> None:
        assert read_all(Stream(Source([*text("a"), REPORTED, *text("b")], [DONE]))) == [*text("a", "b"), REPORTED, DONE]

    def test_gives_way_to_a_later_one(self) -> None:
        assert read_all(Stream(Source([KNOWN, *text("a"), REPORTED, *text("b")], [DONE])))[-2] == REPORTED


class TestASourceThatHangsBehindItsEnd:
    @pytest.mark.parametrize("last", [DONE, FAILED])
    def test_is_closed_after_a_while_and_nobody_waits_for_it(self, briefly: None, last: Event) -> None:
        stream = Stream(Source([REPORTED, last], lingers=True))
        assert ended(stream) == [REPORTED, last]
        until(lambda: stream.source.closed)

    def test_in_its_closing_is_stopped_there(self, briefly: None) -> None:
        closing: list[str] = []

        def hang() -> None:
            closing.append("begun")
            try:
                gevent.sleep(60)
            finally:
                closing.append("ended")

        stream = Stream(Source([FAILED], lingers=True, on_close=hang))
        assert ended(stream)[-1] == FAILED
        until(lambda: closing == ["begun", "ended"])


class TestASourceThatDoesNotStop:
    @staticmethod
    def deaf(times: int, log: list[str], released: Flag = NEVER) -> Iterator[list[Event]]:
        yield text("a")
        while times and not released.is_set():
            with contextlib.suppress(gevent.GreenletExit):
                released.wait(60)
                break
            times -= 1
            log.append("caught")
        yield text("late")
        log.append("asked for more")

    def stopped(self, stream: Stream) -> list[Event]:
        reader = Reader(stream.session)
        until(lambda: reader.text == "a")
        stream.session.cancel("stopped")
        return ended(stream, reader)

    def test_and_yields_instead_adds_nothing(self) -> None:
        caught: list[str] = []
        events = self.stopped(stream_of(lambda: self.deaf(1, caught)))
        assert (events[0], events[-1], len(events)) == (TextDelta("a"), Cancelled("stopped"), 3)
        assert caught == ["caught"]

    def test_and_waits_on_is_told_again_while_its_reader_has_its_end(self, briefly: None) -> None:
        caught: list[str] = []
        assert self.stopped(stream_of(lambda: self.deaf(2, caught)))[-1] == Cancelled("stopped")
        until(lambda: len(caught) == 2)

    def test_at_all_is_left_behind_and_the_log_says_so(self, briefly: None, caplog: pytest.LogCaptureFixture) -> None:
        caught: list[str] = []
        released = Flag()
        stream = stream_of(lambda: self.deaf(1000, caught, released))
        assert self.stopped(stream)[-1] == Cancelled("stopped")
        until(lambda: "the source of acme/tiny does not stop and is abandoned" in caplog.text)
        assert stream.session.id in caplog.text
        assert caught == ["caught"] * producer.MAX_STOP_ATTEMPTS
        released.set()

    def test_and_tells_what_it_took_is_accounted_for_by_that(self) -> None:
        def telling() -> Iterator[list[Event]]:
            yield text("a")
            try:
                gevent.sleep(60)
            except gevent.GreenletExit:
                yield [*text("late"), REPORTED]

        assert self.stopped(stream_of(telling)) == [*text("a"), REPORTED, Cancelled("stopped")]

    def test_and_ends_within_its_limits_instead(self, briefly: None) -> None:
        caught: list[str] = []
        limits = StreamLimits(heartbeat=None, first_token=None, stall=0.05, duration=None, client=None)
        assert ended(stream_of(lambda: self.deaf(3, caught), limits))[-1].code == "stall_timeout"


class TestAnAccountThatTakesItsTime:
    @pytest.fixture(autouse=True)
    def slow_prices(self, monkeypatch: pytest.MonkeyPatch) -> None:
        known = usage_tracker.estimate_usage

        def slow(*given: Any, **named: Any) -> Usage:
            gevent.sleep(0.01)
            return known(*given, **named)

        monkeypatch.setattr(usage_tracker, "estimate_usage", slow)

    def test_is_made_though_the_stop_comes_to_a_source_that_has_just_yielded(self) -> None:
        stream = stream_of(lambda: iter(list, None))
        until(lambda: stream.session.is_source_started)
        stream.session.cancel("stopped")
        assert ended(stream)[-1] == Cancelled("stopped")

    def test_is_made_for_a_source_that_does_not_stop(self, briefly: None) -> None:
        stream = stream_of(lambda: TestASourceThatDoesNotStop.deaf(2, []))
        reader = Reader(stream.session)
        until(lambda: reader.text == "a")
        stream.session.cancel("stopped")
        assert ended(stream, reader)[-1] == Cancelled("stopped")


class TestASourceThatFailsToClose:
    class Batches:
        def __init__(self, *given: Any) -> None:
            self._given = iter(given)

        def __iter__(self) -> Iterator[Any]:
            return self

        def __next__(self) -> Any:
            item = next(self._given)
            if isinstance(item, Exception):
                raise item
            return item

        def close(self) -> None:
            raise ZeroDivisionError("not today")

    ENDS: ClassVar[dict[str, Any]] = {
        "stop": [DONE],
        "mine": [FAILED],
        "upstream_broken": UpstreamProtocolError("gone"),
    }

    @pytest.mark.parametrize("code", ENDS)
    def test_ends_as_it_had_and_the_log_tells_why(self, code: str, caplog: pytest.LogCaptureFixture) -> None:
        stream = stream_of(lambda: self.Batches(self.ENDS[code]))
        ended(stream)
        assert stream.reason == code
        until(lambda: "ZeroDivisionError: not today" in caplog.text)

    def test_because_it_cannot_be_closed_at_all_is_none(self) -> None:
        assert ended(stream_of(lambda: iter([text("a"), [REPORTED, DONE]]))) == [*text("a"), REPORTED, DONE]

    def test_behind_its_end_is_told_by_the_log(self, caplog: pytest.LogCaptureFixture) -> None:
        assert read_all(Stream(Source([DONE], ZeroDivisionError("too late"), lingers=True)))[-1] == DONE
        assert "failed after the end of the stream" in caplog.text


class TestASourceThatNeverWaits:
    BRIEF = StreamLimits(heartbeat=None, first_token=0.05, stall=0.05, duration=0.2, client=None)

    @staticmethod
    def endless(item: Any) -> Callable[[], Iterator[Any]]:
        def source() -> Iterator[Any]:
            while True:
                yield item

        return source

    def test_and_says_nothing_lets_others_run_and_ends_within_its_limits(self) -> None:
        stream, other = stream_of(self.endless([]), self.BRIEF), Stream(Source(text("a"), [REPORTED, DONE]))
        assert read_all(other) == [*text("a"), REPORTED, DONE]
        assert ended(stream)[-1].code == "first_token_timeout"

    @pytest.mark.parametrize("item", [SuppressedOutput(0), [KNOWN], text("x"), text(*"xyz" * 100)])
    def test_ends_within_its_limits_whatever_it_says(self, item: Any) -> None:
        assert ended(stream_of(self.endless(item), self.BRIEF))[-1].code in {"max_duration", "first_token_timeout"}

    def test_can_be_stopped(self) -> None:
        stream = stream_of(self.endless([]))
        until(lambda: stream.session.is_source_started)
        stream.session.cancel("stopped")
        assert ended(stream)[-1] == Cancelled("stopped")


@pytest.mark.parametrize("wrong", [None, 42])
def test_what_is_no_event_is_a_failure_with_a_code(wrong: Any) -> None:
    events = ended(stream_of(lambda: iter([text("a"), wrong, [DONE]])))
    assert [type(event) for event in events] == [TextDelta, Usage, Failed]
    assert events[-1].code == "internal"


class TestReportedUsage:
    """A usage reported before the stream is cancelled is the stream's usage."""

    CUTS: ClassVar[dict[str, Any]] = {
        "broken": UpstreamProtocolError("gone"),
        "refused": UpstreamStatusError("overloaded", status=529, code="upstream_overloaded", retryable=True),
        "a mistake": ZeroDivisionError(),
        "reported": [FAILED],
        "unreadable": 42,
    }

    @pytest.mark.parametrize("cut", CUTS)
    @pytest.mark.parametrize("reported", [REPORTED, KNOWN])
    def test_is_kept_whatever_cuts_the_answer(self, cut: str, reported: Usage) -> None:
        usage = ended(Stream(Source([reported], self.CUTS[cut], lingers=True)))[-2]
        assert (usage.input_tokens, usage.output_tokens) == (reported.input_tokens, reported.output_tokens)
        assert usage.estimated == reported.estimated

    @pytest.mark.parametrize("reported", [REPORTED, KNOWN])
    def test_is_kept_when_the_stream_is_stopped(self, reported: Usage) -> None:
        stream = Stream(Source([reported]))
        until(lambda: stream.source.asked)
        settle()
        stream.session.cancel("stopped")
        usage = ended(stream)[-2]
        assert (usage.input_tokens, usage.output_tokens) == (reported.input_tokens, reported.output_tokens)

    def test_exactly_is_not_unsaid_by_an_estimate(self) -> None:
        assert ended(Stream(Source([REPORTED], [KNOWN], UpstreamProtocolError("gone"))))[-2] == REPORTED

    def test_in_one_list_with_text_that_cannot_be_sent_is_kept(self) -> None:
        assert ended(Stream(Source([TextDelta("\ud800"), REPORTED], [DONE])))[-2] == REPORTED

    def test_of_a_model_that_then_refuses_is_kept_beside_what_the_next_one_takes(self) -> None:
        refused = UpstreamStatusError("overloaded", status=529, code="upstream_overloaded", retryable=True)
        asked = [ModelSelected(f"acme/{name}", "acme", name, "") for name in "ab"]
        usage = ended(Stream(Source(asked[0], [KNOWN], asked[1], refused)))[-2]
        assert [(each.model, each.input_tokens) for each in usage.attempts] == [("acme/a", 90), ("acme/b", 10)]
