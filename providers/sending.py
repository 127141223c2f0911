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

from .arrivals import READ_SIZE

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
    # gevent's `sendall` asks the kernel for the size of its buffer each time.
    sent = sock.send(data)
    if sent == len(data):
        return True, b""
    with gevent.Timeout(limit, TimeoutError):
        rest = memoryview(data)[sent:]
        if type(sock) is gevent.socket.socket:
            return _send_plainly(sock, rest, is_readable), b""
        return _send_securely(sock, rest)


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
    # What there is to be read may be TLS's own, such as a ticket: only reading tells.
    hub = gevent.get_hub()
    with hub.loop.io(sock.fileno(), READ_OR_WRITE) as either:
        while rest:
            try:
                rest = rest[sock._sslobj.write(rest) :]
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):  # noqa: PERF203  # how it says that it must wait
                hub.wait(either)
                with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    return False, sock._sslobj.read(READ_SIZE)
    return True, b""
