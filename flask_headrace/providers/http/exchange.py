"""One HTTP/1.1 request and its response on one socket of a pool.

It hands on what has arrived, at once, and gives the socket back to the pool when the request was sent whole and the
response, which is no refusal, was read to its end; any other end closes the socket. The parser is llhttp, by way of
geventhttpclient. It knows no URLs, proxies or SDKs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gevent
import gevent.socket
import httpx2
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.response import HTTPParseError, HTTPResponse

from .connection_pool import get_connection
from .content_coding import DecodingError, Decompressor, create_decompressor, parse_content_encoding
from .request_writer import send_request
from .socket_reader import READ_SIZE, SocketReader
from .time_limit import limit_time

SWITCHING_PROTOCOLS = 101
"""The one status below 200 that no other follows."""

FIRST_NON_SUCCESS_STATUS = 300
"""From this status on a question is not answered, and perhaps not read either."""

REQUEST_TIMEOUT_STATUS = 408
"""What some servers say before they close a connection that nobody has used for a while."""

MAX_HEAD_BYTES = 65536
"""Bytes that the head of a response may have."""

MAX_BUFFERED_BODY_BYTES = 4 * 1024 * 1024
"""Bytes that a body may have which is read whole, such as a list of models."""

MAX_ERROR_BODY_BYTES = 65536
"""Bytes of the body of a refusal that are read; the rest tells nobody more."""

ERROR_BODY_TIMEOUT = 1.0
"""Seconds in which they must have come: the status is told then, with as much of them as is there."""

BUFFERED_BODY_TIMEOUT = 60.0
"""Seconds that a body may take which is read whole, where the request has no limit of its own."""

MAX_IDLE_CONNECTIONS = 128
"""Connections to one origin that are kept for later requests."""

_INCOMPLETE_RESPONSE = "the upstream closed the connection before the end of its answer"


class StaleConnectionError(Exception):
    """A kept connection was closed by the server before it answered anything, or with a word that it is too late."""


class _Parser(HTTPResponse):
    """Collects the pieces of the body as llhttp finds them, and takes nothing that stands behind the answer's end."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def _on_message_begin(self) -> None:
        if self.message_complete and self.get_code() >= 200:
            raise HTTPParseError("bytes behind the end of the answer")
        super()._on_message_begin()

    def _on_body(self, piece: bytearray) -> None:
        self.pieces.append(bytes(piece))


