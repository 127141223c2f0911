"""The asyncio event loop in which the agents of this process run, in one native thread.

One thread and one loop for all agents: their libraries keep clients with connections, and such a client belongs to the
loop that first used it. Where gevent has patched the standard library, the loop waits in gevent's hub of that thread:
sockets work there, and so do the threads that libraries start, which are greenlets of that thread.
"""

from __future__ import annotations

import asyncio
import logging
import os
import selectors
from collections.abc import Callable
from typing import Any

import gevent.monkey

from .native_executor import NativeExecutor
from .running_loop import keep_running_loops_apart

TURN_INTERVAL = 0.5
"""Seconds after which the loop turns though nothing has happened.

gevent wakes a greenlet that waits for a `queue.SimpleQueue` in another thread only when that thread's loop turns: an
ending process puts an item into the queue of each executor that a library keeps here, and waits for its threads.
"""

log = logging.getLogger("flask_headrace")

_start_thread: Callable[..., int] = gevent.monkey.get_original("_thread", "start_new_thread")
_allocate_lock: Callable[[], Any] = gevent.monkey.get_original("_thread", "allocate_lock")

_lock = _allocate_lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}  # by process, since a forked one has no thread for its parent's loop


def agent_loop() -> asyncio.AbstractEventLoop:
    """Return the running loop of the agents. The first call in a process starts its thread."""
    with _lock:
        loop = _loops.get(os.getpid())
        if loop is None:
            loop = _loops[os.getpid()] = _start_loop()
        return loop


def _start_loop() -> asyncio.AbstractEventLoop:
    started: list[asyncio.AbstractEventLoop] = []
    ready = _allocate_lock()
    ready.acquire()

    def run() -> None:
        keep_running_loops_apart()
        # Here, since sockets and selectors of gevent belong to the thread that creates them.
        loop = asyncio.SelectorEventLoop(selectors.DefaultSelector())
        loop.set_default_executor(NativeExecutor())
        started.append(loop)
        loop.call_soon(ready.release)
        _turn_regularly(loop)
        while True:
            try:
                loop.run_forever()
            except BaseException:  # noqa: PERF203  # such as SystemExit in a task of an agent, which ends a loop
                log.exception("the event loop of the agents was interrupted and goes on")

    _start_thread(run, ())
    ready.acquire()
    return started[0]


def _turn_regularly(loop: asyncio.AbstractEventLoop) -> None:
    loop.call_later(TURN_INTERVAL, _turn_regularly, loop)
