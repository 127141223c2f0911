"""The streams that a request has opened: each is closed with the request's response, whatever the application did.

A view may throw a streamed response away, or an `after_request` may put its body into another response. So the streams
belong to the request, and what the server iterates closes them: its `close` is called, or its iteration ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ...providers.http.hub_local import destroy_thread_hub

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

START_RESPONSE = "headrace.start_response"
"""The key under which the environment of a request has the server's `start_response`, a method of some servers."""

_KEY = "headrace.request_streams"


class Closable(Protocol):
    """Anything with an idempotent `close`."""

    def close(self) -> None: ...  # noqa: D102


def close_with_request(environ: WSGIEnvironment, stream: Closable) -> None:
    """Close a stream when the response of a request is closed.

    Args:
        environ: The WSGI environment of the request.
        stream: The stream.
    """
    environ.setdefault(_KEY, []).append(stream)


def is_opened_in_request(environ: Mapping[str, Any], stream: Closable) -> bool:
    """Whether a stream was opened in a request.

    Args:
        environ: The WSGI environment of the request.
        stream: The stream.
    """
    return any(opened is stream for opened in environ.get(_KEY, ()))


def close_request_streams(application: WSGIApplication, on_request: Callable[[], object]) -> WSGIApplication:
    """Return WSGI middleware that closes the streams of each request after its response.

    Args:
        application: The WSGI application, in whose requests `close_with_request` is called.
        on_request: Called before each request.
    """

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        on_request()
        environ[START_RESPONSE] = start_response
        # Middleware inside may hand on a copy of the environment: it contains the same list.
        streams = environ.setdefault(_KEY, [])
        try:
            body = application(environ, start_response)
        except BaseException:
            _close_all(environ)
            raise
        return prime(_closing(body, environ)) if streams else body

    return call


def prime(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Return a generator after its first step, from which on its `close` runs its `finally`."""
    next(chunks)
    return chunks


def _closing(body: Iterable[bytes], environ: WSGIEnvironment) -> Iterator[bytes]:
    try:
        yield b""
        yield from body
    finally:
        try:
            close: Callable[[], object] = getattr(body, "close", lambda: None)
            close()
        finally:
            _close_all(environ)


def _close_all(environ: Mapping[str, Any]) -> None:
    for stream in environ.get(_KEY, ()):
        stream.close()
    if "werkzeug.socket" in environ:
        # werkzeug's server starts a thread for each connection.
        destroy_thread_hub()
