"""When the circuit breaker lets requests pass: after failures, after slow answers, while probing, after recovery."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_headrace.providers.fallback.circuit_breaker import (
    FAILURE_THRESHOLD,
    FAILURE_WINDOW,
    PROBE_INTERVAL,
    BreakerPermit,
    CircuitBreaker,
)


class Clock:
    """A clock that the test advances."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(clock)


def fail(breaker: CircuitBreaker, times: int = 1) -> None:
    for _ in range(times):
        admission = breaker.acquire()
        assert admission is not None
        admission.fail("upstream_failed")
        admission.release()


def succeed(breaker: CircuitBreaker, times: int = 1) -> None:
    for _ in range(times):
        admission = breaker.acquire()
        assert admission is not None
        admission.succeed("began")
        admission.release()


class TestOpening:
    def test_takes_several_failures(self, breaker: CircuitBreaker) -> None:
        fail(breaker, FAILURE_THRESHOLD - 1)
        assert breaker.state == "closed"
        fail(breaker)
        assert (breaker.state, breaker.acquire(), breaker.retry_after) == ("open", None, PROBE_INTERVAL)

    def test_takes_half_of_the_last_attempts(self, breaker: CircuitBreaker) -> None:
        for _ in range(10):
            fail(breaker, 2)
            succeed(breaker, 3)
        assert breaker.state == "closed"
        for _ in range(FAILURE_THRESHOLD):
            succeed(breaker)
            assert breaker.state == "closed"
            fail(breaker)
        assert breaker.state == "open"

    def test_forgets_what_is_long_ago(self, breaker: CircuitBreaker, clock: Clock) -> None:
        fail(breaker, FAILURE_THRESHOLD - 1)
        clock.now += FAILURE_WINDOW + 1
        fail(breaker, FAILURE_THRESHOLD - 1)
        assert breaker.state == "closed"

    def test_is_not_brought_about_by_those_who_only_left(self, breaker: CircuitBreaker) -> None:
        for _ in range(20):
            breaker.acquire().release()
        assert (breaker.state, dict(breaker.outcomes)) == ("closed", {})

    def test_counts_how_attempts_ended(self, breaker: CircuitBreaker) -> None:
        succeed(breaker, 3)
        fail(breaker, 2)
        assert breaker.outcomes == {"began": 3, "upstream_failed": 2}
        assert repr(breaker) == "<CircuitBreaker closed, {'began': 3, 'upstream_failed': 2}>"


def test_it_tells_of_each_outcome_and_of_each_change_of_its_state(breaker: CircuitBreaker, clock: Clock) -> None:
    changes: list[tuple[str | None, str]] = []
    breaker.on_change = lambda outcome: changes.append((outcome, breaker.state))
    fail(breaker, FAILURE_THRESHOLD)
    clock.now += PROBE_INTERVAL
    breaker.acquire().release()
    clock.now += PROBE_INTERVAL
    succeed(breaker)
    assert changes[FAILURE_THRESHOLD - 1 :] == [
        ("upstream_failed", "open"),
        (None, "probing"),
        (None, "open"),
        (None, "probing"),
        ("began", "closed"),
    ]


def test_an_attempt_that_fails_twice_has_failed_once(breaker: CircuitBreaker) -> None:
    for _ in range(FAILURE_THRESHOLD - 1):
        admission = breaker.acquire()
        admission.fail("slow")
        admission.fail("upstream_broken")
        admission.succeed("upstream_invalid_request")
        admission.release()
    assert (breaker.state, dict(breaker.outcomes)) == ("closed", {"slow": FAILURE_THRESHOLD - 1})


