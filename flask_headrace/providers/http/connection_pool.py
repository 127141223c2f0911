"""The connections to one origin: how one comes about, by name, proxy and TLS, and whether a kept one still stands.

geventhttpclient's pools keep them; what is told otherwise here is where those take a detour, wait for longer than they
were told to, or wait for somebody else.
"""

from __future__ import annotations

import socket
from contextlib import closing
from typing import Any

import httpx2
from geventhttpclient.connectionpool import ConnectionPool, SSLConnectionPool

from .dns import resolve
from .happy_eyeballs import ConnectionRace
from .time_limit import limit_time

MAX_PROXY_RESPONSE_BYTES = 65536
"""Bytes that the head of a proxy's answer may have."""


class PlainPool(ConnectionPool):
    """Connections without TLS.

    Attributes:
        proxy_headers: What a proxy is told of who asks, where it is to open a tunnel.
    """

    proxy_headers: tuple[tuple[bytes, bytes], ...] = ()

    def _is_socket_alive(self, sock: Any) -> bool:  # noqa: ANN401  # as in the base class
        # The pool would ask `select`, which knows no descriptor above 1023, and gevent's lets all others run first.
        try:
            sock._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False  # its end has come, or bytes that nobody has asked for

    def _create_socket(self) -> Any:  # noqa: ANN401  # as in the base class
        # It would give each address of a name, and each step of the way to it, all the time that there is.
        addresses = resolve(self._connection_host, self._connection_port)
        with closing(ConnectionRace(addresses, self.connection_timeout, self._prepare_socket)) as race:
            return race.connect()

    def _prepare_socket(self, sock: Any) -> Any:  # noqa: ANN401
        """Return a socket whose connection has come about as the one that requests are sent on; close it on failure."""
        return sock

    def _setup_proxy(self, sock: Any) -> None:  # noqa: ANN401
        origin = f"[{self._request_host}]" if ":" in self._request_host else self._request_host
        authority = f"{origin}:{self._request_port}".encode()
        lines = [b"CONNECT %b HTTP/1.1" % authority, b"Host: %b" % authority]
        lines += [b"%b: %b" % header for header in self.proxy_headers]
        sock.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
        response = b""
        while b"\r\n\r\n" not in response:
            piece = sock.recv(4096)
            response += piece
            if not piece or len(response) > MAX_PROXY_RESPONSE_BYTES:
                raise OSError("the proxy gave no answer to CONNECT")
        status = response.split(b"\r\n", 1)[0].decode("latin-1")
        if status.split(None, 2)[1:2] != ["200"]:
            raise OSError(f"Proxy CONNECT failed: {status}")


class SecurePool(PlainPool, SSLConnectionPool):
    """Connections with TLS, closed also where the wait for its handshake is cut short."""

    def _connected(self, sock: Any) -> Any:  # noqa: ANN401
        try:
            if self._use_proxy:
                self._setup_proxy(sock)
            secure = self.ssl_context.wrap_socket(
                sock, server_hostname=self._request_host, do_handshake_on_connect=False
            )
        except BaseException:
            sock.close()
            raise
        try:
            secure.do_handshake()
        except BaseException:
            secure.close()  # the plain one has handed its connection over
            raise
        return secure


def get_connection(pool: ConnectionPool) -> Any:  # noqa: ANN401  # a plain or a TLS socket of gevent
    """Return a connection of a pool's, a kept one or a new one.

    Raises:
        httpx2.ConnectTimeout, httpx2.ConnectError: none came about.
    """
    timeout = pool.connection_timeout
    try:
        with limit_time(timeout, lambda: httpx2.ConnectTimeout(f"no connection within {timeout:g} s")):
            return pool.get_socket()
    except TimeoutError as error:  # the kernel's own
        raise httpx2.ConnectTimeout(f"no connection: {error}") from error
    except (OSError, OverflowError, RuntimeError, UnicodeError) as error:  # the last: of a name that cannot be one
        raise httpx2.ConnectError(str(error)) from error


def close_idle_connections(pool: ConnectionPool) -> None:
    """Close the connections that are kept for later requests."""
    while not pool._socket_queue.empty():
        pool._socket_queue.get_nowait().close()
