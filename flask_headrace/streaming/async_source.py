"""Agents, and other sources written with asyncio, as iterators for the greenlet of a producer.

An agent runs as one task in the event loop of the agents (`agent_loop`), so that any number of them answer at the same
time, and one that blocks does not block a greenlet. It waits when its reader is behind, and is cancelled when the
iterator is closed.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from contextvars import Context
from typing import Any, Generic, TypeAlias, TypeVar

import gevent
import gevent.monkey
from gevent.event import Event

from ..core.source_errors import SourceTypeError
from .agent_loop import agent_loop

log = logging.getLogger("flask_headrace")

MAX_ITEMS_AHEAD = 16
"""Items that an agent yields before its reader takes one. It then waits until half of them are taken."""

MAX_TURNS_UNTIL_CANCELLED = 100
"""Turns of the loop in which an agent may come to its next wait, before it is cancelled wherever it is."""

T = TypeVar("T")

AsyncSource: TypeAlias = AsyncIterable[T] | Awaitable[AsyncIterable[T]]
"""An async generator, any other async iterable, or a coroutine that returns one."""

_allocate_lock: Callable[[], Any] = gevent.monkey.get_original("_thread", "allocate_lock")


def is_async(source: object) -> bool:
    """Whether a source must run in asyncio. One that can be iterated in both ways need not."""
    if asyncio.isfuture(source):
        return False  # it belongs to the loop that made it
    return inspect.isawaitable(source) or (isinstance(source, AsyncIterable) and not isinstance(source, Iterable))


def async_items(
    source: AsyncSource[T], enter: Callable[[], AbstractContextManager[object]], name: str = "the source of a stream"
) -> Iterator[T]:
    """Return an iterator of the items of an agent, which runs in the event loop of the agents meanwhile.

    Closing the iterator cancels the agent, and returns when the agent has ended. The iterator raises what the agent
    raises, and a TypeError if `source` is a coroutine that returns something else than an async iterable.

    Args:
        source: The agent. Nothing of it runs before the first item is asked for.
        enter: Returns the context in which the agent runs, such as an application context.
        name: Names the source in messages.
    """
    return _Agent(source, enter, name).iterate()


class _Agent(Generic[T]):
    """One agent: its task in the agents' thread, and its items on their way to the greenlet that reads them."""

    def __init__(self, source: AsyncSource[T], enter: Callable[[], AbstractContextManager[object]], name: str) -> None:
        self._source, self._enter, self._name = source, enter, name
        self._loop: asyncio.AbstractEventLoop
        self._task: asyncio.Task[None] | None = None
        self._items: deque[T] = deque()
        self._room = asyncio.Event()
        self._may_wait = self._is_between_items = False
        self._is_stopping = self._is_cancelled = self._has_ended = False
        self._error: BaseException | None = None
        self._woken = Event()
        self._watcher: Any = None
        self._watcher_lock = _allocate_lock()

    def __del__(self) -> None:
        if inspect.iscoroutine(self._source):
            self._source.close()  # Python would warn of a coroutine that nothing has awaited, since nobody has read

    # In the greenlet that reads

    def iterate(self) -> Iterator[T]:
        """Run the agent, and yield its items."""
        self._loop = agent_loop()
        hub: Any = gevent.get_hub()
        with hub.loop.async_() as self._watcher:
            self._watcher.start(self._woken.set)
            self._loop.call_soon_threadsafe(self._create_task, context=Context())
            try:
                yield from self._read()
            finally:
                self._stop()

    def _read(self) -> Iterator[T]:
        while True:
            self._woken.clear()
            has_ended = self._has_ended  # read before the items, which are complete then
            while self._items:
                yield self._items.popleft()
                if self._may_wait and len(self._items) <= MAX_ITEMS_AHEAD // 2:
                    self._loop.call_soon_threadsafe(self._room.set)
            if has_ended:
                break
            self._woken.wait()
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _stop(self) -> None:
        try:
            while not self._has_ended:
                self._is_stopping = True
                self._loop.call_soon_threadsafe(self._cancel)
                with suppress(gevent.GreenletExit):  # each kill cancels the agent again
                    self._wait_for_end()
        finally:
            with self._watcher_lock:
                self._watcher = None
        if self._error is not None and not isinstance(self._error, asyncio.CancelledError):
            log.error("%s failed to close", self._name, exc_info=self._error)

    def _wait_for_end(self) -> None:
        while not self._has_ended:
            self._woken.clear()
            if not self._has_ended:
                self._woken.wait()

    # In the thread of the agents

    def _create_task(self) -> None:
        self._task = self._loop.create_task(self._run())
        self._task.add_done_callback(self._end)
        if self._is_stopping:
            self._task.cancel()

    def _cancel(self, turns: int = MAX_TURNS_UNTIL_CANCELLED, previous: asyncio.Task[Any] | None = None) -> None:
        """Cancel the agent where it waits, which may be some turns of the loop later.

        An agent that does not wait would be closed from outside: only the outermost of its generators ends then, and
        those inside of it, which may have connections, stay until Python's garbage collection finds them.

        Args:
            turns: Turns of the loop after which the agent is cancelled wherever it is.
            previous: The innermost task of the agent at the turn before.
        """
        if self._task is None or self._task.done():
            return
        self._room.set()
        innermost = _innermost_task(self._task)
        is_begun = innermost is self._task or (innermost is not None and innermost is previous)
        if turns and (self._is_between_items or not is_begun):
            self._loop.call_soon(self._cancel, turns - 1, innermost)
        else:
            self._is_cancelled = True
            self._task.cancel()

    async def _run(self) -> None:
        try:
            with self._enter():
                iterable = await self._open()
                await self._closing(iterable, self._pass_on(iterable))
        except BaseException as error:  # noqa: BLE001  # raised where the items are read; SystemExit would end the loop
            self._error = error

    async def _open(self) -> AsyncIterable[T]:
        if isinstance(self._source, AsyncIterable):
            return self._source
        opened = await self._source
        if not isinstance(opened, AsyncIterable):
            found, advice = (
                f"{self._name} is a coroutine that returns",
                "return an async generator, or the like of one.",
            )
            raise SourceTypeError(
                f"{found} {opened!a:.200}: {advice}", f"{found} an object of type {type(opened).__name__}: {advice}"
            )
        return opened

    async def _closing(self, iterable: AsyncIterable[T], work: Awaitable[None]) -> None:
        try:
            await work
        finally:
            close = getattr(iterable, "aclose", None) or getattr(iterable, "close", None)
            closed = None if close is None else close()
            if inspect.isawaitable(closed):
                await closed

    async def _pass_on(self, iterable: AsyncIterable[T]) -> None:
        iterator: AsyncIterator[T] = aiter(iterable)
        while True:
            try:
                item = await anext(iterator)
            except StopAsyncIteration:
                return
            if self._is_cancelled:
                await _take_cancellation()
                return
            if not self._is_stopping:
                self._items.append(item)
                self._wake_reader()
            self._is_between_items = True
            try:
                await self._wait_for_reader()
            except asyncio.CancelledError:
                _cancel_at_next_wait()
            self._is_between_items = False

    async def _wait_for_reader(self) -> None:
        self._may_wait = True
        if len(self._items) >= MAX_ITEMS_AHEAD and not self._is_stopping:
            self._room.clear()
            await self._room.wait()
        self._may_wait = False
        await asyncio.sleep(0)  # lets other agents run, also where this one never waits

    def _end(self, task: asyncio.Task[None]) -> None:
        self._has_ended = True
        self._wake_reader()

    def _wake_reader(self) -> None:
        with self._watcher_lock:
            if self._watcher is not None:
                with suppress(ValueError):  # the reader's loop was destroyed with its thread
                    self._watcher.send()


def _innermost_task(task: asyncio.Task[Any]) -> asyncio.Task[Any] | None:
    """Return the task for which a task waits by way of others, or the task itself; None if that has just ended.

    Libraries run pieces of an agent in tasks inside of its task. One that is cancelled before its first step runs
    nothing, so that the generator that it would have continued does not learn of the cancellation.
    """
    while isinstance(inner := getattr(task, "_fut_waiter", None), asyncio.Task):
        if inner.done():
            return None
        task = inner
    return task


def _cancel_at_next_wait() -> None:
    """Pass a cancellation on to the agent, as if the agent had been waiting."""
    task: Any = asyncio.current_task()
    if hasattr(task, "uncancel"):  # from Python 3.11 on: it counts cancellations, and this is none that is new
        task.uncancel()
    task.cancel()


async def _take_cancellation() -> None:
    """Take a cancellation that the agent has not waited for, since it would interrupt the agent's own cleanup."""
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(0)
