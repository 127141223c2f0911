"""Threads for the blocking calls of agents, such as tools that are no coroutines and names that are resolved.

Where gevent has patched the process, the threads of asyncio's own executor would be greenlets of the agents' thread,
and a call that gevent does not know, such as one into a database driver written in C, would block every agent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import gevent.monkey
from gevent._hub_local import get_hub_if_exists

MAX_THREADS = 32
"""Blocking calls that run at the same time; further ones wait."""

P = ParamSpec("P")
R = TypeVar("R")

_start_thread: Callable[..., int] = gevent.monkey.get_original("_thread", "start_new_thread")
_allocate_lock: Callable[[], Any] = gevent.monkey.get_original("_thread", "allocate_lock")


class NativeExecutor(ThreadPoolExecutor):  # asyncio accepts no other class as its default executor
    """Runs each call in a native thread; a thread ends when no call waits."""

    def __init__(self) -> None:
        super().__init__(MAX_THREADS)
        self._lock = _allocate_lock()
        self._calls: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._thread_count = 0

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Run a call in a thread as soon as one is free, and return its future."""
        future: Future[R] = Future()
        with self._lock:
            self._calls.append((future, lambda: fn(*args, **kwargs)))
            is_thread_needed = self._thread_count < MAX_THREADS
            self._thread_count += is_thread_needed
        if is_thread_needed:
            _start_thread(self._work, ())
        return future

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._calls:
                    self._thread_count -= 1
                    break
                future, call = self._calls.popleft()
            _run(future, call)
        hub = get_hub_if_exists()
        if hub is not None:  # a call has used gevent in this thread
            hub.destroy(destroy_loop=True)


def _run(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001  # the future raises it
        future.set_exception(error)
    else:
        future.set_result(result)