class HTTPExchange(httpx2.SyncByteStream):
    """A request and its response.

    Args:
        pool: Where the socket comes from and goes back to.
        read_timeout: Seconds that the server may be silent, and in which a head, and a body that is read whole, must
            have come; None for ever.

    Attributes:
        parser: Has the head of the response.
        coding: How its body is encoded in spite of the request, such as `gzip`; empty where it is not.

    Raises:
        httpx2.ConnectTimeout, httpx2.ConnectError: no connection came about.
    """

    def __init__(self, pool: ConnectionPool, read_timeout: float | None) -> None:
        self._pool = pool
        idle = list(pool._socket_queue.queue)
        self._socket: Any = get_connection(pool)
        self._is_reused = any(self._socket is one for one in idle)
        if not self._is_reused:
            # Else the request would wait until the server has acknowledged the end of the TLS handshake.
            self._socket.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
        self._read_timeout = read_timeout
        self._socket.settimeout(read_timeout)
        # TLS waits in ways of its own, and so does a limit.
        is_plain = type(self._socket) is gevent.socket.socket and read_timeout is None
        self._reader = SocketReader(self._socket) if is_plain else None
        self.parser = _Parser()
        self._is_sent, self._early_bytes = False, b""
        self.coding = ""
        self._decompressor: Decompressor | None = None
        self._pending_error: httpx2.RemoteProtocolError | None = None

    def send(self, data: bytes) -> None:
        """Send the request: all of it, unless the answer comes before that."""
        try:
            self._is_sent, self._early_bytes = send_request(
                self._socket, data, self._read_timeout, self._has_incoming_data
            )
        except TimeoutError as error:
            raise httpx2.WriteTimeout("the upstream did not accept the request in time") from error
        except OSError as error:
            # It may have answered before it read all, and said why.
            if not self._has_incoming_data():
                self._raise_if_stale_connection(error)
                raise httpx2.WriteError(f"the upstream closed the connection during the request: {error}") from error

    def read_head(self) -> None:
        """Wait for the head of the final response: all of it, within the time that the server may be silent."""
        limit = self._read_timeout
        with limit_time(limit, lambda: httpx2.ReadTimeout(f"the upstream gave no answer within {limit:g} s")):
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
                raise httpx2.RemoteProtocolError("the upstream changed to another protocol, which nobody asked it to")
            if size > MAX_HEAD_BYTES and not self.parser.headers_complete:
                raise httpx2.RemoteProtocolError(f"the upstream's head has more than {MAX_HEAD_BYTES} bytes")
        if self.parser.get_code() == REQUEST_TIMEOUT_STATUS:
            self._raise_if_stale_connection(None)  # it has crossed with the question

    @property
    def is_decodable(self) -> bool:
        """Whether its body is encoded in no way that cannot be unpacked here."""
        return not self.coding or self._decompressor is not None

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body as it arrives, for those who read it whole: an SDK, of what is no stream.

        Raises:
            httpx2.RemoteProtocolError: also where it is longer than what may be read whole.
        """
        is_error = self.parser.get_code() >= FIRST_NON_SUCCESS_STATUS
        try:
            if not self.is_decodable:
                raise httpx2.RemoteProtocolError(
                    f"the upstream's answer is encoded as {self.coding:.50}, though it was asked for as it is"
                )
            if is_error:
                yield from self._iter_limited(
                    MAX_ERROR_BODY_BYTES, min(ERROR_BODY_TIMEOUT, self._read_timeout or ERROR_BODY_TIMEOUT)
                )
            else:
                yield from self._iter_limited(MAX_BUFFERED_BODY_BYTES, self._read_timeout or BUFFERED_BODY_TIMEOUT)
        except httpx2.TransportError:
            # A refusal is one also where it is too long, or not told to its end.
            if not is_error:
                raise

    def _iter_limited(self, max_bytes: int, timeout: float) -> Iterator[bytes]:
        size, deadline = 0, time.monotonic() + timeout
        while data := self._read_before(deadline, timeout):
            yield data
            size += len(data)
            if size > max_bytes:
                raise httpx2.RemoteProtocolError(f"the upstream's answer has more than {max_bytes} bytes")

    def _read_before(self, deadline: float, timeout: float) -> bytes:
        timeout_error = httpx2.ReadTimeout(f"the upstream's answer was not whole within {timeout:g} s")
        if (remaining := deadline - time.monotonic()) <= 0:
            raise timeout_error  # what never waits is never found waiting
        with limit_time(remaining, lambda: timeout_error):
            return self.read()

    def read(self) -> bytes:
        """Return what has arrived of the body, waiting for more where nothing has; empty at its end.

        What comes compressed is unpacked, at most 64 KiB at once.

        Raises:
            httpx2.ReadError, httpx2.ReadTimeout: the connection broke, or was silent for too long.
            httpx2.RemoteProtocolError: it ended early, or what came is not HTTP.
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
            raise httpx2.RemoteProtocolError(f"the upstream's answer is no {self.coding}: {error}") from error
        gevent.sleep(0)  # one read can be many pieces, and others wait for their turn
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
                # What stood before the bytes that are not HTTP has been received all the same.
                self._pending_error = error
            if not data and not parser.message_complete and self._pending_error is None:
                raise httpx2.RemoteProtocolError(_INCOMPLETE_RESPONSE)
        pieces, parser.pieces = parser.pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Give the socket back if both sides have ended what they had to say, else close it. May be called twice."""
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
        # A refusal may come before its question was read, and the rest of that is then taken for the next one.
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
            # gevent tries before it waits; here there is nothing to be had until the socket says so. Nothing waits
            # inside the TLS layer either: a record, which it reads whole, is no longer than what is asked of it.
            gevent.socket.wait(self._socket._read_event)
        data: bytes = self._socket.recv(READ_SIZE)
        return data

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed(data)
        except HTTPParseError as error:
            # What stands behind the end is no part of the answer; the parser asks for the connection to be closed.
            if not self.parser.message_complete:
                why = f"the upstream's answer is not HTTP: {error}" if data else _INCOMPLETE_RESPONSE
                raise httpx2.RemoteProtocolError(why) from error

    def _has_incoming_data(self) -> bool:
        return not self._pool._is_socket_alive(self._socket)

    def _raise_if_stale_connection(self, cause: OSError | None) -> None:
        if self._is_reused:
            raise StaleConnectionError from cause
