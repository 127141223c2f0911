"""The HTTP transport under the official SDKs: gevent sockets, any number of connections, bytes as they arrive.

The SDKs' default transport is limited to a thousand connections, with bookkeeping of quadratic cost. This one has the
same interface (httpx2's requests, responses and exceptions) and uses geventhttpclient's pools, TLS, proxies and parser.
"""

from __future__ import annotations

import base64
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import gevent.ssl
import httpx2
from geventhttpclient.connectionpool import ConnectionPool

from .connection_pool import PlainPool, SecurePool, close_idle_connections
from .exchange import HTTPExchange, StaleConnectionError
from .request_overrides import NO_OVERRIDES, RequestOverrides

EXCHANGE_EXTENSION = "headrace.exchange"
"""Name of the response extension with the `HTTPExchange`, for callers that read the body from it directly."""

MAX_CONNECTIONS = 1_000_000
"""Maximum connections to one origin: in effect unlimited, because the service limits its streams."""


_CODING_HEADERS = {b"content-encoding", b"content-length"}


@dataclass(frozen=True, slots=True)
class _Route:
    """How requests reach one origin: the pool, and for plain HTTP through a proxy, the proxy's headers."""

    pool: ConnectionPool
    is_proxied: bool = False
    proxy_headers: tuple[tuple[bytes, bytes], ...] = ()

    def encode_head(self, request: httpx2.Request) -> bytes:
        target = str(request.url).encode("ascii") if self.is_proxied else request.url.raw_path
        lines = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), target)]
        lines += [b"%b: %b" % header for header in (*request.headers.raw, *self.proxy_headers)]
        head = b"\r\n".join(lines)
        if b"\0" in head or head.count(b"\r") != len(lines) - 1 or head.count(b"\n") != len(lines) - 1:
            raise httpx2.LocalProtocolError("a header contains a line break or a zero byte: check the end of the key")
        return head + b"\r\n\r\n"


