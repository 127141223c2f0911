"""Clients of servers that do not pass their socket to the application: whether they have disconnected.

An ASGI server discards silently what is written to a client that has disconnected, so no write fails. It tells the
application by a message, `http.disconnect`, which a2wsgi's request body can receive. asgiref's `WsgiToAsgi` passes no
messages on; but it refers to uvicorn's request, which has the state. waitress writes in a thread of its own, whose
socket can be reached; its own function for the purpose returns False as long as nothing is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from .client_socket import is_disconnected
from .request_streams import START_RESPONSE, close_with_request

MAX_UNREAD_MESSAGES = 4
"""Messages of a request body that the application has not read, after which a disconnect is noticed only later."""

_KEY = "headrace.asgi_messages"


class ClientProbe(NamedTuple):
    """A client that is not watched by the event loop.

    Args:
        is_disconnected: Returns whether the client has disconnected; does not block.
        socket: The client's socket, of which only the options may be used: another thread reads, writes and closes it.
            None if it cannot be reached.
    """

    is_disconnected: Callable[[], bool]
    socket: Any = None


def client_probe(environ: dict[str, Any]) -> ClientProbe | None:
    """Return the probe for a request's client; None if the server offers none.

    Args:
        environ: The request's WSGI environment.
    """
    channel: Any = getattr(environ.get("waitress.client_disconnected"), "__self__", None)
    if hasattr(channel, "socket"):
        return ClientProbe(partial(_has_left_channel, channel), channel.socket)
    body = environ.get("wsgi.input")
    if hasattr(body, "receive") and hasattr(body, "loop"):
        if _KEY not in environ:
            environ[_KEY] = ASGIMessages(body)
            close_with_request(environ, environ[_KEY])
        messages: ASGIMessages = environ[_KEY]
        return ClientProbe(messages.has_disconnect, messages.socket)
    adapter = getattr(environ.get(START_RESPONSE), "__self__", None)
    request = getattr(getattr(getattr(adapter, "sync_send", None), "awaitable", None), "__self__", None)
    if hasattr(request, "disconnected"):
        return ClientProbe(partial(getattr, request, "disconnected"), _uvicorn_socket(request))
    return None


class ASGIMessages:
    """Receives the messages about one request in place of a2wsgi, and passes them on to it.

    Args:
        body: a2wsgi's request body.

    Attributes:
        socket: The socket of uvicorn's client; None with another server.
    """

    def __init__(self, body: Any) -> None:  # noqa: ANN401  # a2wsgi is not imported
        self.socket = _uvicorn_socket(getattr(body.receive, "__self__", None))
        self._receive, self._has_disconnect = body.receive, False
        self._unread: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MAX_UNREAD_MESSAGES)
        body.receive = self._unread.get
        self._task = asyncio.run_coroutine_threadsafe(self._pass_on(), body.loop)

    def has_disconnect(self) -> bool:
        """Whether the message about the disconnect has arrived."""
        return self._has_disconnect

    def close(self) -> None:
        """Receive no more messages. Idempotent."""
        self._task.cancel()

    async def _pass_on(self) -> None:
        while not self._has_disconnect:
            message = await self._receive()
            self._has_disconnect = message["type"] == "http.disconnect"
            await self._unread.put(message)


def _has_left_channel(channel: Any) -> bool:  # noqa: ANN401  # waitress is not imported
    return not channel.connected or is_disconnected(channel.socket)


def _uvicorn_socket(request: object) -> Any:  # noqa: ANN401  # asyncio's, or uvloop's
    transport: Any = getattr(request, "transport", None)
    return transport.get_extra_info("socket") if hasattr(transport, "get_extra_info") else None
