"""Tool calls that run: what each kind of function returns and raises, and what each call keeps to itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import gevent
import pytest
from flask import abort
from gevent.event import Event as Flag

from flask_headrace.core.application_events import ToolProgress, ToolResult
from flask_headrace.tools import shown_value
from flask_headrace.tools.local_tool import ToolContext
from flask_headrace.tools.running import MAX_AT_ONCE, LocalCall, ToolLimits, run_calls
from flask_headrace.tools.tool_error import ToolError
from tests.tools.calls import begin, local_call, result_of, run


def plain() -> dict[str, int]:
    return {"n": 1}


def generator() -> Iterator[str]:
    yield "one"
    yield "two"
    yield "three"


def empty_generator() -> Iterator[str]:
    yield from ()


async def asynchronous() -> str:
    await asyncio.sleep(0)
    return "later"


async def async_generator() -> AsyncIterator[int]:
    yield 1
    await asyncio.sleep(0)
    yield 2


def awaitable() -> Any:
    return asynchronous()


def async_iterable() -> Any:
    return async_generator()


@pytest.mark.parametrize(
    ("function", "progress", "result"),
    [
        (plain, [], {"n": 1}),
        (generator, ["one", "two"], "three"),
        (empty_generator, [], None),
        (asynchronous, [], "later"),
        (async_generator, [1], 2),
        (awaitable, [], "later"),
        (async_iterable, [1], 2),
        (lambda_tool := (lambda: None), [], None),
    ],
)
def test_functions_of_every_kind_show_progress_and_return(function: Any, progress: list[Any], result: Any) -> None:
    if function is lambda_tool:
        function.__name__ = "nothing"
    *shown, last = run(local_call(function, 3))
    assert shown == [ToolProgress(3, value) for value in progress]
    assert last == ToolResult(3, result)


def test_a_value_is_shown_though_the_next_one_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown_value, "SHOW_AFTER", 0.01)
    is_shown = Flag()

    def patient() -> Iterator[str]:
        yield "half"
        assert is_shown.wait(20)
        yield "whole"

    events = run_calls([local_call(patient, 3)], ToolLimits(), contextlib.nullcontext)
    assert next(events) == ToolProgress(3, "half")
    is_shown.set()
    assert [event for event in events if isinstance(event, ToolResult)] == [ToolResult(3, "whole")]


def test_a_call_of_an_earlier_answer_is_named_by_its_id() -> None:
    events = run(local_call(generator, -1))
    assert [(event.index, event.call_id) for event in events] == [(-1, "c-1")] * 3


def exits() -> None:
    sys.exit(3)


def forbids() -> None:
    abort(403)


def breaks() -> None:
    raise ZeroDivisionError("secret")


def interrupts() -> None:
    raise KeyboardInterrupt


def times_out() -> None:
    with gevent.Timeout(0.001):
        gevent.sleep(60)


def breaks_while_it_shows() -> Iterator[int]:
    yield 1
    raise ZeroDivisionError("secret")


async def breaks_asynchronously() -> None:
    raise ZeroDivisionError("secret")


async def exits_asynchronously() -> None:
    sys.exit(3)


FAILING = [
    exits, forbids, breaks, interrupts, times_out, breaks_while_it_shows, breaks_asynchronously, exits_asynchronously,
]  # fmt: skip


@pytest.mark.parametrize("function", FAILING)
def test_what_a_tool_raises_is_logged_and_the_model_is_told_of_a_failure_alone(
    function: Any, caplog: pytest.LogCaptureFixture
) -> None:
    result = result_of(function)
    assert result.error is not None
    assert result.error.startswith("The tool failed. The log has the details under reference ")
    assert "secret" not in result.error
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert f"the tool {function.__name__} failed, reference {result.error.split()[-1].rstrip('.')}" in record.message
    assert record.exc_info is not None


def test_a_tool_error_is_told_to_the_model() -> None:
    def refuse() -> None:
        raise ToolError("there is no such order")

    def refuse_later() -> Iterator[int]:
        yield 1
        raise ToolError("gone")

    assert result_of(refuse) == ToolResult(0, error="there is no such order")
    assert result_of(refuse_later) == ToolResult(0, error="gone")


def test_a_tool_that_ends_its_own_greenlet_was_interrupted() -> None:
    def leave() -> None:
        raise gevent.GreenletExit

    assert result_of(leave) == ToolResult(0, error="The tool was interrupted.")


@pytest.mark.parametrize("value", [object(), "x" * 2000, "\ud800"])
def test_a_result_that_cannot_be_sent_is_told_to_the_model_and_logged(
    value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def give() -> Any:
        return value

    def show() -> Iterator[Any]:
        yield value
        yield 1

    for function in (give, show):
        caplog.clear()
        result = result_of(function)
        assert result.error is not None
        assert result.error.startswith("The result of the tool ")
        assert f"the tool {function.__name__}: The result of the tool " in caplog.text


def test_arguments_that_do_not_fit_are_told_and_the_tool_does_not_run() -> None:
    ran = []

    def find(number: int) -> None:
        ran.append(number)

    [result] = run(local_call(find, number="many"))
    assert isinstance(result, ToolResult)
    assert result.error == "The arguments do not fit: Expected `int`, got `str` - at `$.number`."
    assert not ran


def test_a_tool_that_forks_runs_on_in_one_process() -> None:
    def fork() -> str:
        child = os.fork()
        if child:
            os.waitpid(child, 0)
        return "of the parent" if child else "of the child"

    def fork_and_break() -> str:
        if os.fork() == 0:
            raise ZeroDivisionError
        return "of the parent"

    assert result_of(fork) == ToolResult(0, "of the parent")
    assert result_of(fork_and_break) == ToolResult(0, "of the parent")


def test_the_context_goes_to_the_parameter_of_its_type() -> None:
    def who(*, me: ToolContext) -> list[str]:
        return [me.call_id, me.stream_id]

    def maybe(me: ToolContext | None = None) -> list[str]:
        return [me.call_id] if me else []

    assert result_of(who).result == ["c0", "s"]
    assert result_of(maybe).result == ["c0"]


def test_calls_run_side_by_side_and_answer_as_they_end() -> None:
    flag = Flag()

    def first() -> str:
        flag.wait()
        return "first"

    def second() -> str:
        flag.set()
        return "second"

    assert [event.result for event in run(local_call(first), local_call(second, 1))] == ["second", "first"]  # type: ignore[union-attr]


def test_a_thousand_calls_run_some_at_a_time() -> None:
    running = most = 0

    def work(n: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        gevent.sleep(0)
        running -= 1
        return n

    events = run(*(local_call(work, n, n=n) for n in range(1000)))
    assert sorted(event.result for event in events) == list(range(1000))  # type: ignore[union-attr]
    assert most == MAX_AT_ONCE


def test_a_failure_of_one_call_is_none_of_the_others() -> None:
    calls = [local_call(function, n) for n, function in enumerate([*FAILING, plain])]
    results = {event.index: event for event in run(*calls) if isinstance(event, ToolResult)}
    assert len(results) == len(calls)
    assert results[len(FAILING)].result == {"n": 1}


def test_no_calls_are_no_events() -> None:
    assert run() == []


def test_context_variables_are_those_of_nobody_else() -> None:
    import contextvars  # noqa: PLC0415

    variable = contextvars.ContextVar("variable", default=0)

    def change() -> int:
        variable.set(variable.get() + 1)
        return variable.get()

    assert [event.result for event in run(local_call(change), local_call(change, 1))] == [1, 1]  # type: ignore[union-attr]
    assert variable.get() == 0


def test_closing_before_the_first_event_runs_nothing() -> None:
    ran: list[int] = []

    def work() -> None:
        ran.append(1)

    with contextlib.closing(begin(local_call(work))):  # type: ignore[type-var]
        pass
    gevent.sleep(0)
    assert not ran


def test_calls_know_their_place() -> None:
    call = local_call(plain, 4)
    assert (call.earlier_id, LocalCall(call.tool, {}, call.context).earlier_id) == (None, "c4")
