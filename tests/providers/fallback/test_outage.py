"""An outage of a simulated minute under steady requests to a real server: the test advances the clock."""

from __future__ import annotations

import itertools

import pytest

from flask_headrace.providers.fallback.circuit_breaker import FAILURE_THRESHOLD, PROBE_INTERVAL, CircuitBreaker
from flask_headrace.providers.fallback.policy import Environment
from tests.providers.fallback.routing import Chain, Reading
from tests.support.event_loop import until
from tests.support.upstream import Close, HalfHead, Hang, Upstream, faults, openai_wire, plain, script

STEP = 0.25
"""Simulated seconds between two requests."""

BEGIN, END, LAST = 20.0, 80.0, 120.0
"""When the first model goes down, when it is up again, and when the test ends."""


class Clock:
    """A clock that the test and `sleep` advance."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


OUTAGES = {"refusing": plain.empty(503), "closing": script(HalfHead(), Close()), "forbidding": openai_wire.error(401)}


@pytest.mark.parametrize("outage", OUTAGES)
def test_is_one_that_no_reader_notices(own_upstream: Upstream, outage: str) -> None:
    clock = Clock()
    own_upstream.answer("b", openai_wire.answer("b"))
    chain = Chain(
        own_upstream,
        "openai/a",
        "openai/b",
        max_retries=1,
        retry_budget=30,
        breaker=lambda: CircuitBreaker(clock),
        environment=Environment(clock, clock.sleep, lambda: 0.0),
    )
    answered: list[tuple[float, str]] = []
    asked: list[float] = []
    due = 0.0
    while due < LAST:
        clock.now = max(clock.now, due)
        is_down = BEGIN <= clock.now < END
        own_upstream.answer("a", OUTAGES[outage] if is_down else openai_wire.answer("a"))
        before = len(own_upstream.requests("a"))
        at = clock.now
        answered.append((at, chain.ask().text))
        asked += [at] * (len(own_upstream.requests("a")) - before)
        due += STEP

    assert {text for _, text in answered} == {"a", "b"}
    assert len(answered) == LAST / STEP
    assert all(text == "b" for at, text in answered if BEGIN <= at < END)
    probes = [at for at in asked if BEGIN <= at < END][FAILURE_THRESHOLD:]
    assert 4 <= len(probes) <= (END - BEGIN) / PROBE_INTERVAL
    assert all(later - earlier >= PROBE_INTERVAL for earlier, later in itertools.pairwise(probes))
    back = next(at for at, text in answered if at >= END and text == "a")
    assert back <= END + PROBE_INTERVAL + STEP
    assert all(text == "a" for at, text in answered if at >= back)


def test_of_all_models_is_told_at_once_with_when_to_come_again(own_upstream: Upstream) -> None:
    clock = Clock()
    for model in "ab":
        own_upstream.answer(model, plain.empty(503))
    chain = Chain(
        own_upstream,
        "openai/a",
        "openai/b",
        breaker=lambda: CircuitBreaker(clock),
        environment=Environment(clock, clock.sleep),
    )
    for _ in range(FAILURE_THRESHOLD):
        assert chain.ask().end == "upstream_failed"
    assert chain.states() == ["open", "open"]
    clock.now += 4
    reading = chain.ask()
    assert (reading.error.status, reading.error.code, reading.error.retry_after) == (503, "model_unavailable", 6)
    assert reading.usage.cost == 0.0
    assert len(own_upstream.requests()) == 2 * FAILURE_THRESHOLD


class TestSlowness:
    def test_opens_it_where_another_model_can_take_over(self, own_upstream: Upstream) -> None:
        clock = Clock()
        for model in "ab":
            own_upstream.answer(model, openai_wire.answer(model))
        environment = Environment(clock, clock.sleep)
        chain = Chain(
            own_upstream,
            "openai/a",
            "openai/b",
            breaker=lambda: CircuitBreaker(clock),
            environment=environment,
            first_token_timeout=12.0,
            retry_budget=60,
        )
        ask = chain.deployments[0].provider.stream

        def slowly(question):
            clock.now += 7
            return ask(question)

        chain.deployments[0].provider.stream = slowly
        for _ in range(FAILURE_THRESHOLD):
            assert chain.ask().text == "a"
        assert chain.states() == ["open", "closed"]
        assert chain.ask().text == "b"
        assert chain.deployments[0].breaker.outcomes == {"slow": FAILURE_THRESHOLD}

        alone = Chain(
            own_upstream, "openai/a", breaker=lambda: CircuitBreaker(clock), environment=environment, retry_budget=60
        )
        alone.deployments[0].provider.stream = slowly
        for _ in range(FAILURE_THRESHOLD):
            assert alone.ask().text == "a"
        assert alone.states() == ["closed"]


def test_a_reader_that_leaves_during_the_probe_leaves_the_next_one_to_others(own_upstream: Upstream) -> None:
    clock = Clock()
    own_upstream.answer("a", plain.empty(503))
    own_upstream.answer("b", openai_wire.answer("b"))
    environment = Environment(clock, clock.sleep)
    chain = Chain(own_upstream, "openai/a", "openai/b", breaker=lambda: CircuitBreaker(clock), environment=environment)
    for _ in range(FAILURE_THRESHOLD):
        chain.ask()
    own_upstream.answer("a", script(Hang()))
    clock.now += PROBE_INTERVAL
    reading = Reading(chain.router)
    until(lambda: len(own_upstream.requests("a")) > FAILURE_THRESHOLD)
    assert chain.states() == ["probing", "closed"]
    reading.session.cancel("stopped")
    reading.read()
    assert chain.states() == ["open", "closed"]


class TestAWaitThatTheBudgetCutShort:
    """A first-token timeout that the budget has shortened is no failure of the model."""

    def test_is_no_failure_of_the_model(self, own_upstream: Upstream) -> None:
        for model in "ab":
            own_upstream.answer(model, script(Hang()))
        chain = Chain(
            own_upstream,
            "openai/a",
            "openai/b",
            retry_budget=0.6,
            first_token_timeout=0.2,
            last_first_token_timeout=1.5,
        )
        for _ in range(FAILURE_THRESHOLD):
            assert chain.ask().end == "first_token_timeout"
        assert [request.name for request in own_upstream.requests()] == ["a", "b"] * FAILURE_THRESHOLD
        assert chain.states() == ["open", "closed"]
        assert chain.deployments[1].breaker.outcomes == {}

    def test_is_one_where_it_had_all_of_it(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", script(Hang()))
        chain = Chain(own_upstream, "openai/a", retry_budget=0.1, last_first_token_timeout=60)
        for _ in range(FAILURE_THRESHOLD):
            assert chain.ask().end == "first_token_timeout"
        assert chain.states() == ["open"]

    def test_leaves_other_failures_as_they_are(self, own_upstream: Upstream) -> None:
        own_upstream.answer("a", script(Hang()))
        own_upstream.answer("b", plain.empty(503))
        chain = Chain(
            own_upstream, "openai/a", "openai/b", retry_budget=3, first_token_timeout=0.5, last_first_token_timeout=60
        )
        assert chain.ask().end == "upstream_failed"
        assert chain.deployments[1].breaker.outcomes == {"upstream_failed": 1}


def test_a_model_that_is_slow_and_then_breaks_off_has_failed_once(own_upstream: Upstream) -> None:
    clock = Clock()
    own_upstream.answer("a", faults.after(openai_wire.answer("a", "b"), 1, Close()))
    own_upstream.answer("b", openai_wire.answer("ab"))
    environment = Environment(clock, clock.sleep)
    chain = Chain(
        own_upstream, "openai/a", "openai/b", environment=environment, first_token_timeout=12.0, retry_budget=60
    )
    ask = chain.deployments[0].provider.stream

    def slowly(question):
        clock.now += 7
        return ask(question)

    chain.deployments[0].provider.stream = slowly
    for _ in range(FAILURE_THRESHOLD - 1):
        chain.ask()
    assert chain.deployments[0].breaker.outcomes == {"slow": FAILURE_THRESHOLD - 1}
    assert chain.states() == ["closed", "closed"]
