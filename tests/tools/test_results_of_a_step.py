"""The results of the calls of one step together."""

from __future__ import annotations

from decimal import Decimal

from flask_headrace.core.application_events import ToolResult
from flask_headrace.tools.local_tool import tool
from flask_headrace.tools.running import MAX_FULL_RESULTS, TOO_MUCH, ToolLimits
from tests.tools.calls import local_call, run

KIB = 1024


def test_what_is_too_large_together_is_told_to_the_model() -> None:
    ran: list[int] = []

    def export(n: int) -> str:
        ran.append(n)
        return "x" * (64 * KIB - 2)

    count = 3 * MAX_FULL_RESULTS
    events = run(*(local_call(export, n, n=n) for n in range(count)), limits=ToolLimits(20.0, 64 * KIB))
    results = [event for event in events if isinstance(event, ToolResult)]
    assert len(results) == len(ran) == count
    whole = [event for event in results if event.result is not None]
    assert len(whole) == MAX_FULL_RESULTS - 1  # the names of the fields count, too
    assert {event.error for event in results if event not in whole} == {TOO_MUCH}


def test_many_small_ones_are_whole_however_small_the_maximum_is() -> None:
    def one() -> int:
        return 1

    events = run(*(local_call(one, n) for n in range(1000)), limits=ToolLimits(20.0, 10))
    assert all(event.result == 1 for event in events if isinstance(event, ToolResult))


def test_a_time_limit_of_any_type_of_number_holds() -> None:
    @tool(timeout=Decimal(20))  # type: ignore[arg-type]  # that is the test
    def work() -> int:
        return 1

    assert [event.result for event in run(local_call(work)) if isinstance(event, ToolResult)] == [1]
