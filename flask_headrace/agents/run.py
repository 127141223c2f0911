"""Opens the run of an agent, in any of the forms in which libraries give it out, and translates what it yields.

This file depends on no library, and on no event loop.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Generator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

from ..core.events import Event
from ..core.source_errors import SourceTypeError


class Translator(Protocol):
    """Translates the items of one run into events. It keeps what a run has begun, such as calls of tools."""

    def translate(self, item: Any) -> Iterable[Event]:  # noqa: ANN401  # an object of the library
        """Return the events for an item; empty for an item that readers do not get."""
        ...

    def finish(self) -> Iterable[Event]:
        """Return the events at the end of the run: its usage, and how it ended."""
        ...


async def translated(run: object, translator: Translator) -> AsyncGenerator[Event, None]:
    """Yield the events of a run, which is opened and closed here."""
    async with opened(run) as source:
        items = items_of(source)
        try:
            async for item in items:
                for event in translator.translate(item):
                    yield event
        finally:
            await _close(items)
    for event in translator.finish():
        yield event


def translated_sync(items: Iterable[Any], translator: Translator) -> Generator[Event, None, None]:
    """Yield the events of a run that is iterated without asyncio, and close it."""
    try:
        for item in items:
            yield from translator.translate(item)
    finally:
        close: Callable[[], object] | None = getattr(items, "close", None)
        if close is not None:
            close()
    yield from translator.finish()


@asynccontextmanager
async def opened(run: object) -> AsyncIterator[object]:
    """Call a function, await an awaitable and enter an async context manager, until the run itself is there."""
    while not isinstance(run, AsyncIterable):
        if isinstance(run, AbstractAsyncContextManager):
            async with run as entered:
                yield entered
            return
        if inspect.isawaitable(run):
            run = await run
        elif callable(run):
            run = run()
        else:
            break
    yield run


def items_of(source: object) -> AsyncIterator[Any]:
    """Return the iterator of a run.

    Raises:
        TypeError: it is no async iterable; the message names its type.
    """
    if not isinstance(source, AsyncIterable):
        raise wrong_type(
            source, "give it what the library's method for streaming returns, or a function that calls that method"
        )
    return aiter(source)


def wrong_type(value: object, advice: str) -> SourceTypeError:
    """Return the error for a value that `events` cannot take. Readers are told its type, and the log the value."""
    return SourceTypeError(
        f"events() got {value!a:.200}: {advice}.", f"events() got an object of type {type(value).__name__}: {advice}."
    )


async def _close(items: AsyncIterator[Any]) -> None:
    close: Callable[[], Any] | None = getattr(items, "aclose", None)
    if close is not None:
        await close()