class TestProbe:
    @pytest.fixture(autouse=True)
    def open_it(self, breaker: CircuitBreaker) -> None:
        fail(breaker, FAILURE_THRESHOLD)

    def test_is_one_request_in_an_interval(self, breaker: CircuitBreaker, clock: Clock) -> None:
        clock.now += PROBE_INTERVAL - 0.01
        assert breaker.acquire() is None
        clock.now += 0.01
        assert breaker.acquire() is not None
        assert (breaker.state, breaker.acquire()) == ("probing", None)

    def test_that_succeeds_closes_it(self, breaker: CircuitBreaker, clock: Clock) -> None:
        clock.now += PROBE_INTERVAL
        succeed(breaker)
        assert breaker.state == "closed"
        fail(breaker, FAILURE_THRESHOLD - 1)  # earlier outcomes are forgotten
        assert breaker.state == "closed"

    def test_that_fails_leaves_it_open_for_another_interval(self, breaker: CircuitBreaker, clock: Clock) -> None:
        clock.now += PROBE_INTERVAL
        fail(breaker)
        assert (breaker.state, breaker.acquire()) == ("open", None)
        clock.now += PROBE_INTERVAL
        assert breaker.acquire() is not None

    def test_that_is_slow_to_fail_is_waited_for(self, breaker: CircuitBreaker, clock: Clock) -> None:
        clock.now += PROBE_INTERVAL
        probe = breaker.acquire()
        clock.now += 2 * PROBE_INTERVAL
        assert breaker.acquire() is None
        probe.fail("first_token_timeout")
        assert breaker.retry_after == PROBE_INTERVAL

    def test_whose_reader_left_is_followed_by_another_in_its_time(self, breaker: CircuitBreaker, clock: Clock) -> None:
        clock.now += PROBE_INTERVAL
        probe = breaker.acquire()
        clock.now += 3
        probe.release()
        probe.release()
        assert (breaker.state, breaker.retry_after) == ("open", PROBE_INTERVAL - 3)

    def test_alone_decides(self, breaker: CircuitBreaker, clock: Clock) -> None:
        clock.now += PROBE_INTERVAL
        before = CircuitBreaker(clock).acquire()
        before._breaker = breaker  # an attempt that began before the breaker opened
        probe = breaker.acquire()
        before.succeed("began")
        assert breaker.state == "probing"
        probe.fail("upstream_failed")
        assert breaker.state == "open"


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 7), st.booleans()), max_size=80))
def test_while_open_it_admits_at_most_one_in_an_interval(steps: list[tuple[float, bool]]) -> None:
    clock = Clock()
    breaker = CircuitBreaker(clock)
    fail(breaker, FAILURE_THRESHOLD)
    opened, admitted = clock.now, []
    for seconds, is_answered in steps:
        clock.now += seconds
        admission = breaker.acquire()
        if admission is not None:
            admitted.append(clock.now)
            admission.fail("upstream_failed")
        if is_answered:
            assert breaker.state == "open"
    times = [opened, *admitted]
    assert all(later - earlier >= PROBE_INTERVAL for earlier, later in itertools.pairwise(times))


class TestThreads:
    """With one thread per request, two threads may be in the breaker at any line."""

    @pytest.fixture(autouse=True)
    def often(self) -> Iterator[None]:
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        yield
        sys.setswitchinterval(before)

    def test_may_all_tell_how_it_went(self, breaker: CircuitBreaker) -> None:
        def tell(_: int) -> None:
            for _ in range(1000):
                succeed(breaker)

        with ThreadPoolExecutor(16) as threads:
            list(threads.map(tell, range(16)))
        assert breaker.outcomes["began"] == 16 * 1000

    def test_are_not_let_in_while_another_tells_how_its_probe_went(self, breaker: CircuitBreaker, clock: Clock) -> None:
        fail(breaker, FAILURE_THRESHOLD)
        clock.now += PROBE_INTERVAL + 1
        probe = breaker.acquire()
        assert probe is not None
        clock.now += PROBE_INTERVAL + 1
        admitted: list[BreakerPermit | None] = []
        other = threading.Thread(target=lambda: admitted.append(breaker.acquire()))

        class MeetingClock:
            def __call__(self) -> float:
                if other.ident is None:
                    other.start()
                    other.join(0.05)  # the other thread waits for this one, or finishes at once
                return clock.now

        breaker._clock = MeetingClock()
        probe.fail("upstream_failed")
        other.join(5)
        assert admitted == [None]
