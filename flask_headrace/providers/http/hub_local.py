"""Objects that belong to one event loop, such as clients with connections, and the cleanup of a thread's loop.

If gevent has patched the process, all requests share one loop (gevent's hub) in one thread. Without the patches, each
thread that waits has its own loop. A socket can be waited for only in the loop in which it was created, and an object
that two loops share is shared by two threads.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

import gevent
import gevent.monkey
from gevent.hub import set_hub

THREAD_EXIT_TIMEOUT = 5.0
"""Maximum seconds for which an ending thread runs its loop, so that remaining greenlets can finish."""

A = TypeVar("A")
C = TypeVar("C")

_is_exiting = gevent.monkey.get_original("threading", "Event")()
atexit.register(_is_exiting.set)

_thread_local: Any = gevent.monkey.get_original("_thread", "_local")()


class HubLocal(Generic[A, C]):
    """One client, or another object that loops must not share, for each event loop.

    Args:
        make: Creates the client for an address. Called at the first `get` in a loop, so after gunicorn has forked.
        close: Closes the client of a loop that ends with its thread.
    """

    def __init__(self, make: Callable[[A], C], close: Callable[[C], object] = lambda _: None) -> None:
        self._make, self._close = make, close
        self._clients: WeakKeyDictionary[Any, tuple[A, C]] = WeakKeyDictionary()

    def get(self, address: A) -> C:
        """Return this loop's client for `address`; it replaces a client for another address."""
        hub = gevent.get_hub()
        known = self._clients.get(hub)
        if known is None or known[0] != address:
            if known is None and (end := _current_thread_exit()) is not None:
                end.callbacks.append(partial(self._close_client, hub))
            known = self._clients[hub] = (address, self._make(address))
        return known[1]

    def _close_client(self, hub: Any) -> None:  # noqa: ANN401  # gevent is untyped
        # The weak reference does not suffice: the client's sockets refer to their loop.
        known = self._clients.pop(hub, None)
        if known is not None and hub.loop is not None:
            self._close(known[1])


def destroy_hub_with_thread() -> None:
    """Destroy the current thread's event loop when the thread ends. Call this before waiting in the loop.

    Without this call, the loop's descriptors and resolver threads stay until the process ends. The main thread's loop
    is not affected.
    """
    _current_thread_exit()


def destroy_thread_hub() -> None:
    """Destroy the current thread's event loop now, if `destroy_hub_with_thread` was called; the next wait has another.

    The main thread's loop is not affected.
    """
    end: _ThreadExit | None = getattr(_thread_local, "end", None)
    if end is not None:
        _thread_local.end = None
        end.destroy_hub()


class _ThreadExit:
    """Destroys a thread's event loop: it is stored in a thread-local, which Python deletes when the thread ends."""

    __slots__ = ("callbacks", "hub")

    def __init__(self, hub: Any) -> None:  # noqa: ANN401
        self.hub = hub
        self.callbacks: list[Callable[[], object]] = []

    def __del__(self) -> None:
        self.destroy_hub()

    def destroy_hub(self) -> None:
        """Let the loop's greenlets finish, and destroy the loop. Idempotent."""
        if _is_exiting.is_set() or self.hub is None:
            return  # the process is ending, and greenlets cannot switch any more
        hub, self.hub = self.hub, None
        is_alive = hub.loop is not None
        try:
            if is_alive:
                # The thread's storage may have lost the hub already, and gevent would create another one.
                set_hub(hub)
                hub.join(THREAD_EXIT_TIMEOUT)
        finally:
            for call in self.callbacks:
                call()
            if is_alive:
                hub.destroy(destroy_loop=True)


def _current_thread_exit() -> _ThreadExit | None:
    hub = gevent.get_hub()
    if hub.main_hub:
        return None
    end: _ThreadExit | None = getattr(_thread_local, "end", None)
    if end is None or end.hub is not hub:
        end = _thread_local.end = _ThreadExit(hub)
    return end
