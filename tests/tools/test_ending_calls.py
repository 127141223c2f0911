"""Tool calls that end early: time limits, readers that leave, tools that do not stop, and readers that are behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import gevent
import pytest
from gevent.event import Event as Flag

from flask_headrace.core.application_events import ToolProgress, ToolResult
from flask_headrace.tools import running
from flask_headrace.tools.local_tool import ToolContext, tool
from flask_headrace.tools.running import MAX_QUEUED, ToolLimits
from tests.support.event_loop import until
from tests.tools.calls import begin, local_call, result_of, run

SHORT = ToolLimits(0.05, 1000)


class Witness:
    """Tools that wait, and what became of them."""

    def __init__(self) -> None:
        self.ends: list[str] = []
        self.has_begun = Flag()
        self.context: ToolContext | None = None

    def wait(self, context: ToolContext) -> None:
        self.context = context
        self.has_begun.set()
        try:
            gevent.sleep(60)
        except BaseException as error:
            self.ends.append(type(error).__name__)
            raise
        finally:
            gevent.sleep(0.01)
            self.ends.append("finally")

    def show(self, context: ToolContext) -> Iterator[str]:
        yield "begun"
        yield from self.wait(context) or ()

    async def async_wait(self, context: ToolContext) -> None:
        self.context = context
        self.has_begun.set()
        try:
            await asyncio.sleep(60)
        except BaseException as error:
            self.ends.append(type(error).__name__)
            raise
        finally:
            await asyncio.sleep(0.01)
            self.ends.append("finally")

    async def async_show(self, context: ToolContext) -> AsyncIterator[None]:
        yield None
        await self.async_wait(context)


KINDS = ["wait", "show", "async_wait", "async_show"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_that_takes_too_long_is_interrupted_and_told(kind: str) -> None:
    witness = Witness()
    result = result_of(getattr(witness, kind), limits=ToolLimits(0.2, 1000))
    assert result == ToolResult(0, error="The tool did not end within 0.2 s.")
    until(lambda: len(witness.ends) == 2)
    assert witness.ends == ["CancelledError" if "async" in kind else "GreenletExit", "finally"]
    assert witness.context is not None
    assert witness.context.is_stopped


def test_a_tools_own_time_goes_first() -> None:
    short = tool(timeout=0.05)(Witness().wait)
    assert result_of(short).error == "The tool did not end within 0.05 s."

    def work() -> int:
        gevent.sleep(0.1)
        return 1

    assert result_of(tool(timeout=20)(work), limits=SHORT).result == 1
    assert result_of(work, limits=ToolLimits(None, 1000)).result == 1


@pytest.mark.parametrize("kind", KINDS)
def test_closing_interrupts_the_calls_and_waits_for_their_cleanup(kind: str) -> None:
    witness = Witness()
    events = begin(local_call(getattr(witness, kind)), local_call(lambda_of("other"), 1))
    assert next(events)
    witness.has_begun.wait(20)
    with gevent.Timeout(10):
        events.close()  # type: ignore[attr-defined]
    assert witness.ends == ["CancelledError" if "async" in kind else "GreenletExit", "finally"]
    assert witness.context is not None
    assert witness.context.is_stopped


def lambda_of(value: Any) -> Any:
    def give() -> Any:
        return value

    return give


def test_killing_the_reader_interrupts_the_calls() -> None:
    witness = Witness()
    reader = gevent.spawn(run, local_call(witness.wait))
    witness.has_begun.wait(20)
    reader.kill(timeout=10)
    assert witness.ends == ["GreenletExit", "finally"]


def test_calls_that_wait_for_their_turn_never_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MAX_AT_ONCE", 1)
    witness, ran = Witness(), []

    def work() -> None:
        ran.append(1)

    reader = gevent.spawn(run, local_call(witness.wait), local_call(work, 1))
    witness.has_begun.wait(20)
    reader.kill(timeout=10)
    gevent.sleep(0.05)
    assert not ran


@pytest.mark.parametrize("is_shown", [False, True])
def test_a_tool_that_ignores_its_end_is_told_as_late_once_and_logged(
    is_shown: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(running, "ABANDON_AFTER", 0.05)
    may_end = Flag()

    def ignore() -> Any:
        while not may_end.is_set():
            try:
                may_end.wait(20)
            except BaseException:  # noqa: BLE001, PERF203
                if is_shown:
                    break
        yield "late"
        yield "later"

    try:
        other = local_call(lambda_of(1) if is_shown else ignore, 1)
        events = run(local_call(ignore), other, limits=SHORT)
        assert [event.index for event in events if isinstance(event, ToolResult) and event.error] == (
            [0] if is_shown else [0, 1]
        )
        assert not [event for event in events if isinstance(event, ToolProgress)]
        if not is_shown:
            until(lambda: "the tool ignore does not stop and is abandoned" in caplog.text)
    finally:
        may_end.set()
    assert all(record.levelno == logging.ERROR for record in caplog.records)


def test_closing_does_not_wait_long_for_a_tool_that_ignores_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "SOURCE_CLOSE_TIMEOUT", 0.05)
    may_end, has_begun = Flag(), Flag()

    def ignore() -> None:
        has_begun.set()
        while not may_end.is_set():
            with contextlib.suppress(BaseException):
                may_end.wait(20)

    reader = gevent.spawn(run, local_call(ignore))
    has_begun.wait(20)
    with gevent.Timeout(10):
        reader.kill()
    may_end.set()


def test_progress_waits_for_the_reader_whose_time_is_not_the_tools() -> None:
    shown = 0

    def show() -> Iterator[int]:
        nonlocal shown
        for n in range(100):
            shown = n
            yield n

    events = begin(local_call(show), limits=ToolLimits(0.2, 1000))
    assert next(events) == ToolProgress(0, 0)
    gevent.sleep(0.5)
    assert shown <= MAX_QUEUED + 3
    with gevent.Timeout(20):
        rest = list(events)
    assert rest[-1] == ToolResult(0, 99)
    assert len(rest) == 99


@pytest.mark.parametrize("seconds_for_each", [None, 0, 0.001])
def test_a_tool_that_shows_values_for_ever_is_ended_while_its_readers_keep_up(seconds_for_each: float | None) -> None:
    def flood() -> Iterator[int]:
        number = 0
        while True:
            yield (number := number + 1)

    events = begin(local_call(flood), limits=ToolLimits(0.3, 1000))
    with gevent.Timeout(10):
        for event in events:
            if seconds_for_each is not None:
                gevent.sleep(seconds_for_each)
            last = event
    assert isinstance(last, ToolResult)
    assert last.error == "The tool did not end within 0.3 s."
