"""Runs `async def` views and functions of the application in greenlets, any number at once.

asyncio notes the running event loop of each thread, and all greenlets share one thread: while the loop of one view
waits, asgiref, which Flask uses otherwise, can run no other and raises a RuntimeError. Here each call has a loop in its
own greenlet, which is not the running one while it waits. A function that blocks its greenlet, and awaits nothing,
keeps its turn: its loop must be the running one when it goes on.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any, ParamSpec, TypeVar

from flask import Flask
from gevent.lock import RLock

from .event_loop import has_one_loop

P = ParamSpec("P")
R = TypeVar("R")

_turn = RLock()
"""Held by the greenlet whose loop runs; one greenlet may run a loop inside of another's function."""


def run_async_views_in_greenlets(app: Flask) -> None:
    """Let an application run its `async def` functions as this module does, unless it has its own `async_to_sync`.

    Without gevent's patches they still run as Flask runs them, except in the requests of a test.

    Args:
        app: The application.
    """
    if "async_to_sync" in vars(app) or type(app).async_to_sync is not Flask.async_to_sync:
        return
    in_thread = app.async_to_sync

    def async_to_sync(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if not has_one_loop():
                result: R = in_thread(function)(*args, **kwargs)
                return result
            return run_in_greenlet(function(*args, **kwargs))

        return call

    app.async_to_sync = async_to_sync  # type: ignore[method-assign, assignment]  # as Flask documents it


def run_in_greenlet(coroutine: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine to its end in the current greenlet; others run while it waits.

    Args:
        coroutine: The coroutine. Context variables that it sets are set here afterwards, as asgiref does.
    """
    contexts: list[Context] = []

    async def run() -> R:
        try:
            return await coroutine
        finally:
            contexts.append(copy_context())

    with _turn:
        outer = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        loop = asyncio.SelectorEventLoop(_Selector())  # type: ignore[arg-type]  # it has a selector's methods
        try:
            return loop.run_until_complete(run())
        finally:
            try:
                _finish(loop)
            finally:
                asyncio._set_running_loop(outer)
                for variable, value in (contexts[0] if contexts else copy_context()).items():
                    if variable.get(None) is not value:
                        variable.set(value)


def _finish(loop: asyncio.AbstractEventLoop) -> None:
    """Do what `asyncio.run` does at its end."""
    try:
        if tasks := asyncio.all_tasks(loop):
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.wait(tasks))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


class _Selector:
    """A selector whose loop is not the running one while it waits: then other greenlets run."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for the loop's files, as `selectors.BaseSelector.select` does."""
        loop, hooks = asyncio._get_running_loop(), sys.get_asyncgen_hooks()
        asyncio._set_running_loop(None)
        sys.set_asyncgen_hooks(None, None)
        _turn.release()
        try:
            return self._selector.select(timeout)
        finally:
            _turn.acquire()
            asyncio._set_running_loop(loop)
            sys.set_asyncgen_hooks(*hooks)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever else a loop calls
        return getattr(self._selector, name)
