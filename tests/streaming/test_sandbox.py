"""Checks that take for ever, are not waited for, or whose process dies: each ends, and the next one works."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import gevent
import pytest
from flask_headrace.streaming import sandbox
from flask_headrace.streaming.errors import ChecksBusy
from flask_headrace.streaming.sandbox import EndedError, Sandbox

from tests.loop import until

MILL = {"type": "string"}


def followed_twice(levels: int) -> dict[str, Any]:
    """Return a small schema that has a path for each number of so many bits."""
    deeper = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**deeper, f"d{levels}": {"type": "string"}}}


def below_closed(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"dependentSchemas": {"a": schema}}
    return {"unevaluatedProperties": False, **schema}


HOSTILE = {
    "followed for ever": (followed_twice(60), "1"),
    "dependent schemas below closed properties": (below_closed(60), '{"a": 1, "b": 2}'),
    "a pattern for every backtracking engine": ({"pattern": "a?" * 4000 + "a" * 4000}, f'"{"a" * 4000}"'),
    "nested repetition": ({"pattern": r"^(?=(a+))(\w+\s?)*$"}, f'"{"mill " * 400}!"'),
    "a megabyte of alternatives": ({"pattern": "|".join(f"w{n}" for n in range(120_000))}, '"w1"'),
    "memory": ({"enum": [list(range(600))] * 600}, str(list(range(601)))),
}


SHORT, LONG = 1.5, 60.0
"""Seconds for a check that is to be ended, and for one that is to be answered, also on a machine that is busy."""


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    monkeypatch.setattr(sandbox, "LIMIT", LONG)
    return Sandbox()


def check_within(limit: float, box: Sandbox, *what: Any) -> str | None:
    """Check within so many seconds. A check reads the limit when it begins, before any other greenlet runs."""
    sandbox.LIMIT = limit
    return box.check(*what)


def children(box: Sandbox) -> list[str]:
    listed = Path(f"/proc/{box._process}/task/{box._process}/children")
    return listed.read_text().split()


@pytest.mark.slow
@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_check_ends_and_holds_nobody_up(box: Sandbox, case: str) -> None:
    schema, text = HOSTILE[case]
    box.check(MILL)
    hostile = [gevent.spawn(ended_or_answered, box, schema, text) for _ in range(4)]
    gevent.sleep(0.1)
    assert check_within(LONG, box, MILL, "7") == 'at the top of the document, 7 is not of type "string"'
    gevent.joinall(hostile, timeout=30, raise_error=True)
    assert all(one.ready() for one in hostile)
    until(lambda: not children(box))


def ended_or_answered(box: Sandbox, schema: dict[str, Any], text: str) -> None:
    try:
        check_within(SHORT, box, schema)
        check_within(SHORT, box, schema, text)
    except EndedError:
        pass


def test_what_takes_too_long_is_ended(box: Sandbox) -> None:
    box.check(MILL)
    with pytest.raises(EndedError):
        check_within(SHORT, box, followed_twice(60), "1")
    until(lambda: not children(box))


def test_a_check_that_nobody_waits_for_is_ended_at_once(box: Sandbox) -> None:
    waiting = gevent.spawn(box.check, followed_twice(60), "1")
    until(lambda: box._process and children(box))
    waiting.kill()
    until(lambda: not children(box), 2.0)


def test_more_than_may_run_wait_for_their_turn_and_are_told_where_none_comes(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "MOST_AT_ONCE", 2)
    many = [gevent.spawn(box.check, MILL, '"x"') for _ in range(20)]
    assert [one.get(timeout=30) for one in many] == [None] * 20
    hostile = [gevent.spawn(box.check, followed_twice(60), "1") for _ in range(2)]
    until(lambda: box._running == 2)
    with pytest.raises(ChecksBusy):
        check_within(0.2, box, MILL)
    gevent.killall(hostile)
    assert check_within(LONG, box, MILL) is None


def test_a_process_that_has_died_is_started_again(box: Sandbox) -> None:
    for _ in range(2):
        assert box.check(MILL, "7") is not None
        os.kill(box._process, signal.SIGKILL)


def test_a_process_that_stands_still_keeps_nobody_waiting_for_ever(box: Sandbox) -> None:
    box.check(MILL)
    process = box._process
    os.kill(process, signal.SIGSTOP)
    try:
        with pytest.raises(EndedError):
            check_within(SHORT, box, MILL)
    finally:
        os.kill(process, signal.SIGCONT)
    assert check_within(LONG, box, MILL) is None


def test_any_thread_may_check(box: Sandbox) -> None:
    found: list[str | None] = []
    threads = [threading.Thread(target=lambda: found.append(box.check(MILL, "7"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    gevent.get_hub().threadpool.apply(lambda: [thread.join(LONG) for thread in threads])
    assert found == ['at the top of the document, 7 is not of type "string"'] * 8
