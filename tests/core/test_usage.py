"""The usage of an answer, reported by its provider or estimated from its texts, and its price."""

from __future__ import annotations

import pytest

from flask_headrace.core.errors import UpstreamProtocolError
from flask_headrace.core.events import (
    Attempt,
    Completed,
    ReasoningDelta,
    ResponseStarted,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from flask_headrace.core.pricing import FREE, calculate_cost
from flask_headrace.core.usage import delta_text, estimate_tokens, estimate_usage, with_attempt
from tests.streaming.stage import CONTEXT, DONE, NARROW, REPORTED, Source, Stream, read_all, text
from tests.support.event_loop import settle, until

OPENAI = "https://api.openai.com/v1"


class TestOfAStream:
    def test_that_was_told_is_exact(self) -> None:
        stream = Stream(Source(text("x" * 400), [REPORTED, DONE]))
        assert read_all(stream)[-2] is REPORTED
        assert stream.session.usage is REPORTED

    def test_that_was_never_told_is_estimated_from_what_was_sent_and_said(self) -> None:
        stream = Stream(Source(text("x" * 399, "öö"), [DONE]))
        usage = read_all(stream)[-2]
        assert (usage.input_tokens, usage.output_tokens, usage.estimated, usage.cost) == (10, 101, True, 0.0)
        assert [attempt.model for attempt in usage.attempts] == [CONTEXT.model]

    def test_of_a_stream_that_was_stopped_counts_what_was_said_until_then(self) -> None:
        stream = Stream(Source(text("x" * 40)))
        until(lambda: stream.session.last_number)
        stream.session.cancel("stopped")
        usage = read_all(stream)[-2]
        assert (usage.output_tokens, usage.estimated) == (10, True)

    def test_of_a_stream_that_never_began_has_no_output(self) -> None:
        stream = Stream(Source(UpstreamProtocolError("no")))
        assert read_all(stream)[-2].output_tokens == 0

    def test_that_was_told_counts_though_the_reader_left_before_the_last_piece_was_taken(self) -> None:
        stream = Stream(Source([*text("x" * 200), REPORTED, DONE]), NARROW)
        until(lambda: stream.session.last_number)
        settle()
        stream.session.cancel("reader_left")
        assert read_all(stream)[-2] is REPORTED


class TestEstimate:
    @pytest.mark.parametrize(("size", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2), (400, 100)])
    def test_takes_four_bytes_for_a_token(self, size: int, tokens: int) -> None:
        assert estimate_tokens(size) == tokens

    def test_says_that_it_is_one_and_has_a_price(self) -> None:
        usage = estimate_usage("gpt-5-mini", OPENAI, prompt_bytes=400, answer_bytes=40)
        assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (100, 10, True)
        assert usage.cost == calculate_cost(OPENAI, "gpt-5-mini", 100, 10)

    @pytest.mark.parametrize(
        ("event", "text"),
        [
            (TextDelta("a"), "a"),
            (ReasoningDelta("b"), "b"),
            (ToolCallDelta(0, "{"), "{"),
            (ToolCallStarted(0, "c1", "find"), ""),
            (ResponseStarted("s", "m", "p"), ""),
            (Completed("stop"), ""),
        ],
    )
    def test_counts_what_the_model_wrote(self, event, text: str) -> None:
        assert delta_text(event) == text


class TestAttempts:
    def test_are_one_where_the_source_named_none(self) -> None:
        assert with_attempt(Usage(9, 2, cost=0.5), "acme/tiny").attempts == (Attempt("acme/tiny", 9, 2, 0.5),)

    def test_stay_as_the_source_named_them(self) -> None:
        assert with_attempt(REPORTED, "other/model") is REPORTED


class TestCost:
    def test_grows_with_the_tokens(self) -> None:
        few, many = calculate_cost(OPENAI, "gpt-5-mini", 9, 2), calculate_cost(OPENAI, "gpt-5-mini", 9000, 2000)
        assert many == pytest.approx(1000 * few)

    def test_is_less_for_what_the_cache_held(self) -> None:
        assert calculate_cost(OPENAI, "gpt-5-mini", 1000, 0, cached_tokens=900) < calculate_cost(
            OPENAI, "gpt-5-mini", 1000, 0
        )

    def test_of_the_embedded_model_is_nothing(self) -> None:
        assert calculate_cost(FREE, "smollm2", 9, 2) == 0

    @pytest.mark.parametrize(
        ("prices", "model"), [("http://127.0.0.1:9/v1", "gpt-5-mini"), (OPENAI, "no-such-model"), ("", ""), ("x", "x")]
    )
    def test_that_nobody_knows_is_none(self, prices: str, model: str) -> None:
        assert calculate_cost(prices, model, 9, 2) is None

    @pytest.mark.parametrize("more", [{"cached_tokens": 20}, {"cached_tokens": -1}, {"cache_write_tokens": -1}])
    def test_of_numbers_that_make_no_sense_is_none(self, more: dict[str, int]) -> None:
        assert calculate_cost(OPENAI, "gpt-5-mini", 9, 2, **more) is None


def test_tokens_that_were_told_without_a_price_before_a_cut_are_priced_at_the_end() -> None:
    prices = "https://api.openai.com/v1"
    sizes = {"prompt_bytes": 0, "answer_bytes": 80}
    unpriced, priced = (
        estimate_usage("gpt-4o", prices, known=Usage(1000, 2, cost=known), **sizes)
        for known in (None, estimate_usage("gpt-4o", prices, known=Usage(1000, 2), prompt_bytes=0, answer_bytes=0).cost)
    )
    assert (unpriced.input_tokens, unpriced.output_tokens, unpriced.estimated) == (1000, 20, True)
    assert unpriced.cost == pytest.approx(priced.cost)
    assert unpriced.cost
