"""The usage of a stream whose source tries several models: per attempt, and the sum."""

from __future__ import annotations

import pytest

from flask_headrace.core.errors import UpstreamConnectionError, UpstreamProtocolError
from flask_headrace.core.events import Attempt, Event, ModelSelected, ResponseStarted, SuppressedOutput, Usage
from flask_headrace.core.pricing import FREE
from flask_headrace.core.usage import sum_usages
from flask_headrace.streaming.context import StreamLimits
from flask_headrace.streaming.session import StreamSession
from tests.streaming.stage import CONTEXT, DONE, Reader, Source, Stream, read_all, text
from tests.support.event_loop import until

BIG = ModelSelected("acme/big", "acme", "big", FREE)
SMALL = ModelSelected("best/small", "best", "small", "https://api.best.example")
NOTHING: list[Event] = [Usage(0, 0, cost=0.0)]


def attempts(usage: Event) -> list[tuple[str, int, int]]:
    assert isinstance(usage, Usage)
    return [(each.model, each.input_tokens, each.output_tokens) for each in usage.attempts]


class TestAnAnswerOfSeveralModels:
    def test_names_the_one_that_begins_it(self) -> None:
        stream = Stream(Source(BIG, NOTHING, SMALL, text("x"), [Usage(9, 2, cost=1.0), DONE]))
        events = Reader(stream.session)
        events.read()
        first = events.batches[0][0]
        assert (first.id, first.model, first.provider) == (stream.session.id, "best/small", "best")
        assert (stream.session.context.model, stream.session.context.owner) == ("best/small", CONTEXT.owner)

    @pytest.mark.parametrize(
        ("items", "known"),
        [
            ([text("x")], (10, 0)),
            ([[Usage(9, 1, 3, estimated=True)], text("x")], (9, 3)),
            ([BIG, [Usage(99, 1, estimated=True)], SMALL, text("x")], (10, 0)),
        ],
    )
    def test_begins_with_what_was_read_as_far_as_that_is_known(self, items, known: tuple[int, int]) -> None:
        stream = Stream(Source(*items, [DONE]))
        reader = Reader(stream.session)
        reader.read()
        begun = reader.batches[0][0]
        assert isinstance(begun, ResponseStarted)
        assert (begun.input_tokens, begun.cached_tokens) == known

    def test_counts_each_attempt_that_cost_something(self) -> None:
        reported = [Usage(9, 2, cached_tokens=3, reasoning_tokens=1, cost=0.5)]
        source = Source(BIG, NOTHING, BIG, text("x" * 40), SMALL, text("y" * 8), reported, [DONE])
        usage = read_all(Stream(source))[-2]
        assert attempts(usage) == [("acme/big", 10, 10), ("best/small", 9, 2)]
        assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens) == (19, 12, 3)
        assert (usage.reasoning_tokens, usage.cost, usage.estimated) == (1, 0.5, True)

    @pytest.mark.parametrize(
        "reported", [Usage(-9, 2), Usage(9, -2), Usage(9, 2, -1), Usage(9, 10**23), Usage(9, 2, cost=-1.0)]
    )
    def test_is_estimated_where_what_was_told_cannot_be(self, reported: Usage) -> None:
        usage = read_all(Stream(Source(text("x" * 40), [reported, DONE])))[-2]
        assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (10, 10, True)

    def test_is_exact_where_all_that_cost_was_told(self) -> None:
        known = [Usage(9, 2, cost=0.25)]
        usage = read_all(Stream(Source(BIG, text("x"), known, SMALL, text("y"), known, [DONE])))[-2]
        assert (usage.cost, usage.estimated) == (0.5, False)

    def test_costs_nobody_knows_what_where_one_price_is_not_known(self) -> None:
        usage = read_all(Stream(Source(BIG, text("x"), SMALL, text("y"), [DONE])))[-2]
        assert usage.cost is None
        assert [each.cost for each in usage.attempts] == [0.0, None]

    def test_counts_what_was_kept_from_the_reader_and_not_what_was_shown_after_all(self) -> None:
        source = Source(
            BIG,
            text("x" * 40),
            SMALL,
            SuppressedOutput(40),
            SuppressedOutput(-8),
            text("y" * 8),
            UpstreamProtocolError("gone"),
        )
        assert attempts(read_all(Stream(source))[-2]) == [("acme/big", 10, 10), ("best/small", 10, 10)]

    def test_that_nobody_gave_costs_what_the_silent_ones_have_read(self) -> None:
        usage = read_all(Stream(Source(BIG, SMALL, NOTHING, UpstreamConnectionError("no"))))[-2]
        assert attempts(usage) == [("acme/big", 10, 0)]

    def test_of_one_that_has_read_in_vain_costs_that_whatever_the_error_says(self) -> None:
        usage = read_all(Stream(Source(BIG, UpstreamConnectionError("another one"))))[-2]
        assert attempts(usage) == [("acme/big", 10, 0)]

    def test_that_nobody_was_asked_for_costs_nothing(self) -> None:
        usage = read_all(Stream(Source(BIG, NOTHING, UpstreamProtocolError("no"))))[-2]
        assert usage == Usage(0, 0, cost=0.0, attempts=(Attempt("acme/big", 0, 0, 0.0),))

    def test_that_is_stopped_counts_the_one_that_is_asked(self) -> None:
        stream = Stream(Source(BIG, text("x" * 40), SMALL))
        until(lambda: stream.session.context.model == "best/small")
        stream.session.cancel("stopped")
        assert attempts(read_all(stream)[-2]) == [("acme/big", 10, 10), ("best/small", 10, 0)]


class TestTime:
    LIMITS = StreamLimits(heartbeat=None, first_token=0.05, stall=0.05, duration=0.4, client=None)

    @pytest.mark.parametrize("before", [[], [text("x")]])
    def test_is_limited_by_a_source_that_selects_its_models(self, before: list[list[Event]]) -> None:
        stream = Stream(Source(BIG, *before), self.LIMITS)
        assert read_all(stream)[-1].code == "max_duration"

    def test_is_limited_by_the_session_for_any_other(self) -> None:
        assert read_all(Stream(Source(), self.LIMITS))[-1].code == "first_token_timeout"
        assert read_all(Stream(Source(text("x")), self.LIMITS))[-1].code == "stall_timeout"


def test_a_total_of_nothing_is_the_last_of_it() -> None:
    nothing = [Usage(0, 0, cost=0.0, attempts=(Attempt(model, 0, 0, 0.0),)) for model in ("a", "b")]
    assert sum_usages(nothing) is nothing[-1]


def test_a_session_says_whom_it_asks_from_the_start() -> None:
    session = StreamSession(CONTEXT, TestTime.LIMITS)
    assert session.context is CONTEXT
    session.cancel("stopped")
