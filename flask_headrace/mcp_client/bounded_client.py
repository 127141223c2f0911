"""The HTTP client of an MCP session: bounds what a server sends, and keeps the fault of one request to that request.

The package `mcp` ends a whole session, with all of its calls, where a connection fails. So such a failure is made the
answer to its request here, as the protocol writes errors.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NoReturn

import anyio
import httpx2
import msgspec

CONNECTION_FAILED = -32098
"""The code of the errors that are made here, of those that JSON-RPC leaves to implementations."""

MAX_RESPONSE_BYTES = 8_388_608
"""Bytes that a response may have, if nobody has said how many."""

CONNECT_TIMEOUT = 5.0
"""Seconds in which a connection must be there."""

NOTIFICATION_TIMEOUT = 5.0
"""Seconds in which a server must have taken a notification: `mcp` sends nothing else in a session before."""

MAX_EVENTS = 10_000
"""Events that a server may send in the stream of one call. Each takes the event loop of all agents some time."""

_EVENT_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")


@dataclass
class Exchange:
    """What is known of the HTTP exchanges of one task.

    Args:
        max_bytes: The bytes that a server may send: in each message of a stream, or else in all.
        is_sum: Whether the messages of a stream are counted together, and all responses of the task.
        is_endless: Whether the stream stays open as long as the session, so that its messages are not counted.

    Attributes:
        status: The status of the last response; None for no response.
        excess: What the server has sent more of than it may; None if it has not.
        failure: Why there was no response, or no whole one; None if there was.
    """

    max_bytes: int
    is_sum: bool = False
    is_endless: bool = False
    status: int | None = None
    excess: str | None = None
    failure: Exception | None = None
    received: int = 0

    def count(self, size: int) -> None:
        """Count bytes that have arrived.

        Raises:
            SSEError: they are too many. The transport of `mcp` ends the request then, and no other.
        """
        self.received += size
        if self.received > self.max_bytes:
            self._refuse(f"{self.max_bytes} bytes")

    def check_events(self, number: int) -> None:
        """Check how many messages of a stream have arrived.

        Raises:
            SSEError: they are too many; see `count`.
        """
        if number > MAX_EVENTS and not self.is_endless:
            self._refuse(f"{MAX_EVENTS} messages")

    def _refuse(self, excess: str) -> NoReturn:
        self.excess = excess
        raise httpx2.SSEError(f"the server has sent more than {excess}")


current_exchange: ContextVar[Exchange] = ContextVar("headrace_mcp_exchange")
"""The exchange of the running task. The package `mcp` sends a request in the context of the task that asks for it."""


class BoundedClient(httpx2.AsyncClient):
    """The HTTP client of one session.

    Args:
        headers: Returns the headers of each request.
    """

    def __init__(self, headers: Callable[[], Mapping[str, str]]) -> None:
        super().__init__(timeout=httpx2.Timeout(None, connect=CONNECT_TIMEOUT))
        self._own_headers = headers

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:  # noqa: ANN401  # of httpx2
        """Send a request, and return the response: an event stream that is bounded, or all of the response."""
        exchange = current_exchange.get(None) or Exchange(MAX_RESPONSE_BYTES)
        if not exchange.is_sum:
            exchange.received = 0
        request.headers["accept-encoding"] = "identity"  # what is bounded are the bytes that arrive
        try:
            request.headers.update(self._own_headers())
            with anyio.fail_after(NOTIFICATION_TIMEOUT if _is_notification(request) else None):
                response = await super().send(request, **options)
            exchange.status = response.status_code
            if response.headers.get("content-type", "").lower().startswith("text/event-stream"):
                response.stream = _BoundedStream(response.stream, exchange)
                return response
            return await _whole(response, exchange)
        except Exception as error:  # noqa: BLE001  # also whatever the application's function for headers raises
            exchange.failure = error
            return _error_response(request, error)


class _Message(msgspec.Struct):
    id: Any = None


def _is_notification(request: httpx2.Request) -> bool:
    return request.method == "POST" and msgspec.json.decode(request.content, type=_Message).id is None


async def _whole(response: httpx2.Response, exchange: Exchange) -> httpx2.Response:
    """Return a response that has been read: the transport of `mcp` would read it without a bound."""
    body = bytearray()
    try:
        async for piece in response.aiter_raw():
            exchange.count(len(piece))
            body += piece
    finally:
        await response.aclose()
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise httpx2.DecodingError("the response is compressed, which was not asked for")
    whole = httpx2.Response(
        response.status_code, headers=response.headers, content=bytes(body), request=response.request
    )
    whole.next_request = response.next_request
    return whole


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: Any, exchange: Exchange) -> None:  # noqa: ANN401  # of either kind
        self._stream, self._exchange = stream, exchange
        self._end = b""
        self._events = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._stream:
                self._count(piece)
                yield piece
        except httpx2.TransportError as error:
            self._exchange.failure = error
            raise

    def _count(self, piece: bytes) -> None:
        exchange = self._exchange
        if exchange.is_sum:
            exchange.count(len(piece))
            return
        end = self._end + piece
        last = max(end.rfind(mark) for mark in _EVENT_ENDS)
        if last >= 0:
            exchange.received = 0
            exchange.count(len(end) - last)
            self._events += max(end.count(mark) for mark in _EVENT_ENDS)
            exchange.check_events(self._events)
        else:
            exchange.count(len(piece))
        self._end = end[-3:]

    async def aclose(self) -> None:
        await self._stream.aclose()


def _error_response(request: httpx2.Request, error: Exception) -> httpx2.Response:
    fault = {"code": CONNECTION_FAILED, "message": f"{type(error).__name__}: {error}"[:500]}
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": fault})
    return httpx2.Response(502, headers={"content-type": "application/json"}, content=body, request=request)
