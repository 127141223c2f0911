"""A fallback chain before the first token: faults x chains; the answer, the requests to each model, and the usage."""

from __future__ import annotations

import logging
import time
from typing import Any, NamedTuple

import msgspec
import pytest

from flask_headrace.core.errors import InvalidRequest
from flask_headrace.core.events import AnswerRestarted, Cancelled, Completed, ResponseStarted
from flask_headrace.providers.chat_request import ResponseFormat
from flask_headrace.providers.fallback.policy import Environment
from tests.providers.fallback.routing import REQUEST, SHORT_WAIT, WIRES, Chain, Reading, request_intervals
from tests.support.event_loop import until
from tests.support.upstream import (
    Close,
    Ended,
    Hang,
    Refusal,
    Reset,
    Script,
    Upstream,
    anthropic_wire,
    faults,
    openai_wire,
    plain,
    script,
)

CHAINS = [("openai/a", "anthropic/b"), ("anthropic/a", "openai/b")]


class Fault(NamedTuple):
    """What the first model does, its number of attempts with one retry, and whether each attempt uses tokens."""

    script: Any
    attempts: int
    is_spent: bool = False


def later(status: int) -> Script:
    """Return an error with `Retry-After: 0.06`."""
    body = {"error": {"message": "later", "type": "server_error"}}
    return plain.json_body(body, status, ("retry-after-ms", "60"))


FAULTS = {
    "408": lambda wire: Fault(later(408), 2),
    "429": lambda wire: Fault(later(429), 2),
    "500": lambda wire: Fault(later(500), 2),
    "503": lambda wire: Fault(later(503), 2),
    "529": lambda wire: Fault(later(529), 2),
    "401": lambda wire: Fault(wire.error(401), 1),
    "403": lambda wire: Fault(wire.error(403), 1),
    "404": lambda wire: Fault(wire.error(404), 1),
    "quota": lambda wire: Fault(plain.json_body({"error": {"message": "", "code": "insufficient_quota"}}, 429), 1),
    "too long": lambda wire: Fault(plain.json_body({"error": {"message": "prompt is too long: 9 tokens"}}, 400), 1),
    # Anthropic reports the input tokens with its first event: they are known, whatever follows.
    "an error in the stream": lambda wire: Fault(wire.failing_after(0), 2, is_spent=wire is anthropic_wire),
    "closed before its head": lambda wire: Fault(script(Close()), 2, is_spent=True),
    "reset before its head": lambda wire: Fault(script(Reset()), 2, is_spent=True),
    "HTML": lambda wire: Fault(plain.html(200), 2, is_spent=True),
    "silent before its head": lambda wire: Fault(script(Hang()), 1, is_spent=True),
    "silent after its head": lambda wire: Fault(faults.silent(wire)["silent before its first delta"], 1, is_spent=True),
    "pings alone": lambda wire: Fault(faults.silent(wire)["pings alone"], 1, is_spent=True),
}

SILENT = {"silent before its head", "silent after its head", "pings alone"}


def test_a_question_that_a_provider_has_no_words_for_goes_to_the_next(own_upstream: Upstream) -> None:
    # Any JSON object is had by a tool that must be called, which this model refuses: and then there is no other way.
    refusal = {"error": {"type": "invalid_request_error", "message": "tool_choice: cannot be forced"}}
    own_upstream.answer("a", plain.json_body(refusal, 400))
    own_upstream.answer("b", openai_wire.answer("{}"))
    question = msgspec.structs.replace(REQUEST, response_format=ResponseFormat(None))
    chain = Chain(own_upstream, "anthropic/a", "openai/b", max_retries=1)
    reading = chain.ask(question)
    assert (reading.text, reading.session.terminal) == ("{}", Completed("stop"))
    assert [attempt.model for attempt in reading.session.usage.attempts] == ["openai/b"]
    assert not chain.deployments[0].breaker.outcomes
    alone = Chain(own_upstream, "anthropic/a").ask(question)
    assert isinstance(alone.session.error, InvalidRequest)
    assert alone.session.usage.cost == 0


