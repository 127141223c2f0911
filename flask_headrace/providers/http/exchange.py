"""One HTTP/1.1 request and its response on one socket of a pool.

Bytes of the body are returned as soon as they arrive. The socket goes back to the pool if the request was sent
completely and a successful response was read to its end; otherwise it is closed. The parser is llhttp, through
geventhttpclient. This module knows no URLs, proxies or SDKs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gevent
import gevent.socket
import httpx2
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.response import HTTPParseError

from .connection_pool import get_connection
from .content_coding import DecodingError, Decompressor, create_decompressor, parse_content_encoding
from .request_writer import send_request
from .response_parser import ResponseParser
from .socket_reader import READ_SIZE, SocketReader
from .time_limit import limit_time

SWITCHING_PROTOCOLS = 101
"""The only status below 200 after which no further response follows."""

FIRST_NON_SUCCESS_STATUS = 300
"""The first status that is not a success: the server may not have read the whole request."""

REQUEST_TIMEOUT_STATUS = 408
"""Status that some servers send before they close an idle connection."""

MAX_HEAD_BYTES = 65536
"""Maximum size in bytes of a response's head."""

MAX_BUFFERED_BODY_BYTES = 4 * 1024 * 1024
"""Maximum size in bytes of a body that is read completely, such as a list of models."""

MAX_ERROR_BODY_BYTES = 65536
"""Maximum number of bytes that are read of an error response's body; the rest is discarded."""

ERROR_BODY_TIMEOUT = 1.0
"""Seconds in which an error response's body is read; the error then contains what has arrived."""

BUFFERED_BODY_TIMEOUT = 60.0
"""Seconds in which a body that is read completely must arrive, if the request has no read timeout."""

MAX_IDLE_CONNECTIONS = 128
"""Maximum number of idle connections to one origin."""

_INCOMPLETE_RESPONSE = "the upstream closed the connection before the end of its response"


class StaleConnectionError(Exception):
    """The server had closed a reused connection: no response came, or one with status 408."""


