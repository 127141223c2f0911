"""Runs the tool calls of one step side by side, each in a greenlet and an application context of its own.

Whoever iterates gets progress and results as they come. Closing the iterator, or killing its greenlet, ends the calls
that are still running.
"""

from __future__ import annotations

import inspect
import logging
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import gevent
from gevent.lock import Semaphore
from gevent.queue import Queue
from msgspec.structs import replace

from ..core.application_events import ToolProgress, ToolResult, data_size
from ..core.source_link import SourceLink, current_link
from ..providers.chat_request import Json
from ..streaming.async_source import async_items
from ..streaming.producer import SOURCE_CLOSE_TIMEOUT
from .local_tool import LocalTool, Progress, ToolContext
from .shown_value import ShownValue
from .tool_error import ToolError
from .tool_result import error_text, result_value

MAX_AT_ONCE = 32
"""Calls of one step that run at the same time; the others wait."""

TOO_MUCH = "The tool has run, but its result is left out: those of this step are too large together. Ask for less."
"""What the model is told of a result that does not fit beside the others."""

MAX_QUEUED = 16
"""Values that tools may be ahead of whoever iterates, before they wait."""

MAX_FULL_RESULTS = 32
"""Results of the maximum size that the calls of one step may have together."""

MIN_ROOM = 2**20
"""Bytes that the results of one step may have together, however small the maximum size is."""

MAX_READER_TURN = 0.05
"""Seconds that readers may take for a value before they are behind. Else a tool that floods them would never end."""

ABANDON_AFTER = 5.0
"""Seconds after which a call that was given up, and still runs, is logged."""

log = logging.getLogger("flask_headrace")


@dataclass(frozen=True, slots=True)
class LocalCall:
    """A tool call that is run here.

    Args:
        tool: The tool.
        arguments: The arguments, as the model has written them.
        context: What the tool is told.
        index: The number of the call within the answer; -1 for a call of the question's messages.
    """

    tool: LocalTool[..., Any]
    arguments: Json
    context: ToolContext
    index: int = -1

    @property
    def earlier_id(self) -> str | None:
        """The id of a call of the question's messages; None for a call within the answer."""
        return self.context.call_id if self.index < 0 else None


class ToolLimits(NamedTuple):
    """The limits of each call.

    Args:
        seconds: The time that a call may take, if its tool has no limit of its own; None for no limit.
        result_bytes: The bytes that a result may have as JSON.
    """

    seconds: float | None = 30.0
    result_bytes: int = 262144


def run_calls(
    calls: Sequence[LocalCall],
    limits: ToolLimits,
    enter: Callable[[], AbstractContextManager[object]],
    link: SourceLink | None = None,
) -> Iterator[ToolProgress | ToolResult]:
    """Run tool calls, and yield what each shows, and one `ToolResult` for each call.

    Closing the iterator ends the calls that still run, and waits a moment for them to clean up.

    Args:
        calls: The calls.
        limits: The limits of each call.
        enter: Returns the context in which a call runs, such as an application context.
        link: The link of the stream, for tools that ask models; None for none.
    """
    queue: Queue[ToolProgress | ToolResult] = Queue(MAX_QUEUED)
    room = Semaphore(MAX_AT_ONCE)
    running = [_RunningCall(call, limits=limits, enter=enter, queue=queue, room=room, link=link) for call in calls]
    supervisors = [gevent.spawn(call.supervise) for call in running]
    left, room_left = len(calls), max(MIN_ROOM, MAX_FULL_RESULTS * limits.result_bytes)
    try:
        while left:
            event = queue.get()
            if isinstance(event, ToolResult):
                left -= 1
                room_left -= data_size([event])
                if room_left < 0:
                    event = replace(event, result=None, error=TOO_MUCH)
            yield event
    finally:
        gevent.killall(supervisors, block=False)
        ending = [greenlet for call in running for greenlet in call.end()]
        if left:  # else all have their result, and one that does not stop delays nothing
            gevent.joinall(ending, SOURCE_CLOSE_TIMEOUT)


def error_result(call: LocalCall, message: str) -> ToolResult:
    """Return the result of a call that has failed, or that does not run."""
    return ToolResult(call.index, error=message, call_id=call.earlier_id)