class TestFault:
    @pytest.mark.parametrize("chain", CHAINS, ids="-".join)
    @pytest.mark.parametrize("name", FAULTS)
    def test_before_the_first_token_is_one_that_the_reader_does_not_notice(
        self, own_upstream: Upstream, name: str, chain: tuple[str, str]
    ) -> None:
        first, second = (WIRES[model.partition("/")[0]] for model in chain)
        fault = FAULTS[name](first)
        own_upstream.answer("a", fault.script)
        own_upstream.answer("b", second.answer("Hel", "lo", usage=(9, 2)))
        limit = SHORT_WAIT if name in SILENT else 10
        always_one = Environment(random=lambda: 1.0)
        reading = Chain(own_upstream, *chain, max_retries=1, first_token_timeout=limit, environment=always_one).ask()
        assert reading.text == "Hello"
        assert reading.events[-1] == Completed("stop")
        assert [(each.model, each.provider) for each in reading.events_of_type(ResponseStarted)] == [
            (chain[1], chain[1].partition("/")[0])
        ]
        assert not list(reading.events_of_type(AnswerRestarted))
        assert (reading.session.context.model, reading.error) == (chain[1], None)

        assert len(own_upstream.requests("a")) == fault.attempts
        assert len(own_upstream.requests("b")) == 1
        assert all(gap >= 0.06 for gap in request_intervals(own_upstream, "a"))
        until(lambda: all(request.ended for request in own_upstream.requests()))

        tried = [model for model, *_ in reading.attempts]
        assert tried == [chain[0]] * (fault.attempts if fault.is_spent else 0) + [chain[1]]
        assert reading.attempts[-1] == (chain[1], 9, 2)
        assert reading.usage.input_tokens == sum(read for _, read, _ in reading.attempts)
        assert reading.usage.estimated == fault.is_spent

    def test_of_no_connection_costs_nothing(self, own_upstream: Upstream) -> None:
        own_upstream.answer("b", WIRES["anthropic"].answer("ok", usage=(9, 2)))
        chain = Chain(own_upstream, "gone/a", "anthropic/b", max_retries=1)
        reading = chain.ask()
        assert reading.text == "ok"
        assert reading.attempts == [("anthropic/b", 9, 2)]
        assert chain.deployments[0].breaker.outcomes == {"upstream_unreachable": 2}


class TestWhatIsNotTheModelsFault:
    @pytest.mark.parametrize("model", ["openai/a", "anthropic/a"])
    def test_is_told_as_it_is(self, own_upstream: Upstream, model: str) -> None:
        wrong = {"error": {"type": "invalid_request_error", "message": "temperature: no"}}
        own_upstream.answer("a", plain.json_body(wrong, 400))
        chain = Chain(own_upstream, model, "openai/b", max_retries=2)
        reading = chain.ask()
        assert (reading.error.status, reading.error.code) == (400, "upstream_invalid_request")
        assert reading.error.message.endswith("temperature: no")
        assert chain.requested_models() == ["a"]
        assert (reading.usage.input_tokens, reading.usage.cost) == (0, 0.0)
        assert chain.deployments[0].breaker.outcomes == {"upstream_invalid_request": 1}

    @pytest.mark.parametrize(("model", "finish"), [("openai/a", "content_filter"), ("anthropic/a", "refusal")])
    def test_such_as_a_refusal_is_an_answer(self, own_upstream: Upstream, model: str, finish: str) -> None:
        wire = WIRES[model.partition("/")[0]]
        own_upstream.answer("a", wire.answer(Refusal("I will not."), finish=finish))
        chain = Chain(own_upstream, model, "openai/b")
        assert chain.ask().events[-1] == Completed("content_filter")
        assert chain.requested_models() == ["a"]


