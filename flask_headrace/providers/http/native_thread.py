"""Blocking work in its own native thread, with greenlets waiting for the result.

gevent's pool has ten threads for all users, and resolves names in them: long or abandoned work there would delay
others. Here an abandoned task occupies only its own thread.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

import gevent
import gevent.monkey
from gevent._hub_local import get_hub_if_exists
from gevent.event import Event

R = TypeVar("R")

_start_thread: Callable[..., int] = gevent.monkey.get_original("_thread", "start_new_thread")
_allocate_lock: Callable[[], Any] = gevent.monkey.get_original("_thread", "allocate_lock")


class ThreadTask(Generic[R]):
    """A function that runs in a new native thread. It starts at once, and runs to its end even if no caller waits.

    Args:
        work: The function. It must not touch greenlets of other threads.
        on_end: Called in the thread when `work` has ended, before waiting callers are resumed.
    """

    def __init__(self, work: Callable[[], R], on_end: Callable[[], object] = lambda: None) -> None:
        self._work, self._on_end = work, on_end
        self._lock = _allocate_lock()
        self._waiters: set[Any] = set()  # one watcher for each waiting caller, of the caller's loop
        self._results: list[R] = []
        self._error: BaseException | None = None
        self._is_done = False
        _start_thread(self._run, ())

    def result(self) -> R:
        """Wait in the current thread's loop until the work ends; return its result or raise its exception.

        It can be called several times, and from several threads.
        """
        # An async watcher may be triggered from another thread, and keeps the loop from ending for lack of work.
        woken = Event()
        with gevent.get_hub().loop.async_() as watcher:
            watcher.start(woken.set)
            with self._lock:
                self._waiters.add(watcher)
                is_done = self._is_done
            try:
                if not is_done:
                    woken.wait()
            finally:
                with self._lock:
                    self._waiters.discard(watcher)
        if self._error is not None:
            raise self._error
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001  # `result` raises it
            self._error = error
        finally:
            self._on_end()
            self._notify_waiters()
            hub = get_hub_if_exists()
            if hub is not None:  # the work has used gevent in this thread
                hub.destroy(destroy_loop=True)

    def _notify_waiters(self) -> None:
        with self._lock:
            self._is_done = True
            for watcher in self._waiters:
                with suppress(ValueError):  # its loop was destroyed with its thread, so no caller waits there
                    watcher.send()