class _RunningCall:
    def __init__(  # noqa: PLR0913  # what all calls of a step share
        self,
        call: LocalCall,
        *,
        limits: ToolLimits,
        enter: Callable[[], AbstractContextManager[object]],
        queue: Queue[ToolProgress | ToolResult],
        room: Semaphore,
        link: SourceLink | None,
    ) -> None:
        self._call, self._limits, self._enter, self._queue, self._room = call, limits, enter, queue, room
        self._link = link
        self._worker: Any = None
        self._blocked = 0.0  # seconds for which the readers were behind
        self._blocked_since: float | None = None

    def supervise(self) -> None:
        """Run the call in a greenlet of its own, and end it when its time is over, or when this greenlet is killed."""
        call = self._call
        limit = call.tool.timeout or self._limits.seconds
        with self._room:
            self._worker = gevent.spawn(self._run)
            try:
                self._wait(limit)
            finally:
                is_late = not self._worker.ready()
                self.end()
        if is_late:
            self._queue.put(error_result(call, f"The tool did not end within {limit:g} s."))
        elif isinstance(result := self._worker.value, ToolResult):
            self._queue.put(result)
        else:
            self._queue.put(error_result(call, "The tool was interrupted."))

    def end(self) -> list[Any]:
        """Interrupt the tool if it runs, and return its greenlet then. Does nothing the second time."""
        if self._worker is None or self._worker.ready():
            return []
        if not self._call.context.is_stopped:
            self._give_up()
        return [self._worker]

    def _wait(self, limit: float | None) -> None:
        """Wait for the tool, which may take `limit` seconds, without those in which it waits for readers."""
        began = time.monotonic()
        while not self._worker.ready():
            now = time.monotonic()
            left = None if limit is None else limit - (now - began - self._blocked - self._blocked_now(now))
            if left is not None and left <= 0:
                return
            self._worker.join(left)

    def _blocked_now(self, now: float) -> float:
        since = self._blocked_since
        return 0.0 if since is None else max(0.0, now - since - MAX_READER_TURN)

    def _give_up(self) -> None:
        self._call.context.is_stopped = True
        self._worker.kill(block=False)
        gevent.spawn_later(ABANDON_AFTER, self._log_if_running)

    def _log_if_running(self) -> None:
        if not self._worker.ready():
            log.error("stream %s: the tool %s does not stop and is abandoned", self._stream_id, self._call.tool.name)

    @property
    def _stream_id(self) -> str:
        return self._call.context.stream_id

    def _run(self) -> ToolResult:
        process = os.getpid()
        current_link.set(self._link)
        try:
            return ToolResult(self._call.index, self._result(), call_id=self._call.earlier_id)
        except gevent.GreenletExit:
            raise
        except ToolError as error:
            return error_result(self._call, error_text(error.message, self._limits.result_bytes))
        except BaseException as error:  # noqa: BLE001  # a tool may raise anything, and ends no other call
            return self._failure(error)
        finally:
            if os.getpid() != process:
                os._exit(0)  # the tool has forked: the copy of this process would answer the readers once more

    def _failure(self, error: BaseException) -> ToolResult:
        reference = secrets.token_hex(4)
        name = self._call.tool.name
        log.error("stream %s: the tool %s failed, reference %s", self._stream_id, name, reference, exc_info=error)
        return error_result(self._call, f"The tool failed. The log has the details under reference {reference}.")

    def _result(self) -> Any:  # noqa: ANN401  # a JSON value
        call = self._call
        arguments = call.tool.arguments.convert(call.arguments)
        if call.tool.context_name is not None:
            call.context.max_result_bytes = self._limits.result_bytes
            arguments[call.tool.context_name] = call.context
        function = call.tool.function
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            return self._sendable(self._last_async(function(**arguments)))
        with self._enter():
            value = function(**arguments)
            if inspect.isawaitable(value) or inspect.isasyncgen(value):
                value = self._last_async(value)
            elif inspect.isgenerator(value):
                value = self._last(value)
            # In the context: the value may load a part of itself from a database only now.
            return self._sendable(value)

    def _sendable(self, value: Any) -> Any:  # noqa: ANN401
        try:
            return result_value(value, self._limits.result_bytes)
        except ToolError as error:
            log.warning("stream %s: the tool %s: %s", self._stream_id, self._call.tool.name, error.message)
            raise

    def _last_async(self, value: Any) -> Any:  # noqa: ANN401  # an awaitable, or an async generator
        return self._last(async_items(_items(value), self._enter, f"the tool {self._call.tool.name}"))

    def _last(self, values: Any) -> Any:  # noqa: ANN401  # an iterator with `close`
        last = None
        waiting: ShownValue | None = None
        try:
            with closing(values):
                for value in values:
                    if waiting is not None:
                        waiting.finish()
                    if isinstance(value, Progress):
                        self._show(value.value)
                        waiting = None
                    else:
                        last, waiting = value, ShownValue(partial(self._show, value))
        finally:
            if waiting is not None:
                waiting.cancel()
        return last

    def _show(self, value: Any) -> None:  # noqa: ANN401
        call = self._call
        shown = self._sendable(value)
        if call.context.is_stopped:
            raise gevent.GreenletExit  # the tool has caught the one that it was sent
        self._blocked_since = time.monotonic()
        try:
            self._queue.put(ToolProgress(call.index, shown, call.earlier_id))
            gevent.sleep(0)  # a queue passes items on, while it has any, without a turn of the event loop
        finally:
            self._blocked += self._blocked_now(time.monotonic())
            self._blocked_since = None


async def _items(value: Any) -> AsyncIterator[Any]:  # noqa: ANN401  # an awaitable, or an async generator
    if inspect.isasyncgen(value):
        try:
            async for item in value:
                yield item
        finally:
            await value.aclose()
    else:
        yield await value
