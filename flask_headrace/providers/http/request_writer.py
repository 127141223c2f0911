"""Sends a request, and stops if the server responds early: a server that rejects a request may not read all of it.

This module knows gevent's plain and TLS sockets, and no HTTP.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import gevent
import gevent.socket

from .socket_reader import READ_SIZE

MAX_TLS_RECORD_BYTES = 16384
"""Maximum size of a TLS record (RFC 8446, section 5.1)."""

READ_WRITE_EVENTS = 3
"""The event loop's flag for "readable or writable" (`gevent.socket` has no name for it)."""


def send_request(
    sock: Any,  # noqa: ANN401  # gevent's sockets are untyped
    data: bytes,
    timeout: float | None,
    has_incoming_data: Callable[[], bool],
) -> tuple[bool, bytes]:
    """Send `data` completely, unless the response begins first.

    Args:
        sock: A gevent socket, plain or TLS.
        data: The request's bytes.
        timeout: Seconds to wait for the kernel to accept all bytes; None for no limit.
        has_incoming_data: Returns whether a plain socket has bytes to read.

    Returns:
        Whether all bytes were sent; and bytes of the response that had to be read to notice it (TLS only).

    Raises:
        TimeoutError: `timeout` has passed.
        OSError: the connection broke.
    """
    if type(sock) is not gevent.socket.socket:
        with gevent.Timeout(timeout, TimeoutError):
            return _send_tls(sock, memoryview(data))
    # gevent's `sendall` makes a system call for the buffer's size each time.
    sent = sock.send(data)
    if sent == len(data):
        return True, b""
    with gevent.Timeout(timeout, TimeoutError):
        return _send_plain(sock, memoryview(data)[sent:], has_incoming_data), b""


def _send_plain(sock: Any, rest: memoryview, has_incoming_data: Callable[[], bool]) -> bool:  # noqa: ANN401
    hub = gevent.get_hub()
    with hub.loop.io(sock.fileno(), READ_WRITE_EVENTS) as either:
        while rest:
            hub.wait(either)
            if has_incoming_data():
                return False
            with suppress(BlockingIOError):
                rest = rest[sock._sock.send(rest) :]
    return True


def _send_tls(sock: Any, rest: memoryview) -> tuple[bool, bytes]:  # noqa: ANN401
    while rest:
        try:
            # One record at a time: OpenSSL sends nothing of a longer write before all of it can be sent.
            rest = rest[sock._sslobj.write(rest[:MAX_TLS_RECORD_BYTES]) :]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):  # noqa: PERF203  # OpenSSL's way to say that the socket would block
            with gevent.get_hub().loop.io(sock.fileno(), READ_WRITE_EVENTS) as either:
                gevent.get_hub().wait(either)
            # The incoming bytes may belong to TLS itself, such as a session ticket: only a read can tell.
            with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False, sock._sslobj.read(READ_SIZE)
    return True, b""
