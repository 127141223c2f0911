"""Closing an agent: all of its generators and tasks end with it, wherever it waits, before the close returns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import gevent
import pytest

from flask_headrace.streaming.async_source import MAX_ITEMS_AHEAD
from tests.streaming.test_async_source import Counting, items_of


@pytest.mark.parametrize("pause", [3600, 0])
def test_closing_returns_when_the_agent_has_cleaned_up(pause: float) -> None:
    """One waits for something itself; the other, which is far enough ahead, for its reader."""
    agent = Counting(pause)
    generator = agent.__aiter__()
    items = items_of(generator)
    next(items)
    gevent.sleep(0.05)
    items.close()  # type: ignore[attr-defined]
    assert agent.ended == ["CancelledError", "cleaned up"]
    items.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("count", [1, 3 * MAX_ITEMS_AHEAD])
def test_the_generators_inside_of_an_agent_are_closed_with_it(count: int) -> None:
    """Also while it waits for its reader, and although Python would leave the inner ones to its garbage collection."""
    agent = Counting()
    inner = agent.__aiter__()

    async def outer() -> AsyncIterator[int]:
        async for number in inner:  # without `aclosing`, as it is mostly written
            yield number

    items = items_of(outer())
    for _ in range(count):
        next(items)
    items.close()  # type: ignore[attr-defined]
    assert agent.ended == ["CancelledError", "cleaned up"]


@pytest.mark.parametrize("pause", [3600, 0])
@pytest.mark.parametrize("depth", [1, 4])
def test_what_an_agent_runs_in_tasks_of_its_own_is_cancelled_with_it(depth: int, pause: float) -> None:
    """As LangChain does; a task that is cancelled before its first step would not tell the generator inside of it."""

    async def outer(inner: AsyncIterator[int]) -> AsyncIterator[int]:
        async def following() -> int:
            return await anext(inner)

        while True:
            yield await asyncio.create_task(following())

    agent = Counting(pause)
    nested = agent.__aiter__()
    for _ in range(depth):
        nested = outer(nested)
    items = items_of(nested)
    next(items)
    gevent.sleep(0.02)  # it waits for what comes, or for its reader
    items.close()  # type: ignore[attr-defined]
    assert agent.ended == ["CancelledError", "cleaned up"]


def test_an_agent_that_never_waits_is_closed() -> None:
    ended = list[str]()

    async def busy() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        except GeneratorExit:
            await asyncio.sleep(0.01)
            ended.append("closed")
            raise

    items = items_of(busy())
    next(items)
    items.close()  # type: ignore[attr-defined]
    assert ended == ["closed"]
