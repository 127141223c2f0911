"""What belongs to one event loop, such as clients with their connections, and the end of a loop with its thread.

Where gevent's patches are in place, all requests share one loop (gevent's hub) in one thread. Without them each thread
that waits has a loop of its own. A socket can only be waited for in the loop in which it was made, and what is shared
by two loops is shared by two threads.
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
"""Seconds for which a thread that ends lets its loop run on, where greenlets still have something to do in it."""

A = TypeVar("A")
C = TypeVar("C")

_is_exiting = gevent.monkey.get_original("threading", "Event")()
atexit.register(_is_exiting.set)

_thread_local: Any = gevent.monkey.get_original("_thread", "_local")()


class HubLocal(Generic[A, C]):
    """One client for each event loop, or whatever else is not to be shared between loops.

    Args:
        make: Makes the client for an address. Called when it is first needed, so after gunicorn has forked.
        close: Closes the client of a loop that ends with its thread.
    """

    def __init__(self, make: Callable[[A], C], close: Callable[[C], object] = lambda _: None) -> None:
        self._make, self._close = make, close
        self._clients: WeakKeyDictionary[Any, tuple[A, C]] = WeakKeyDictionary()

    def get(self, address: A) -> C:
        """Return this loop's client for an address; one for another address is let go of."""
        hub = gevent.get_hub()
        known = self._clients.get(hub)
        if known is None or known[0] != address:
            if known is None and (end := _current_thread_exit()) is not None:
                end.callbacks.append(partial(self._close_client, hub))
            known = self._clients[hub] = (address, self._make(address))
        return known[1]

    def _close_client(self, hub: Any) -> None:  # noqa: ANN401  # gevent is untyped
        # Not by the weak reference: the client's sockets know their loop.
        known = self._clients.pop(hub, None)
        if known is not None and hub.loop is not None:
            self._close(known[1])


def destroy_hub_with_thread() -> None:
    """Have the present thread's event loop taken down when the thread ends; for whoever is about to wait in it.

    Else its descriptors and its threads for name lookups would stay for as long as the process. The main thread's loop
    ends with the process.
    """
    _current_thread_exit()


class _ThreadExit:
    """The end of a thread: it lies in the thread's own storage, which is taken apart by the thread as it ends."""

    __slots__ = ("callbacks", "hub")

    def __init__(self, hub: Any) -> None:  # noqa: ANN401
        self.hub = hub
        self.callbacks: list[Callable[[], object]] = []

    def __del__(self) -> None:
        if _is_exiting.is_set():
            return  # all of it ends with the process, and greenlets switch no more
        is_alive = self.hub.loop is not None
        try:
            if is_alive:
                # The storage has lost it by now perhaps, and gevent would make another one.
                set_hub(self.hub)
                self.hub.join(THREAD_EXIT_TIMEOUT)
        finally:
            for call in self.callbacks:
                call()
            if is_alive:
                self.hub.destroy(destroy_loop=True)


def _current_thread_exit() -> _ThreadExit | None:
    hub = gevent.get_hub()
    if hub.main_hub:
        return None
    end: _ThreadExit | None = getattr(_thread_local, "end", None)
    if end is None or end.hub is not hub:
        end = _thread_local.end = _ThreadExit(hub)
    return end
