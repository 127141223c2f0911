"""Checks that never end, whose caller has gone, or whose process dies: each ends, and the next one works."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import gevent
import pytest

from flask_headrace.core.errors import ChecksBusy
from flask_headrace.streaming.json_schema import sandbox
from flask_headrace.streaming.json_schema.sandbox import CheckAbortedError, Sandbox
from tests.support.event_loop import until
from tests.support.hostile_schemas import doubling_references, nested_dependent_schemas

MILL = {"type": "string"}


HOSTILE = {
    "followed for ever": (doubling_references(60), "1"),
    "dependent schemas below closed properties": (nested_dependent_schemas(60), '{"a": 1, "b": 2}'),
    "a pattern for every backtracking engine": ({"pattern": "a?" * 4000 + "a" * 4000}, f'"{"a" * 4000}"'),
    "nested repetition": ({"pattern": r"^(?=(a+))(\w+\s?)*$"}, f'"{"mill " * 400}!"'),
    "a megabyte of alternatives": ({"pattern": "|".join(f"w{n}" for n in range(120_000))}, '"w1"'),
    "memory": ({"enum": [list(range(600))] * 600}, str(list(range(601)))),
}


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    monkeypatch.setattr(sandbox, "CHECK_TIMEOUT", 60.0)  # a busy machine takes its time to start the process
    return Sandbox()


def children(box: Sandbox) -> list[str]:
    listed = Path(f"/proc/{box._process}/task/{box._process}/children")
    return listed.read_text().split()


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_check_ends_and_holds_nobody_up(box: Sandbox, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    schema, text = HOSTILE[case]
    box.check(MILL)
    monkeypatch.setattr(sandbox, "CHECK_TIMEOUT", 4.0)
    hostile = [gevent.spawn(ended_or_answered, box, schema, text) for _ in range(2)]
    until(lambda: box._running.total() == 2)
    assert box.check(MILL, "7") == 'at the top of the document, 7 is not of type "string"'
    gevent.joinall(hostile, timeout=30, raise_error=True)
    assert all(one.ready() for one in hostile)
    until(lambda: not children(box))


def ended_or_answered(box: Sandbox, schema: dict[str, Any], text: str) -> None:
    try:
        box.check(schema)
        box.check(schema, text)
    except CheckAbortedError:
        pass


def test_what_takes_too_long_is_ended(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    box.check(MILL)
    monkeypatch.setattr(sandbox, "CHECK_TIMEOUT", 1.0)
    with pytest.raises(CheckAbortedError):
        box.check(doubling_references(60), "1")
    until(lambda: not children(box))


def test_a_check_that_nobody_waits_for_is_ended_at_once(box: Sandbox) -> None:
    waiting = gevent.spawn(box.check, doubling_references(60), "1")
    until(lambda: box._process and children(box))
    waiting.kill()
    until(lambda: not children(box), 2.0)


def test_more_than_may_run_wait_for_their_turn_and_are_told_where_none_comes(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "MAX_CONCURRENT_CHECKS", 2)
    many = [gevent.spawn(box.check, MILL, '"x"') for _ in range(20)]
    assert [one.get(timeout=10) for one in many] == [None] * 20
    hostile = [gevent.spawn(box.check, doubling_references(60), "1") for _ in range(2)]
    until(lambda: box._running.total() == 2)
    monkeypatch.setattr(sandbox, "CHECK_TIMEOUT", 0.2)
    with pytest.raises(ChecksBusy):
        box.check(MILL)
    monkeypatch.setattr(sandbox, "CHECK_TIMEOUT", 60.0)
    gevent.killall(hostile)
    assert box.check(MILL) is None


def test_one_owner_leaves_slots_for_others(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "MAX_CONCURRENT_CHECKS", 3)
    monkeypatch.setattr(sandbox, "MAX_CONCURRENT_CHECKS_PER_OWNER", 2)
    monkeypatch.setattr(sandbox, "CHECK_TIMEOUT", 60.0)
    hostile = [gevent.spawn(box.check, doubling_references(60), "1", owner="mallory") for _ in range(6)]
    until(lambda: box._running.total() == 2)
    assert box.check(MILL, '"x"', owner="alice") is None
    assert box._running.total() == 2
    gevent.killall(hostile)
    assert not box._running


def test_however_many_wait_for_their_turn_they_do_not_look_more_often_than_the_worker_can_bear(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Sandbox] = []

    def has_no_turn(looking: Sandbox, _owner: str) -> bool:
        looks.append(looking)
        return False

    monkeypatch.setattr(sandbox, "CHECK_TIMEOUT", 1.0)
    monkeypatch.setattr(Sandbox, "_acquire_slot", has_no_turn)
    many = [gevent.spawn(box.check, MILL) for _ in range(500)]
    gevent.joinall(many, timeout=60)
    assert {type(one.exception) for one in many} == {ChecksBusy}
    assert len(looks) < 500 * 5
    assert box._waiting == 0


def test_a_process_that_has_died_is_started_again(box: Sandbox) -> None:
    for _ in range(2):
        assert box.check(MILL, "7") is not None
        os.kill(box._process, signal.SIGKILL)


def test_a_process_that_has_died_and_was_buried_by_others_is_started_again(box: Sandbox) -> None:
    for _ in range(2):
        assert box.check(MILL, "7") is not None
        os.kill(box._process, signal.SIGKILL)
        os.waitpid(box._process, 0)  # as libev does where an application has run a program


def test_a_process_that_stands_still_keeps_nobody_waiting_for_ever(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.check(MILL)
    process = box._process
    monkeypatch.setattr(sandbox, "CHECK_TIMEOUT", 1.0)
    os.kill(process, signal.SIGSTOP)
    try:
        with pytest.raises(CheckAbortedError):
            box.check(MILL)
    finally:
        os.kill(process, signal.SIGCONT)
    monkeypatch.setattr(sandbox, "CHECK_TIMEOUT", 60.0)
    assert box.check(MILL) is None


def test_any_thread_may_check(box: Sandbox) -> None:
    found: list[str | None] = []
    threads = [threading.Thread(target=lambda: found.append(box.check(MILL, "7"))) for _ in range(20)]
    for thread in threads:
        thread.start()
    gevent.get_hub().threadpool.apply(lambda: [thread.join(60) for thread in threads])
    assert found == ['at the top of the document, 7 is not of type "string"'] * 20