class Transport(httpx2.BaseTransport):
    """HTTP transport of one SDK client.

    Args:
        connect_timeout: Seconds in which a connection must be established, including name resolution and TLS.
        ignore_proxy: Whether to ignore HTTP_PROXY and HTTPS_PROXY, as for the embedded model's process.
    """

    def __init__(self, connect_timeout: float = 5.0, *, ignore_proxy: bool = False) -> None:
        self.connect_timeout, self._ignore_proxy = connect_timeout, ignore_proxy
        self._routes: dict[tuple[str, str, int], _Route] = {}

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send `request` and return its response as soon as the head has arrived; the body is unread.

        Raises:
            httpx2.ConnectTimeout, httpx2.ConnectError: no connection was established.
            httpx2.LocalProtocolError: a header contains a line break.
            httpx2.WriteError, httpx2.WriteTimeout: the connection broke, or the upstream did not read the request.
            httpx2.ReadError, httpx2.ReadTimeout: the connection broke, or no head came in time.
            httpx2.RemoteProtocolError: the response is not valid HTTP.
        """
        route = self._route(request.url)
        # Overrides the SDK's value: a small compressed body can decompress to any size.
        request.headers["Accept-Encoding"] = "identity"
        data = route.encode_head(request) + request.read()
        read_timeout = request.extensions.get("timeout", {}).get("read")
        while True:
            exchange = HTTPExchange(route.pool, read_timeout)
            try:
                exchange.send(data)
                exchange.read_head()
            except StaleConnectionError:
                # The server closed the idle connection before it saw the request: send it again on a new connection.
                exchange.close()
                close_idle_connections(route.pool)
            except BaseException:
                exchange.close()
                raise
            else:
                parser = exchange.parser
                # As bytes: httpx2 rejects strings that are not ASCII.
                headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in parser.items()]
                if exchange.coding:  # the exchange decompresses the body
                    headers = [header for header in headers if header[0].lower() not in _CODING_HEADERS]
                parser.info().clear()  # the response has a copy, and the parser exists as long as the stream
                extensions = {EXCHANGE_EXTENSION: exchange}
                return httpx2.Response(parser.get_code(), headers=headers, stream=exchange, extensions=extensions)

    def close(self) -> None:
        """Close the idle connections. Connections in use are closed with their responses."""
        for route in self._routes.values():
            route.pool.close()

    def _route(self, url: httpx2.URL) -> _Route:
        key = (url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80))
        if key not in self._routes:
            self._routes[key] = _create_route(
                *key, self.connect_timeout, None if self._ignore_proxy else find_proxy(*key)
            )
        return self._routes[key]


class Client(httpx2.Client):
    """HTTP client of an SDK: passes requests to the transport directly.

    It stores no cookies and follows no redirects, which would send the key to another server.

    Args:
        transport: The transport for all requests.
        overrides: Changes to each request.
    """

    def __init__(self, transport: Transport, overrides: RequestOverrides = NO_OVERRIDES) -> None:
        super().__init__(transport=transport, timeout=httpx2.Timeout(None, connect=transport.connect_timeout))
        self._gevent_transport, self._overrides = transport, overrides

    def send(self, request: httpx2.Request, *, stream: bool = False, **kwargs: Any) -> httpx2.Response:  # noqa: ANN401
        """Apply the overrides and send `request`.

        Args:
            request: The request, which is changed in place.
            stream: Whether to leave the response's body unread.
            kwargs: Further arguments of `httpx2.Client.send`, such as `auth`; with any, that method sends the request.
        """
        self._overrides.apply(request)
        if kwargs or self.is_closed:
            return super().send(request, stream=stream, **kwargs)
        response = self._gevent_transport.handle_request(request)
        response.request = request
        if not stream:
            with closing(response):
                response.read()
        return response


def _create_route(scheme: str, host: str, port: int, connect_timeout: float, proxy: str | None) -> _Route:
    options: dict[str, Any] = {
        "size": MAX_CONNECTIONS,
        "connection_timeout": connect_timeout,
        "network_timeout": None,
        "use_proxy": proxy is not None,
    }
    address = (host, port)
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if proxy is not None:
        parts = _parse_proxy_url(proxy)
        address = (parts.hostname or "", parts.port or 80)
        headers = _proxy_authorization(unquote(parts.username or ""), unquote(parts.password or ""))
    if scheme == "https":
        secure = SecurePool(*address, host, port, ssl_context_factory=_tls_context, **options)
        secure.proxy_headers = headers
        return _Route(secure)
    return _Route(PlainPool(*address, host, port, **options), proxy is not None, headers)


def _proxy_authorization(user: str, password: str) -> tuple[tuple[bytes, bytes], ...]:
    if not user:
        return ()
    return ((b"Proxy-Authorization", b"Basic " + base64.b64encode(f"{user}:{password}".encode())),)


def find_proxy(scheme: str, host: str, port: int) -> str | None:
    """Return the proxy's URL for an address according to HTTPS_PROXY, HTTP_PROXY and NO_PROXY; None for no proxy."""
    proxy = getproxies_environment().get(scheme)
    if not proxy or proxy_bypass_environment(f"{host}:{port}"):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _parse_proxy_url(proxy: str) -> SplitResult:
    with suppress(ValueError):
        parts = urlsplit(proxy)
        if parts.scheme == "http" and parts.hostname and parts.port != 0:
            return parts
    raise httpx2.ConnectError("HTTP_PROXY or HTTPS_PROXY is not of the form http://host:port")


@lru_cache(maxsize=1)
def _tls_context(cafile: str | None = None) -> gevent.ssl.SSLContext:
    # One context for the process: reading the certificates takes tens of milliseconds. gevent's class checks names and
    # certificates as create_default_context does, whose sockets would block if gevent has not patched the process.
    context = gevent.ssl.SSLContext(gevent.ssl.PROTOCOL_TLS_CLIENT)
    if cafile is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cafile)
    return context
