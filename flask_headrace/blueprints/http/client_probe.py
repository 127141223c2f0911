"""Whether a client has disconnected, under servers that do not pass its socket to the application.

An ASGI server discards silently what is written to a client that has disconnected, so no write fails. It tells the
application by a message, `http.disconnect`, which a2wsgi's request body can receive. asgiref's `WsgiToAsgi` passes no
messages on; but it refers to uvicorn's request, which has the state. waitress has a function for it, if its
`channel_request_lookahead` is not 0.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from .request_streams import START_RESPONSE, close_with_request

ClientProbe = Callable[[], bool]
"""Returns whether the client has disconnected; does not block."""

_KEY = "headrace.client_probe"

MAX_UNREAD_MESSAGES = 4
"""Messages of a request body that the application has not read, after which a disconnect is noticed only later."""


def client_probe(environ: dict[str, Any]) -> ClientProbe | None:
    """Return the probe for a request's client; None if the server offers none.

    Args:
        environ: The request's WSGI environment.
    """
    if "waitress.client_disconnected" in environ:
        probe: ClientProbe = environ["waitress.client_disconnected"]
        return probe
    body = environ.get("wsgi.input")
    if hasattr(body, "receive") and hasattr(body, "loop"):
        if _KEY not in environ:
            environ[_KEY] = messages = ASGIMessages(body)
            close_with_request(environ, messages)
        return environ[_KEY].is_disconnected  # type: ignore[no-any-return]
    return _uvicorn_probe(environ.get(START_RESPONSE))


class ASGIMessages:
    """Receives the messages about one request in place of a2wsgi, and passes them on to it.

    Args:
        body: a2wsgi's request body.
    """

    def __init__(self, body: Any) -> None:  # noqa: ANN401  # a2wsgi is not imported
        self._receive, self._has_disconnect = body.receive, False
        self._unread: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MAX_UNREAD_MESSAGES)
        body.receive = self._unread.get
        self._task = asyncio.run_coroutine_threadsafe(self._pass_on(), body.loop)

    def is_disconnected(self) -> bool:
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


def _uvicorn_probe(start_response: object) -> ClientProbe | None:
    adapter = getattr(start_response, "__self__", None)
    send = getattr(getattr(adapter, "sync_send", None), "awaitable", None)
    request: Any = getattr(send, "__self__", None)
    return (lambda: request.disconnected) if hasattr(request, "disconnected") else None
