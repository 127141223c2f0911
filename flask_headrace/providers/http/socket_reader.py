"""Repeated reads from one socket with a single event-loop watcher.

gevent starts and stops a watcher and creates a waiter object for each wait, which costs as much as the read itself.
Here the watcher stays active between reads, and stops only if bytes arrive while no greenlet waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gevent import get_hub, getcurrent

if TYPE_CHECKING:
    from greenlet import greenlet

READ_SIZE = 65536
"""Maximum number of bytes of one read."""


class SocketReader:
    """The incoming side of a plain socket.

    Args:
        socket: A plain gevent socket. Before `stop`, no other code may receive from it or wait for it to be readable.
    """

    __slots__ = ("_is_watching", "_receive", "_waiting_greenlet", "_watcher")

    def __init__(self, socket: Any) -> None:  # noqa: ANN401  # gevent's sockets are untyped
        self._receive: Callable[[int], bytes] = socket._sock.recv
        self._watcher = socket._read_event
        self._is_watching = False
        self._waiting_greenlet: greenlet | None = None

    def receive(self) -> bytes:
        """Return the next bytes, and wait for them if none have arrived; empty at the end of the stream.

        Raises:
            OSError: the connection broke.
        """
        while True:
            self._waiting_greenlet = getcurrent()
            if not self._is_watching:
                self._is_watching = True
                self._watcher.start(self._on_readable)
            try:
                get_hub().switch()
                # New bytes each time: a reused buffer would be shared by threads, or cost memory for each stream.
                return self._receive(READ_SIZE)
            except BlockingIOError:
                pass  # spurious wakeup
            finally:
                self._waiting_greenlet = None

    def stop(self) -> None:
        """Stop the watcher. Idempotent."""
        if self._is_watching:
            self._is_watching = False
            self._watcher.stop()

    def _on_readable(self) -> None:
        if self._waiting_greenlet is not None:
            self._waiting_greenlet.switch()
        else:
            self.stop()  # otherwise the loop would call this again and again
