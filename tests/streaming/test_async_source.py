"""Agents as iterators: they run in one thread for all, no further ahead than allowed, and end with their iterator."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import re
import signal
import sys
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar, copy_context
from typing import Any

import gevent
import pytest

from flask_headrace.streaming.async_source import MAX_ITEMS_AHEAD, AsyncSource, async_items, is_async


def items_of(source: AsyncSource[Any], enter: Callable[[], Any] = contextlib.nullcontext) -> Iterator[Any]:
    return async_items(source, enter)


def wait_until(condition: Callable[[], object], limit: float = 5) -> None:
    with gevent.Timeout(limit):
        while not condition():
            gevent.sleep(0.005)


class Counting:
    """An agent that counts its items and its ends."""

    def __init__(self, pause: float = 0) -> None:
        self.yielded, self.ended, self._pause = 0, list[str](), pause

    async def __aiter__(self) -> AsyncIterator[int]:
        try:
            while True:
                self.yielded += 1
                yield self.yielded
                await asyncio.sleep(self._pause)
        except BaseException as error:
            self.ended.append(type(error).__name__)
            raise
        finally:
            await asyncio.sleep(0)
            self.ended.append("cleaned up")


async def words(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        await asyncio.sleep(0)
        yield text


async def opened(*texts: str) -> AsyncIterator[str]:
    return words(*texts)


@pytest.mark.parametrize("source", [words, opened])
def test_items_come_in_their_order(source: Callable[..., Any]) -> None:
    texts = [str(number) for number in range(5 * MAX_ITEMS_AHEAD)]
    assert list(items_of(source(*texts))) == texts
    assert list(items_of(source())) == []


def test_only_async_iterables_and_awaitables_are_agents() -> None:
    coroutine = opened()
    assert [is_async(source) for source in (words(), coroutine, Counting())] == [True] * 3
    loop = asyncio.new_event_loop()
    assert not is_async(loop.create_future())
    loop.close()
    assert [is_async(source) for source in ("text", ["a"], iter("a"), None, 7, words, print)] == [False] * 7
    coroutine.close()  # type: ignore[attr-defined]


def test_an_agent_begins_with_the_first_request_for_an_item() -> None:
    agent = Counting()
    items = items_of(agent)
    gevent.sleep(0.02)
    assert agent.yielded == 0
    assert next(items) == 1
    items.close()  # type: ignore[attr-defined]


def test_an_agent_does_not_run_ahead_of_its_reader() -> None:
    agent = Counting()
    items = items_of(agent)
    for taken in (1, 2, 3 * MAX_ITEMS_AHEAD):
        while next(items) < taken:
            pass
        gevent.sleep(0.05)
        assert taken < agent.yielded <= taken + MAX_ITEMS_AHEAD
    items.close()  # type: ignore[attr-defined]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout came with Python 3.11")
def test_a_time_limit_of_the_agent_holds_while_it_waits_for_its_reader() -> None:
    ended = list[str]()

    async def limited() -> AsyncIterator[int]:
        try:
            async with asyncio.timeout(0.1):
                while True:
                    yield 1
                    await asyncio.sleep(0)
        except TimeoutError:
            ended.append("timed out")
            yield 2

    items = items_of(limited())
    next(items)
    wait_until(lambda: ended)
    assert 2 in items


def test_all_agents_run_in_one_thread_which_is_not_the_readers() -> None:
    async def thread() -> AsyncIterator[int]:
        yield threading.get_native_id()

    seen = list[int]()
    readers = [threading.Thread(target=lambda: seen.extend(items_of(thread()))) for _ in range(3)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(seen) == 3
    assert {*seen} == {*items_of(thread())}
    assert threading.get_native_id() not in seen


def test_an_agent_runs_in_the_context_it_is_given_and_in_no_other() -> None:
    entered, outer = ContextVar("entered", default="no"), ContextVar("outer", default="no")

    @contextlib.contextmanager
    def enter() -> Iterator[None]:
        token = entered.set("yes")
        yield
        entered.reset(token)

    async def tells() -> AsyncIterator[str]:
        yield entered.get() + outer.get()

    def read() -> list[str]:
        outer.set("yes")
        return list(items_of(tells(), enter))

    assert copy_context().run(read) == ["yesno"]


def test_a_context_that_cannot_be_entered_fails_the_stream() -> None:
    with pytest.raises(ZeroDivisionError):
        list(items_of(words("a"), lambda: 1 / 0))


def test_the_exception_of_an_agent_is_raised_behind_its_items() -> None:
    async def breaks() -> AsyncIterator[str]:
        yield "one"
        raise ValueError("mine")

    items = items_of(breaks())
    assert next(items) == "one"
    with pytest.raises(ValueError, match="mine"):
        next(items)


@pytest.mark.parametrize("value", [None, "text", ["a"], 7])
def test_a_coroutine_that_returns_no_agent_is_an_error_that_names_its_value(value: object) -> None:
    async def returns() -> object:
        return value

    with pytest.raises(TypeError, match=re.escape(f"returns {value!a}: return an async generator")):
        list(items_of(returns()))  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_coroutine_that_nobody_reads_is_closed_without_a_warning() -> None:
    gc.collect()  # what other tests have left
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        items = items_of(opened("a"))
        del items
        gc.collect()


def test_an_error_in_the_cleanup_of_a_cancelled_agent_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def breaks() -> AsyncIterator[str]:
        try:
            yield "one"
            await asyncio.sleep(3600)
        finally:
            raise ValueError("while closing")

    items = items_of(breaks())
    next(items)
    with caplog.at_level(logging.ERROR):
        items.close()  # type: ignore[attr-defined]
    assert "failed to close" in caplog.text
    assert "while closing" in caplog.text


def test_each_kill_of_its_reader_cancels_the_agent_again() -> None:
    cancelled = list[int]()

    async def deaf() -> AsyncIterator[str]:
        yield "one"
        while len(cancelled) < 3:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:  # noqa: PERF203
                cancelled.append(1)

    reader = gevent.spawn(list, items_of(deaf()))
    gevent.sleep(0.02)
    for count in (1, 2, 3):
        reader.kill(block=False)
        wait_until(lambda count=count: len(cancelled) == count)  # type: ignore[misc]
    reader.join(5)
    assert reader.dead


def test_a_forked_process_has_a_loop_of_its_own() -> None:
    assert list(items_of(words("before"))) == ["before"]
    child = os.fork()
    if child == 0:  # pragma: no cover  # in the child
        signal.alarm(10)
        os._exit(0 if list(items_of(words("child"))) == ["child"] else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert list(items_of(words("after"))) == ["after"]
