"""Runs tool calls in tests, without a stream around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import gevent

from flask_headrace.core.application_events import ToolProgress, ToolResult
from flask_headrace.tools.local_tool import LocalTool, ToolContext, tool
from flask_headrace.tools.running import LocalCall, ToolLimits, run_calls

LIMITS = ToolLimits(seconds=20.0, result_bytes=1000)


def local_call(function: Callable[..., Any], index: int = 0, **arguments: Any) -> LocalCall:
    """Return a call of a tool, or of a function."""
    made = function if isinstance(function, LocalTool) else tool(function)
    return LocalCall(made, arguments, ToolContext(stream_id="s", call_id=f"c{index}", tool_name=made.name), index)


def begin(
    *calls: LocalCall, limits: ToolLimits = LIMITS, enter: Callable[[], AbstractContextManager[object]] = nullcontext
) -> Iterator[ToolProgress | ToolResult]:
    return run_calls(calls, limits, enter)


def run(*calls: LocalCall, **options: Any) -> list[ToolProgress | ToolResult]:
    with gevent.Timeout(30):
        return list(begin(*calls, **options))


def result_of(function: Callable[..., Any], **options: Any) -> ToolResult:
    """Return the result of one call without arguments."""
    [result] = [event for event in run(local_call(function), **options) if isinstance(event, ToolResult)]
    return result
