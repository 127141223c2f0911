"""Watches a client during its response: detects a disconnect, and marks an incomplete response as broken.

Nothing else reads the socket during a response, so without a watcher a disconnect would show only at the second failed
write, and never while the model is silent. The event loop watches the socket instead. Under a server that does not
pass the socket on, a probe is called again and again.

A response without a length or chunks (HTTP/1.0) ends with its connection, so a client takes every normal close for the
end of a complete response. `reset_on_close` makes such a connection end with a reset unless `close_normally` is called.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import ssl
import struct
from collections.abc import Callable, Mapping
from typing import Any

from gevent import get_hub

from .client_probe import client_probe
from .client_socket import BorrowedSocket, client_socket, is_disconnected, is_tcp, set_timeouts

POLL_INTERVAL = 0.1
"""Seconds between two checks by a probe, or of a socket with unread data, which hides the end of the connection."""

_LINGER_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of 0 s: closing the socket resets the connection, also when the kernel closes it for a killed process."""
_LINGER_DEFAULT = struct.pack("ii", 0, 0)


class DisconnectWatcher:
    """Watches one client from its creation until `stop`.

    Args:
        environ: The request's WSGI environment, by which the socket of gunicorn, werkzeug, gevent and uWSGI is found;
            see `client_probe` for other servers. With a server that has neither, the client is not watched, and its
            disconnect shows at a failed write.
        on_disconnect: Called once, in the event loop, after the client has disconnected; must not block.

    Attributes:
        has_disconnected: Whether the client has disconnected.
    """

    __slots__ = (
        "_is_close_delimited",
        "_must_raise",
        "_on_disconnect",
        "_probe",
        "_resets_on_close",
        "_socket",
        "_watcher",
        "has_disconnected",
    )

    def __init__(self, environ: dict[str, Any], on_disconnect: Callable[[], None]) -> None:
        self._socket: Any = client_socket(environ)
        self._on_disconnect = on_disconnect
        self._watcher: Any = None
        self._probe = client_probe(environ) if self._socket is None else None
        self._resets_on_close = self.has_disconnected = False
        self._is_close_delimited = _is_close_delimited(environ)
        self._must_raise = _must_raise(environ, self._socket)
        if self._socket is not None:
            self._start(get_hub().loop.io(self._socket.fileno(), 1))
        elif self._probe is not None:
            self._start(get_hub().loop.timer(POLL_INTERVAL))

    def set_timeouts(self, seconds: float | None) -> None:
        """Let the kernel detect a vanished peer, and a reader that accepts nothing.

        Args:
            seconds: Time until an unresponsive peer counts as disconnected; None for no timeout. Needs a TCP socket.
        """
        client = self._probe.socket if self._probe is not None else self._socket
        if seconds is not None and client is not None:
            set_timeouts(client, seconds)

    def reset_on_close(self) -> None:
        """Make the connection end with a reset unless `close_normally` follows, if its end marks the response's end.

        This needs a TCP socket; other sockets are closed normally.
        """
        if self._is_close_delimited and self._socket is not None and is_tcp(self._socket):
            self._resets_on_close = self._set_linger(_LINGER_RESET)

    def close_normally(self) -> None:
        """Let the connection end without a reset: the response is complete."""
        if self._resets_on_close:
            self._resets_on_close = False
            self._set_linger(_LINGER_DEFAULT)

    def reset(self) -> None:
        """Reset the connection now if `reset_on_close` is in effect. Idempotent.

        Servers shut a connection down before they close it, which would end it normally. So the server's socket is
        replaced by another one, whose peer is closed.
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
            return False  # the socket is already closed
        return True

    def break_connection(self) -> None:
        """End the connection before the response is complete, in a way in which the client notices it.

        The server then fails to write the end of the response. Nothing is raised, because middleware between this
        package and the server would report an error of the application.

        Raises:
            BrokenPipeError: the server must break the connection; see `_must_raise`.
        """
        if self.has_disconnected and self._probe is not None:
            return  # nobody is left who could notice it
        if self._socket is None or self._must_raise:
            raise _disconnected()
        self.reset()
        self.shut_down()

    def give_up(self) -> None:
        """Stop watching, and never touch the socket again: it may serve the connection's next request. Idempotent."""
        self.stop()
        if isinstance(self._socket, BorrowedSocket):
            self._socket.detach()
        self._socket = None

    def shut_down(self) -> None:
        """Shut the socket down, so that a write that waits for the client ends."""
        waiting_write: Any = getattr(self._socket, "_write_event", None)
        must_raise = self._must_raise or self._resets_on_close
        if waiting_write is not None:
            # Shut down first, the connection would end in good order for a client that reads on at this moment.
            self.reset()
        if must_raise and waiting_write is not None and waiting_write.active:
            get_hub().cancel_wait(waiting_write, _disconnected())
            return
        with contextlib.suppress(OSError):
            if self._socket is not None:
                # gevent's own `shutdown` would raise an error in the waiting write, which servers would log as a bug.
                getattr(self._socket, "_sock", self._socket).shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Stop watching. Idempotent."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()
            watcher.close()

    def _start(self, watcher: Any) -> None:  # noqa: ANN401  # gevent's watchers are untyped
        self.stop()
        self._watcher = watcher
        watcher.start(self._check)

    def _check(self) -> None:
        if is_disconnected(self._socket) if self._probe is None else self._probe.is_disconnected():
            self.stop()
            self.has_disconnected = True
            self._on_disconnect()
        else:
            # A pipelined request keeps the socket readable: check again later, not at once.
            self._start(get_hub().loop.timer(POLL_INTERVAL))


def _is_close_delimited(environ: Mapping[str, Any]) -> bool:
    """Whether a response without a length ends with its connection, because it is not sent in chunks."""
    if environ.get("SERVER_PROTOCOL") == "HTTP/1.0" or "uwsgi.version" in environ:
        return True
    # werkzeug's server responds with HTTP/1.0 unless it runs threads or processes.
    is_in_threads = environ.get("wsgi.multithread") or environ.get("wsgi.multiprocess")
    return "werkzeug.socket" in environ and not is_in_threads


def _disconnected() -> BrokenPipeError:
    """Return the error that servers take for a failed write, and do not log."""
    return BrokenPipeError(errno.EPIPE, "the client has disconnected")


def _must_raise(environ: Mapping[str, Any], client: Any) -> bool:  # noqa: ANN401
    """Whether breaking the connection at its socket would do harm.

    A connection of HTTP/2 has other requests, too. And werkzeug and gevent.pywsgi log the failed write to a socket with
    TLS as a bug, in contrast to a `BrokenPipeError`.
    """
    is_http2 = not environ.get("SERVER_PROTOCOL", "").startswith("HTTP/1")
    return is_http2 or (isinstance(client, ssl.SSLSocket) and "gunicorn.socket" not in environ)
