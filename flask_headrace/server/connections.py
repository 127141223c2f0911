"""What a worker does with connections of clients outside of a request: look, read the rest, shut down."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable
from typing import Any

import gevent

LINGER_TIMEOUT, MAX_LINGER_BYTES = 5.0, 16 * 1024 * 1024
"""Limits, in seconds and bytes, for input that is read and discarded after a request was rejected early."""


def is_quiet(client: Any) -> bool:  # noqa: ANN401  # gevent's socket, or the ssl module's
    """Whether `client`, a connected socket, has received no bytes that are not read yet. Does not wait."""
    try:
        return not getattr(client, "_sock", client).recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return True


def discard_incoming(client: Any) -> None:  # noqa: ANN401  # gevent's socket, or the ssl module's
    """Shut down sending and discard input for a while, so that a client that is still sending can read its response.

    An immediate close with unread input resets the connection, and the client loses the response ("lingering close").
    """
    with contextlib.suppress(OSError), gevent.Timeout(LINGER_TIMEOUT, False):
        client.shutdown(socket.SHUT_WR)
        remaining = MAX_LINGER_BYTES
        while remaining > 0 and (data := client.recv(65536)):
            remaining -= len(data)
            gevent.sleep(0)


def shutdown_connections(clients: Iterable[Any]) -> None:
    """Shut down connections in both directions; greenlets that wait for one of them resume. Never raises."""
    for client in list(clients):
        with contextlib.suppress(OSError):
            getattr(client, "_sock", client).shutdown(socket.SHUT_RDWR)
