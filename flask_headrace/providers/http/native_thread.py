"""Work that blocks, in a native thread of its own, and the greenlets that wait for what comes of it.

gevent's own pool has ten threads for everybody, and looks up names in them: work there that takes long, or that nobody
waits for any more, would keep others from theirs. Here what is given up keeps its own thread alone.
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
    """One piece of work. It is begun at once, and goes on also where nobody waits for it any more.

    Args:
        work: What is done, in the thread. It may not touch greenlets of others.
        on_end: Called in the thread when it is done, before anybody is told.

    Attributes:
        is_done: Whether the work has ended, whichever end that was.
    """

    def __init__(self, work: Callable[[], R], on_end: Callable[[], object] = lambda: None) -> None:
        self._work, self._on_end = work, on_end
        self._lock = _allocate_lock()
        self._waiters: set[Any] = set()  # watchers, each of the loop that waits
        self._results: list[R] = []
        self._error: BaseException | None = None
        self.is_done = False
        _start_thread(self._run, ())

    def result(self) -> R:
        """Wait for the end of the work, in this thread's loop, and return what came of it, or raise its error."""
        # A watcher that the other thread may touch, and that keeps the loop from being taken for one without work.
        woken = Event()
        with gevent.get_hub().loop.async_() as watcher:
            watcher.start(woken.set)
            with self._lock:
                self._waiters.add(watcher)
                is_done = self.is_done
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
        except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
            self._error = error
        finally:
            self._on_end()
            self._notify_waiters()
            hub = get_hub_if_exists()
            if hub is not None:  # the work has waited in ways of gevent's
                hub.destroy(destroy_loop=True)

    def _notify_waiters(self) -> None:
        with self._lock:
            self.is_done = True
            for watcher in self._waiters:
                with suppress(ValueError):  # its loop was taken down with its thread: nobody waits there
                    watcher.send()
