"""A client's socket while its response runs: notice that the reader has left, and let it notice that the answer broke.

Nothing reads the socket meanwhile, so a reader that goes away would be found out by the second write that fails, and
while the model is silent, never. Here the event loop watches the socket instead.

Where the connection's end is all that tells the end of the response (HTTP/1.0), a reader takes every proper one for the
end of the whole. There the connection is made such that it is reset unless somebody says that all was sent.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from gevent import get_hub

POLL_INTERVAL = 0.1
"""Seconds between two looks where data waits in the socket, so that its end does not show in it."""

_LINGER_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER for 0 seconds: who closes the socket, also the kernel after a process was killed, resets the connection."""
_LINGER_DEFAULT = struct.pack("ii", 0, 0)

_CLOSED_TCP_STATES = frozenset({4, 5, 6, 7, 8, 9, 11})
"""TCP states (linux/tcp_states.h) in which the peer has closed its side, or the connection is gone."""


class DisconnectWatcher:
    """Watches one client's socket until `stop`.

    Args:
        environ: The request's WSGI environment. A server that does not tell its socket there (as gunicorn and
            werkzeug do) leaves the reader unwatched: its leaving shows when a write fails.
        on_leave: Called once, in the event loop, when the reader has left; must not block.
    """

    __slots__ = ("_is_close_delimited", "_on_disconnect", "_resets_on_close", "_socket", "_watcher")

    def __init__(self, environ: Mapping[str, Any], on_leave: Callable[[], None]) -> None:
        self._socket: Any = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
        self._on_disconnect = on_leave
        self._watcher: Any = None
        self._resets_on_close = False
        self._is_close_delimited = _is_close_delimited(environ)
        if self._socket is not None:
            self._start(get_hub().loop.io(self._socket.fileno(), 1))

    def set_timeouts(self, seconds: float | None) -> None:
        """Let the kernel find out a peer that is gone without a word, within so many seconds. Needs a TCP socket."""
        if seconds is None or self._socket is None or not _is_tcp(self._socket):
            return
        options = _timeout_options(seconds)
        with contextlib.suppress(OSError):
            # An earlier request of this connection may have set them.
            if self._socket.getsockopt(*options[-1][:2]) == options[-1][2]:
                return
        for level, option, value in options:
            with contextlib.suppress(OSError):
                self._socket.setsockopt(level, option, value)

    def reset_on_close(self) -> None:
        """Let the connection be reset if it ends before `release`, where its end is all that tells the response's end.

        That needs a TCP socket: others are closed as they always are.
        """
        if self._is_close_delimited and self._socket is not None and _is_tcp(self._socket):
            self._resets_on_close = self._set_linger(_LINGER_RESET)

    def close_normally(self) -> None:
        """Let the connection end in good order: all was sent."""
        if self._resets_on_close:
            self._resets_on_close = False
            self._set_linger(_LINGER_DEFAULT)

    def reset(self) -> None:
        """Reset the connection now, where it is guarded. May be called twice.

        Servers shut a connection down before they close it, which would end it in good order. So they are left with
        another one in its place, whose reader has left.
        """
        if not self._resets_on_close or self._socket is None:
            return
        self._resets_on_close = False
        self.stop()
        ours, theirs = socket.socketpair()
        with contextlib.suppress(OSError), ours:
            theirs.close()
            os.dup2(ours.fileno(), self._socket.fileno(), inheritable=False)

    def _set_linger(self, how: bytes) -> bool:
        if self._socket is None:
            return False
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how)
        except OSError:
            return False  # it is closed, and that is that
        return True

    def shut_down(self) -> None:
        """Cut the connection off, so that a write that waits for the reader ends."""
        with contextlib.suppress(OSError):
            if self._socket is not None:
                # gevent's own `shutdown` would raise an error in the waiting write that servers take for a mistake.
                getattr(self._socket, "_sock", self._socket).shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Watch no more. May be called twice."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()
            watcher.close()

    def _start(self, watcher: Any) -> None:  # noqa: ANN401  # gevent's watchers are untyped
        self.stop()
        self._watcher = watcher
        watcher.start(self._check)

    def _check(self) -> None:
        if is_disconnected(self._socket):
            self.stop()
            self._on_disconnect()
        else:
            # A request that waits behind this one keeps the socket readable: look again later, not at once.
            self._start(get_hub().loop.timer(POLL_INTERVAL))


def is_disconnected(client: Any) -> bool:  # noqa: ANN401  # gevent's socket, or the ssl module's
    """Whether the peer has closed its side of a connection, or the connection is gone."""
    try:
        if _is_tcp(client) and hasattr(socket, "TCP_INFO"):
            state: int = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
            return state in _CLOSED_TCP_STATES
        if isinstance(client, ssl.SSLSocket):
            return False
        return not client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _is_close_delimited(environ: Mapping[str, Any]) -> bool:
    """Whether a response of unknown length ends with its connection: it is not sent in chunks."""
    # werkzeug's server answers in HTTP/1.0 where it has no threads.
    is_in_threads = environ.get("wsgi.multithread") or environ.get("wsgi.multiprocess")
    return environ.get("SERVER_PROTOCOL") == "HTTP/1.0" or ("werkzeug.socket" in environ and not is_in_threads)


def _is_tcp(client: Any) -> bool:  # noqa: ANN401
    return client.family in {socket.AF_INET, socket.AF_INET6}


@lru_cache(maxsize=8)
def _timeout_options(seconds: float) -> list[tuple[int, int, int]]:
    probe = max(1, int(seconds / 4))
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (
        ("TCP_KEEPIDLE", probe),
        ("TCP_KEEPINTVL", probe),
        ("TCP_KEEPCNT", 3),
        ("TCP_NOTSENT_LOWAT", 65536),
        ("TCP_USER_TIMEOUT", int(seconds * 1000)),
    ):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options
