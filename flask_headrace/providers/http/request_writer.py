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

RECORD = 16384
"""Bytes that TLS sends at once (RFC 8446, section 5.1)."""

READ_OR_WRITE = 3
"""What the event loop calls waiting for either (`gevent.socket` has no name for it)."""


def send(sock: Any, data: bytes, limit: float | None, is_readable: Callable[[], bool]) -> tuple[bool, bytes]:  # noqa: ANN401
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
        with gevent.Timeout(limit, TimeoutError):
            return _send_securely(sock, memoryview(data))
    # gevent's `sendall` asks the kernel for the size of its buffer each time.
    sent = sock.send(data)
    if sent == len(data):
        return True, b""
    with gevent.Timeout(limit, TimeoutError):
        return _send_plainly(sock, memoryview(data)[sent:], is_readable), b""


def _send_plainly(sock: Any, rest: memoryview, is_readable: Callable[[], bool]) -> bool:  # noqa: ANN401
    hub = gevent.get_hub()
    with hub.loop.io(sock.fileno(), READ_OR_WRITE) as either:
        while rest:
            hub.wait(either)
            if is_readable():
                return False
            with suppress(BlockingIOError):
                rest = rest[sock._sock.send(rest) :]
    return True


def _send_securely(sock: Any, rest: memoryview) -> tuple[bool, bytes]:  # noqa: ANN401
    while rest:
        try:
            # By records: what is longer is not sent at all before all of it can be.
            rest = rest[sock._sslobj.write(rest[:RECORD]) :]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):  # noqa: PERF203  # how it says that it must wait
            with gevent.get_hub().loop.io(sock.fileno(), READ_OR_WRITE) as either:
                gevent.get_hub().wait(either)
            # What there is to be read may be TLS's own, such as a ticket: only reading tells.
            with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False, sock._sslobj.read(READ_SIZE)
    return True, b""