class HTTPExchange(httpx2.SyncByteStream):
    """One request and its response on a socket of a pool.

    Args:
        pool: The pool that the socket comes from and goes back to.
        read_timeout: Maximum seconds without a byte from the server; also the limit for the whole head, and for a body
            that is read completely. None for no limit.

    Attributes:
        parser: Contains the head of the response after `read_head`.
        coding: The body's content coding, such as `gzip`, which the request did not ask for; empty for none.

    Raises:
        httpx2.ConnectTimeout, httpx2.ConnectError: no connection was established.
    """

    __slots__ = (
        "_decompressor", "_early_bytes", "_is_reused", "_is_sent", "_pending_error", "_pool", "_read_timeout",
        "_reader", "_socket", "coding", "parser",
    )  # fmt: skip

    def __init__(self, pool: ConnectionPool, read_timeout: float | None) -> None:
        self._pool = pool
        idle = list(pool._socket_queue.queue)
        self._socket: Any = get_connection(pool)
        self._is_reused = any(self._socket is one for one in idle)
        if not self._is_reused:
            # Otherwise the request would wait for the server's acknowledgement of the TLS handshake (Nagle).
            self._socket.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
        self._read_timeout = read_timeout
        self._socket.settimeout(read_timeout)
        # TLS and read timeouts need gevent's own way of waiting.
        is_plain = type(self._socket) is gevent.socket.socket and read_timeout is None
        self._reader = SocketReader(self._socket) if is_plain else None
        self.parser = ResponseParser()
        self._is_sent, self._early_bytes = False, b""
        self.coding = ""
        self._decompressor: Decompressor | None = None
        self._pending_error: httpx2.RemoteProtocolError | None = None

    def send(self, data: bytes) -> None:
        """Send the request `data`; stop early if the response begins before all is sent.

        Raises:
            httpx2.WriteTimeout: the upstream did not read the request within the read timeout.
            httpx2.WriteError: the connection broke before a response came.
            StaleConnectionError: a reused connection was closed already.
        """
        try:
            self._is_sent, self._early_bytes = send_request(
                self._socket, data, self._read_timeout, self._has_incoming_data
            )
        except TimeoutError as error:
            raise httpx2.WriteTimeout("the upstream did not accept the request in time") from error
        except OSError as error:
            # The upstream may have sent an error response before it had read the whole request.
            if not self._has_incoming_data():
                self._raise_if_stale_connection(error)
                raise httpx2.WriteError(f"the upstream closed the connection during the request: {error}") from error

    def read_head(self) -> None:
        """Read the head of the final response, all of it within the read timeout.

        Raises:
            httpx2.ReadTimeout, httpx2.ReadError: the head did not arrive in time, or the connection broke.
            httpx2.RemoteProtocolError: the response is not valid HTTP/1.1.
            StaleConnectionError: a reused connection was closed already.
        """
        limit = self._read_timeout
        with limit_time(limit, lambda: httpx2.ReadTimeout(f"the upstream sent no response within {limit:g} s")):
            self._read_head()
        self.coding = parse_content_encoding(", ".join(self.parser.info().getlist("content-encoding")))
        self._decompressor = create_decompressor(self.coding)

    def _read_head(self) -> None:
        size = 0
        while not self.parser.headers_complete or self.parser.get_code() < 200:
            data = self._receive(is_first=size == 0)
            size += len(data)
            if not data:
                raise httpx2.RemoteProtocolError("the upstream closed the connection before the end of its head")
            self._feed(data)
            if self.parser.headers_complete and self.parser.get_code() == SWITCHING_PROTOCOLS:
                raise httpx2.RemoteProtocolError("the upstream switched protocols (status 101) without being asked")
            if size > MAX_HEAD_BYTES and not self.parser.headers_complete:
                raise httpx2.RemoteProtocolError(f"the upstream's head has more than {MAX_HEAD_BYTES} bytes")
        if self.parser.get_code() == REQUEST_TIMEOUT_STATUS:
            self._raise_if_stale_connection(None)  # the server sent it before the request arrived

    @property
    def is_decodable(self) -> bool:
        """Whether the body is not encoded, or in a coding that can be decompressed here."""
        return not self.coding or self._decompressor is not None

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body as it arrives, for callers that read all of it, such as an SDK for a JSON response.

        An error response's body is cut off silently at MAX_ERROR_BODY_BYTES, ERROR_BODY_TIMEOUT or a broken connection.

        Raises:
            httpx2.RemoteProtocolError: the body is larger than MAX_BUFFERED_BODY_BYTES, or in an unsupported coding.
            httpx2.ReadTimeout, httpx2.ReadError: the body did not arrive in time, or the connection broke.
        """
        is_error = self.parser.get_code() >= FIRST_NON_SUCCESS_STATUS
        try:
            if not self.is_decodable:
                raise httpx2.RemoteProtocolError(
                    f"the upstream's response is encoded as {self.coding:.50}, though the request asked for identity"
                )
            if is_error:
                yield from self._iter_limited(
                    MAX_ERROR_BODY_BYTES, min(ERROR_BODY_TIMEOUT, self._read_timeout or ERROR_BODY_TIMEOUT)
                )
            else:
                yield from self._iter_limited(MAX_BUFFERED_BODY_BYTES, self._read_timeout or BUFFERED_BODY_TIMEOUT)
        except httpx2.TransportError:
            # An error response counts as one even if its body is too large or incomplete.
            if not is_error:
                raise

    def _iter_limited(self, max_bytes: int, timeout: float) -> Iterator[bytes]:
        size, deadline = 0, time.monotonic() + timeout
        while data := self._read_before(deadline, timeout):
            yield data
            size += len(data)
            if size > max_bytes:
                raise httpx2.RemoteProtocolError(f"the upstream's response has more than {max_bytes} bytes")

    def _read_before(self, deadline: float, timeout: float) -> bytes:
        timeout_error = httpx2.ReadTimeout(f"the upstream's response was not complete within {timeout:g} s")
        if (remaining := deadline - time.monotonic()) <= 0:
            raise timeout_error  # a read that never waits is never interrupted by `limit_time`
        with limit_time(remaining, lambda: timeout_error):
            return self.read()

    def read(self) -> bytes:
        """Return the next bytes of the body, and wait for them if none have arrived; empty at the end.

        A compressed body is decompressed, at most 64 KiB in one call.

        Raises:
            httpx2.ReadError, httpx2.ReadTimeout: the connection broke, or was silent for longer than the read timeout.
            httpx2.RemoteProtocolError: the response ended early, or is not valid HTTP.
        """
        if self._decompressor is None:
            return self._read_undecoded()
        try:
            while not (piece := self._decompressor.next_piece()):
                if not (packed := self._read_undecoded()):
                    self._decompressor.finish()
                    return b""
                self._decompressor.feed(packed)
        except DecodingError as error:
            raise httpx2.RemoteProtocolError(f"the upstream's response is not valid {self.coding}: {error}") from error
        gevent.sleep(0)  # one read can produce many pieces: let other greenlets run
        return piece

    def _read_undecoded(self) -> bytes:
        parser = self.parser
        while not parser.pieces:
            if self._pending_error is not None:
                raise self._pending_error
            if parser.message_complete or self._socket is None:
                return b""
            data = self._receive()
            try:
                self._feed(data)
            except httpx2.RemoteProtocolError as error:
                # First return the bytes that came before the invalid ones.
                self._pending_error = error
            if not data and not parser.message_complete and self._pending_error is None:
                raise httpx2.RemoteProtocolError(_INCOMPLETE_RESPONSE)
        pieces, parser.pieces = parser.pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Return the socket to the pool if request and response are complete, else close it. Idempotent."""
        socket, self._socket = self._socket, None
        if socket is None:
            return
        if self._reader is not None:
            self._reader.stop()
        if self._is_reusable() and self._pool._socket_queue.qsize() < MAX_IDLE_CONNECTIONS:
            self._pool.return_socket(socket)
        else:
            self._pool.release_socket(socket)

    def _is_reusable(self) -> bool:
        # An error response may come before the server has read the request, whose rest it would take for the next one.
        is_answered = self._is_sent and self.parser.get_code() < FIRST_NON_SUCCESS_STATUS
        return is_answered and self.parser.message_complete and not self.parser.should_close()

    def _receive(self, *, is_first: bool = False) -> bytes:
        if early := self._early_bytes:
            self._early_bytes = b""
            return early
        try:
            data = self._receive_with_gevent() if self._reader is None else self._reader.receive()
        except TimeoutError as error:
            raise httpx2.ReadTimeout(f"the upstream was silent for {self._read_timeout:g} s") from error
        except OSError as error:
            if is_first:
                self._raise_if_stale_connection(error)
            raise httpx2.ReadError(f"the connection to the upstream broke: {error}") from error
        if is_first and not data:
            self._raise_if_stale_connection(None)
        return data

    def _receive_with_gevent(self) -> bytes:
        if self._read_timeout is None:
            # gevent's `recv` tries to read before it waits, which is useless here. No bytes are left in the TLS layer:
            # it reads whole records, and a record is not longer than READ_SIZE.
            gevent.socket.wait(self._socket._read_event)
        data: bytes = self._socket.recv(READ_SIZE)
        return data

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed(data)
        except HTTPParseError as error:
            # Bytes after the end are not part of the response; the parser marks the connection to be closed.
            if not self.parser.message_complete:
                why = f"the upstream's response is not HTTP: {error}" if data else _INCOMPLETE_RESPONSE
                raise httpx2.RemoteProtocolError(why) from error

    def _has_incoming_data(self) -> bool:
        return not self._pool._is_socket_alive(self._socket)

    def _raise_if_stale_connection(self, cause: OSError | None) -> None:
        if self._is_reused:
            raise StaleConnectionError from cause