class TestContextWindow:
    def test_that_is_too_small_leads_to_the_next_with_more(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", openai_wire.error(400))  # context_length_exceeded
        own_upstream.answer("c", openai_wire.answer("ok"))
        known = {f"openai/{name}": {"context_window": size} for name, size in (("a", 100), ("b", 50), ("c", 200))}
        chain = Chain(own_upstream, *known, deployments=known)
        assert chain.ask().text == "ok"
        assert chain.requested_models() == ["a", "c"]
        assert chain.states() == ["closed"] * 3

    def test_that_nobody_has_is_told_by_the_last(self, own_upstream: Upstream) -> None:
        for model in "ab":
            own_upstream.answer(model, openai_wire.error(400))
        chain = Chain(own_upstream, "openai/a", "openai/b")
        assert chain.ask().error.code == "upstream_invalid_request"
        assert chain.requested_models() == ["a", "b"]


class TestWhatAModelCannotHonour:
    THINKING = msgspec.structs.replace(REQUEST, thinking={"type": "adaptive"})
    BOTH = msgspec.structs.replace(THINKING, seed=1)

    def test_is_asked_of_one_that_can(self, own_upstream: Upstream) -> None:
        own_upstream.answer("b", WIRES["anthropic"].answer("ok"))
        chain = Chain(own_upstream, "openai/a", "anthropic/b")
        assert chain.router.unsupported_features == frozenset()
        assert chain.ask(self.THINKING).text == "ok"
        assert chain.requested_models() == ["b"]

    def test_where_none_can_is_a_mistake_in_the_question(self, own_upstream: Upstream) -> None:
        chain = Chain(own_upstream, "openai/a", "anthropic/b")
        reading = chain.ask(self.BOTH)
        assert isinstance(reading.error, InvalidRequest)
        assert "seed, thinking" in reading.error.message
        assert reading.usage.input_tokens == 0
        assert chain.requested_models() == []
        assert Chain(own_upstream, "openai/a", "openai/b").router.unsupported_features == {"file_urls", "thinking"}


class TestRetry:
    def test_waits_longer_each_time_and_then_turns_to_the_next(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", plain.empty(503))
        own_upstream.answer("b", openai_wire.answer("ok"))
        slept: list[float] = []
        environment = Environment(sleep=slept.append, random=lambda: 0.0)
        assert Chain(own_upstream, "openai/a", "openai/b", max_retries=3, environment=environment).ask().text == "ok"
        assert slept == [0.25, 0.5, 1.0]
        assert len(own_upstream.requests("a")) == 4

    def test_honours_what_the_model_has_asked_for_and_adds_to_it(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", [openai_wire.error(429, retry_after=2), later(429), openai_wire.answer("ok")])
        slept: list[float] = []
        environment = Environment(sleep=slept.append, random=lambda: 1.0)
        assert Chain(own_upstream, "openai/a", max_retries=2, environment=environment).ask().text == "ok"
        assert slept == [2.5, pytest.approx(0.075)]

    def test_does_not_wait_for_longer_than_there_is_time(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", openai_wire.error(429, retry_after=30))
        own_upstream.answer("b", openai_wire.answer("ok"))
        chain = Chain(own_upstream, "openai/a", "openai/b", max_retries=2, retry_budget=20)
        begun = time.monotonic()
        assert chain.ask().text == "ok"
        assert time.monotonic() - begun < 5
        assert chain.requested_models() == ["a", "b"]

    def test_that_is_of_no_use_is_told_with_what_the_model_has_asked_for(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", openai_wire.error(429, retry_after=30))
        own_upstream.answer("b", openai_wire.error(401))
        error = Chain(own_upstream, "openai/a", "openai/b", retry_budget=20).ask().error
        # The reader cannot correct the other model's key.
        assert (error.status, error.retry_after) == (429, 30)

    def test_ends_with_the_budget_whatever_models_are_left(self, own_upstream: Upstream) -> None:
        for model in "abc":
            own_upstream.answer(model, script(Hang()))
        chain = Chain(own_upstream, "openai/a", "openai/b", "openai/c", retry_budget=1, first_token_timeout=0.6)
        begun = time.monotonic()
        reading = chain.ask()
        assert 0.9 < time.monotonic() - begun < 5
        assert (reading.error.status, reading.error.code) == (504, "first_token_timeout")
        assert chain.requested_models() == ["a", "b"]
        until(lambda: all(request.closed for request in own_upstream.requests()))

    def test_ends_with_the_budget_also_where_nobody_is_left(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", script(Hang()))
        begun = time.monotonic()
        reading = Chain(own_upstream, "openai/a", retry_budget=SHORT_WAIT, last_first_token_timeout=60).ask()
        assert time.monotonic() - begun < 5
        assert reading.end == "first_token_timeout"


class TestAKeyThatIsRefused:
    @pytest.mark.parametrize("status", [401, 403])
    def test_is_told_loudly_to_the_operator(self, own_upstream: Upstream, status: int, caplog) -> None:
        own_upstream.answer("a", openai_wire.error(status))
        own_upstream.answer("b", openai_wire.answer("ok"))
        chain = Chain(own_upstream, "openai/a", "openai/b")
        with caplog.at_level(logging.INFO):
            assert chain.ask().text == "ok"
        (loud,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert loud.message.startswith(f"openai/a of smart: openai refused the request with status {status}.")
        assert "sk-test" not in caplog.text
        assert list(chain.deployments[0].breaker.outcomes) == [
            {401: "upstream_unauthorized", 403: "upstream_forbidden"}[status]
        ]


class TestLeaving:
    def test_between_two_attempts_makes_no_further_one(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", openai_wire.error(429, retry_after=20))
        chain = Chain(own_upstream, "openai/a", "openai/b", max_retries=2, retry_budget=60)
        reading = Reading(chain.router)
        until(lambda: own_upstream.requests("a")[0].ended)
        reading.session.cancel("stopped")
        assert reading.read().events[-1] == Cancelled("stopped")
        assert chain.requested_models() == ["a"]
        assert (reading.usage.input_tokens, reading.usage.cost) == (0, 0.0)

    @pytest.mark.parametrize(
        "name", ["silent before its head", "silent before its first delta", "silent after a delta"]
    )
    def test_closes_the_model_that_has_taken_over(self, own_upstream: Upstream, name: str) -> None:
        own_upstream.answer("a", script(Close()))
        own_upstream.answer("b", faults.silent(openai_wire)[name])
        chain = Chain(
            own_upstream, "openai/a", "openai/b", last_first_token_timeout=60, retry_budget=60, idle_timeout=60
        )
        reading = Reading(chain.router)
        until(lambda: own_upstream.requests("b"))
        reading.session.cancel("stopped")
        reading.read()
        until(lambda: own_upstream.requests("b")[0].closed)
        assert own_upstream.requests("b")[0].ended is Ended.ABORTED
        assert [model for model, *_ in reading.attempts] == ["openai/a", "openai/b"]
        assert reading.usage.estimated


class TestWeights:
    def test_draw_who_is_asked_first(self, own_upstream: Upstream) -> None:
        weights = {"openai/a": {"weight": 1}, "openai/b": {"weight": 3}, "openai/c": {"weight": 0}}
        for random_number, order in [(0.0, "abc"), (0.24, "abc"), (0.26, "bac"), (0.99, "bac")]:
            environment = Environment(random=lambda random_number=random_number: random_number)
            chain = Chain(own_upstream, *weights, deployments=weights, is_weighted=True, environment=environment)
            own_upstream.start_afresh()
            chain.ask()  # all of them are unknown there, and refused with 404
            assert "".join(chain.requested_models()) == order
