"""The client's socket: where each server has it, its state, and its time limits."""

from __future__ import annotations

import contextlib
import socket
import ssl
from _socket import socket as PlainSocket  # noqa: N812  # without gevent's patches
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any

_CLOSED_TCP_STATES = frozenset({4, 5, 6, 7, 8, 9, 11})
"""TCP states (linux/tcp_states.h) in which the peer has closed its side, or the connection is gone."""


class BorrowedSocket(PlainSocket):
    """A server's socket that is known by its descriptor alone; the server closes it."""


def client_socket(environ: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return the client's socket, which the thread of the request writes; None if it cannot be reached.

    Args:
        environ: The WSGI environment of a request under gunicorn, werkzeug, gevent.pywsgi or uWSGI.
    """
    if (client := environ.get("gunicorn.socket") or environ.get("werkzeug.socket")) is not None:
        return client
    if "uwsgi.version" in environ:
        return _uwsgi_socket()
    # gevent.pywsgi has the socket in the file from which it reads the body.
    file = getattr(environ.get("wsgi.input"), "rfile", None)
    return getattr(getattr(file, "raw", None), "_sock", None)


def _uwsgi_socket() -> BorrowedSocket | None:
    try:
        # The module exists only inside of uWSGI. The socket is borrowed: see `DisconnectWatcher.give_up`.
        return BorrowedSocket(fileno=import_module("uwsgi").connection_fd())
    except SystemError:
        return None  # the application does not answer in the greenlet or thread that uWSGI has called it in


def is_disconnected(client: Any) -> bool:  # noqa: ANN401  # gevent's socket, or the ssl module's
    """Whether the peer has closed its side of the connection, or the connection is gone.

    Args:
        client: A socket: gevent's, or the ssl module's.
    """
    try:
        if is_tcp(client) and hasattr(socket, "TCP_INFO"):
            state: int = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
            return state in _CLOSED_TCP_STATES
        if isinstance(client, ssl.SSLSocket):
            return False
        return not client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def is_tcp(client: Any) -> bool:  # noqa: ANN401
    """Whether a socket is one of TCP."""
    return client.family in {socket.AF_INET, socket.AF_INET6}


def set_timeouts(client: Any, seconds: float) -> None:  # noqa: ANN401
    """Let the kernel end a TCP connection whose peer does not respond, or accepts nothing.

    Args:
        client: A socket.
        seconds: Time until the peer counts as disconnected.
    """
    if not is_tcp(client):
        return
    options = _timeout_options(seconds)
    with contextlib.suppress(OSError):
        # An earlier request of the same connection may have set the options.
        if client.getsockopt(*options[-1][:2]) == options[-1][2]:
            return
    for level, option, value in options:
        with contextlib.suppress(OSError):
            client.setsockopt(level, option, value)


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
