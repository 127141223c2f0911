"""The sending of a request while its server may answer already: one that refuses it may not read it to its end.

Knows gevent's two kinds of sockets, and no HTTP.
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
"""Bytes that TLS sends at once (RFC 8446, section 5.1)."""

READ_WRITE_EVENTS = 3
"""What the event loop calls waiting for either (`gevent.socket` has no name for it)."""


def send_request(
    sock: Any, data: bytes, timeout: float | None, has_incoming_data: Callable[[], bool]
) -> tuple[bool, bytes]:
    """Send bytes: all of them, unless an answer comes before that.

    Args:
        sock: A socket of gevent's, plain or with TLS.
        data: What is to be sent.
        limit: Seconds that what the kernel has no room for may take; None for ever.
        is_readable: Whether a plain socket has something to be read.

    Returns:
        Whether all was sent, and what had to be received of an answer to notice that there is one.

    Raises:
        TimeoutError: the limit is over.
        OSError: the connection broke.
    """
    if type(sock) is not gevent.socket.socket:
        with gevent.Timeout(timeout, TimeoutError):
            return _send_tls(sock, memoryview(data))
    # gevent's `sendall` asks the kernel for the size of its buffer each time.
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
            # By records: what is longer is not sent at all before all of it can be.
            rest = rest[sock._sslobj.write(rest[:MAX_TLS_RECORD_BYTES]) :]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):  # noqa: PERF203  # how it says that it must wait
            with gevent.get_hub().loop.io(sock.fileno(), READ_WRITE_EVENTS) as either:
                gevent.get_hub().wait(either)
            # What there is to be read may be TLS's own, such as a ticket: only reading tells.
            with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False, sock._sslobj.read(READ_SIZE)
    return True, b""
