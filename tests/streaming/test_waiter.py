"""A waiting greenlet: woken once per wait, killed at any moment, and never woken in a later wait."""

from __future__ import annotations

import gevent
import pytest

from flask_headrace.streaming.waiter import GreenletWaiter
from tests.support.event_loop import settle, until


class Sleeper:
    """A greenlet that waits again and again, and counts how often it was woken."""

    def __init__(self, times: int = 10) -> None:
        self.waiter = GreenletWaiter()
        self.woken = 0
        self.greenlet = gevent.spawn(self._run, times)
        settle()

    def _run(self, times: int) -> None:
        for _ in range(times):
            self.waiter.wait()
            self.woken += 1


class TestWake:
    def test_lets_the_waiting_greenlet_run_in_the_next_turn(self) -> None:
        sleeper = Sleeper()
        sleeper.waiter.wake()
        assert sleeper.woken == 0
        settle()
        assert sleeper.woken == 1

    def test_twice_before_it_ran_wakes_once(self) -> None:
        sleeper = Sleeper()
        sleeper.waiter.wake()
        sleeper.waiter.wake()
        settle()
        assert sleeper.woken == 1
        assert sleeper.waiter.is_waiting

    def test_of_an_empty_place_is_not_remembered(self) -> None:
        waiter = GreenletWaiter()
        waiter.wake()
        waiter.switch_to()
        greenlet = gevent.spawn(waiter.wait)
        settle()
        assert not greenlet.dead
        greenlet.kill()

    def test_from_the_event_loop(self) -> None:
        sleeper = Sleeper()
        timer = gevent.get_hub().loop.timer(0.001)
        timer.start(sleeper.waiter.wake)
        until(lambda: sleeper.woken)
        timer.close()

    def test_of_one_that_has_moved_on_wakes_nobody(self) -> None:
        sleeper = Sleeper(times=1)
        sleeper.waiter.wake()
        sleeper.greenlet.join(1)
        sleeper.waiter.wake()
        settle()
        assert not sleeper.waiter.is_waiting


class TestRunNow:
    def test_lets_it_run_before_it_returns_itself(self) -> None:
        sleeper = Sleeper()
        sleeper.waiter.switch_to()
        assert sleeper.woken == 1

    def test_runs_it_before_others_that_are_ready(self) -> None:
        sleeper, order = Sleeper(), []
        gevent.spawn(lambda: order.append(sleeper.woken))
        sleeper.waiter.switch_to()
        settle()
        assert order == [1]

    def test_comes_back_when_it_waits_for_something_else(self) -> None:
        waiter = GreenletWaiter()
        greenlet = gevent.spawn(lambda: (waiter.wait(), gevent.sleep(60)))
        settle()
        waiter.switch_to()
        assert not greenlet.dead
        greenlet.kill()

    def test_comes_back_when_it_has_ended(self) -> None:
        sleeper = Sleeper(times=1)
        sleeper.waiter.switch_to()
        assert sleeper.greenlet.dead

    def test_comes_back_when_it_has_failed(self, monkeypatch) -> None:
        monkeypatch.setattr(gevent.get_hub(), "handle_error", lambda *_: None)
        waiter = GreenletWaiter()
        greenlet = gevent.spawn(lambda: (waiter.wait(), 1 / 0))
        settle()
        waiter.switch_to()
        assert isinstance(greenlet.exception, ZeroDivisionError)

    def test_after_wake_leaves_it_to_the_loop(self) -> None:
        sleeper = Sleeper()
        sleeper.waiter.wake()
        sleeper.waiter.switch_to()
        assert sleeper.woken == 0
        settle()
        assert sleeper.woken == 1

    def test_from_the_event_loop_wakes_it_in_the_next_turn(self) -> None:
        sleeper, at_once = Sleeper(), []
        gevent.get_hub().loop.run_callback(lambda: (sleeper.waiter.switch_to(), at_once.append(sleeper.woken)))
        settle()
        assert (at_once, sleeper.woken) == ([0], 1)

    def test_leaves_no_second_wake_behind_for_the_caller(self) -> None:
        sleeper = Sleeper()
        sleeper.waiter.switch_to()
        began, slept = gevent.get_hub().loop.now(), 0.02
        gevent.sleep(slept)
        gevent.get_hub().loop.update_now()
        assert gevent.get_hub().loop.now() - began >= slept * 0.9

    def test_by_two_callers_lets_both_go_on(self) -> None:
        first, second, done = Sleeper(), Sleeper(), []
        for name, sleeper in (("a", first), ("b", second)):
            gevent.spawn(lambda s=sleeper, n=name: ([s.waiter.switch_to() for _ in range(5)], done.append(n)))
        settle()
        assert done == ["a", "b"]
        assert (first.woken, second.woken) == (5, 5)

    def test_of_a_caller_that_is_killed_meanwhile_leaves_nothing_behind(self) -> None:
        waiter, after = GreenletWaiter(), []
        caller = gevent.spawn(lambda: (gevent.sleep(0), waiter.switch_to()))

        def kill_the_caller() -> None:
            waiter.wait()
            gevent.kill(caller)
            gevent.sleep(0)
            after.append(caller.dead)

        gevent.spawn(kill_the_caller)
        until(lambda: after == [True])

    def test_of_a_caller_that_is_killed_before_it_comes_back_does_not_wake_its_later_wait(self) -> None:
        sleeper, later, woken = Sleeper(), GreenletWaiter(), []

        def call() -> None:
            gevent.getcurrent().kill(block=False)
            try:
                sleeper.waiter.switch_to()
            except gevent.GreenletExit:
                later.wait()
                woken.append(True)

        caller = gevent.spawn(call)
        settle()
        assert sleeper.woken == 1
        assert later.is_waiting
        assert woken == []
        caller.kill()


class TestKill:
    def test_while_it_waits_ends_it_and_frees_the_place(self) -> None:
        sleeper = Sleeper()
        sleeper.greenlet.kill()
        assert sleeper.greenlet.dead
        assert not sleeper.waiter.is_waiting

    @pytest.mark.parametrize("order", ["woken first", "killed first"])
    def test_while_it_is_being_woken_does_not_wake_its_later_wait(self, order: str) -> None:
        waiter, later = GreenletWaiter(), GreenletWaiter()
        waits: list[str] = []

        def run() -> None:
            try:
                waiter.wait()
                waits.append("first")
                gevent.sleep(60)
            except gevent.GreenletExit:
                later.wait()
                waits.append("later")

        greenlet = gevent.spawn(run)
        settle()
        acts = [waiter.wake, lambda: greenlet.kill(block=False)]
        for act in acts if order == "woken first" else reversed(acts):
            act()
        settle()
        assert "later" not in waits
        assert later.is_waiting
        greenlet.kill()

    def test_by_a_time_limit_frees_the_place_for_the_next_wait(self) -> None:
        waiter = GreenletWaiter()
        for _ in range(2):
            with gevent.Timeout(0.01, exception=False):
                waiter.wait()
                raise AssertionError("nobody woke it")
        assert not waiter.is_waiting
