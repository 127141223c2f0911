"""One timer for many deadlines."""

from __future__ import annotations

import time

import gevent
import pytest

from flask_headrace.streaming.deadlines import TimeoutScheduler
from tests.support.event_loop import until


@pytest.fixture
def looking():
    """Make schedulers for given deadlines, and stop them after the test."""
    made: list[TimeoutScheduler] = []

    def make(deadlines, max_check_interval: float | None) -> TimeoutScheduler:
        made.append(TimeoutScheduler(deadlines, max_check_interval))
        made[-1].start()
        return made[-1]

    yield make
    for scheduler in made:
        scheduler.stop()


def test_what_is_due_is_done_once_its_time_has_come_and_not_before(looking) -> None:
    due, done = time.monotonic() + 0.05, []
    looking(lambda: [] if done else [(due, lambda: done.append(time.monotonic()))], 0.01)
    until(lambda: done)
    assert due <= done[0] < due + 1


def test_a_wait_that_is_moved_on_meanwhile_is_not_over(looking) -> None:
    done = []
    looking(lambda: [(time.monotonic() + 1, lambda: done.append(1))], 0.01)
    gevent.sleep(0.1)
    assert done == []


def test_a_wait_that_begins_later_is_seen_in_time(looking) -> None:
    deadlines, done = [], []
    looking(lambda: list(deadlines), 0.02)
    gevent.sleep(0.05)
    due = time.monotonic() + 0.02
    deadlines.append((due, lambda: (deadlines.clear(), done.append(time.monotonic()))))
    until(lambda: done)
    assert due <= done[0] < due + 1


def test_the_earliest_of_many_is_seen_first(looking) -> None:
    now, order = time.monotonic(), []
    deadlines = {name: now + seconds for name, seconds in {"late": 0.2, "soon": 0.02}.items()}
    looking(
        lambda: [(due, lambda n=name: (deadlines.pop(n), order.append(n))) for name, due in deadlines.items()], 0.01
    )
    until(lambda: not deadlines)
    assert order == ["soon", "late"]


def test_without_any_limit_there_is_no_timer(looking) -> None:
    asked = []
    looking(lambda: asked.append(1) or [], None)
    gevent.sleep(0.02)
    assert asked == []


def test_stopped_it_does_nothing_more(looking) -> None:
    asked = []
    scheduler = looking(lambda: asked.append(1) or [], 0.005)
    until(lambda: asked)
    scheduler.stop()
    scheduler.stop()
    asked.clear()
    gevent.sleep(0.03)
    assert asked == []


def test_may_be_stopped_by_what_it_calls(looking) -> None:
    called = []
    scheduler = looking(lambda: [(0, lambda: (called.append(1), scheduler.stop()))], 0.005)
    until(lambda: called)
    gevent.sleep(0.03)
    assert called == [1]


def test_looks_when_a_wait_is_over_and_not_only_at_fixed_times(looking) -> None:
    began, done = time.monotonic(), []
    looking(lambda: [] if done else [(began + 1.1, lambda: done.append(time.monotonic()))], 1)
    until(lambda: done)
    assert done[0] - began < 1.9  # the next look would be at 2


def test_is_set_for_the_wait_that_is_over_next(looking) -> None:
    asked = []
    due = time.monotonic() + 0.2

    def deadlines():
        asked.append(1)
        return [(due, lambda: None)] if time.monotonic() < due else []

    looking(deadlines, 0.05)
    gevent.sleep(0.19)
    assert len(asked) <= 2 * 6  # twice for each look, one look every 0.05 s
