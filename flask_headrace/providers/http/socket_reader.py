"""Waits for the bytes of one socket, again and again, and takes what has arrived.

gevent would start and stop the watching for each wait, and make an object that waits: as much work as the receiving
itself. Here the watching goes on while the reader is at its work, and is stopped only if more arrives meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gevent import get_hub, getcurrent

if TYPE_CHECKING:
    from greenlet import greenlet

READ_SIZE = 65536
"""Bytes asked of the kernel at once."""


class SocketReader:
    """The incoming side of a plain socket.

    Args:
        socket: gevent's; nobody else may receive from it, or wait for it to become readable, before `stop`.
    """

    __slots__ = ("_is_watching", "_receive", "_waiting_greenlet", "_watcher")

    def __init__(self, socket: Any) -> None:  # noqa: ANN401  # gevent's sockets are untyped
        self._receive: Callable[[int], bytes] = socket._sock.recv
        self._watcher = socket._read_event
        self._is_watching = False
        self._waiting_greenlet: greenlet | None = None

    def receive(self) -> bytes:
        """Return what has arrived, waiting for it; empty at the end.

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
                # Bytes of their own each time: room that is kept would be another thread's, too, or each stream's.
                return self._receive(READ_SIZE)
            except BlockingIOError:
                pass  # woken for nothing
            finally:
                self._waiting_greenlet = None

    def stop(self) -> None:
        """Watch no more. May be called twice."""
        if self._is_watching:
            self._is_watching = False
            self._watcher.stop()

    def _on_readable(self) -> None:
        if self._waiting_greenlet is not None:
            self._waiting_greenlet.switch()
        else:
            self.stop()  # else the loop would call this without end
