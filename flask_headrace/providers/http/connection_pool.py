"""Connection pools, one for each origin: connecting by name, proxy and TLS, and checking idle connections.

The base classes are geventhttpclient's pools. The methods overridden here are those that make needless system calls,
exceed their time limit, or let one connection wait for another.
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
"""Maximum size in bytes of the head of a proxy's response."""


class PlainPool(ConnectionPool):
    """Connections without TLS.

    Attributes:
        proxy_headers: Headers of the CONNECT request to a proxy, such as `Proxy-Authorization`; names and values.
    """

    proxy_headers: tuple[tuple[bytes, bytes], ...] = ()

    def _is_socket_alive(self, sock: Any) -> bool:  # noqa: ANN401  # as in the base class
        # The base class calls `select`, which fails for descriptors above 1023; gevent's also switches greenlets.
        try:
            sock._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False  # the server has closed it, or has sent bytes without a request

    def _create_socket(self) -> Any:  # noqa: ANN401  # as in the base class
        # The base class applies the whole timeout to each address of a name, and to each step of connecting.
        addresses = resolve(self._connection_host, self._connection_port)
        with closing(ConnectionRace(addresses, self.connection_timeout, self._prepare_socket)) as race:
            return race.connect()

    def _prepare_socket(self, sock: Any) -> Any:  # noqa: ANN401
        """Return the socket for requests, made from the connected socket `sock`; close `sock` on failure."""
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
                raise OSError("the proxy sent no complete response to CONNECT")
        status = response.split(b"\r\n", 1)[0].decode("latin-1")
        if status.split(None, 2)[1:2] != ["200"]:
            raise OSError(f"Proxy CONNECT failed: {status}")


class SecurePool(PlainPool, SSLConnectionPool):
    """Connections with TLS. A socket is closed also if its handshake is interrupted."""

    def _prepare_socket(self, sock: Any) -> Any:  # noqa: ANN401
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
            secure.close()  # the TLS socket owns the connection now
            raise
        return secure


def get_connection(pool: ConnectionPool) -> Any:  # noqa: ANN401  # a plain or a TLS socket of gevent
    """Return a connection of `pool`: an idle one, or a new one.

    Raises:
        httpx2.ConnectTimeout: no connection within the pool's connection timeout.
        httpx2.ConnectError: the connection failed.
    """
    timeout = pool.connection_timeout
    try:
        with limit_time(timeout, lambda: httpx2.ConnectTimeout(f"no connection within {timeout:g} s")):
            return pool.get_socket()
    except TimeoutError as error:  # raised by the kernel
        raise httpx2.ConnectTimeout(f"no connection: {error}") from error
    except (OSError, OverflowError, RuntimeError, UnicodeError) as error:  # UnicodeError: the host is not a valid name
        raise httpx2.ConnectError(str(error)) from error


def close_idle_connections(pool: ConnectionPool) -> None:
    """Close all idle connections of `pool`."""
    while not pool._socket_queue.empty():
        pool._socket_queue.get_nowait().close()
