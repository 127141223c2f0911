"""The Flask responses whose body is a stream.

By default a view waits until the status of its answer is known: the first event, or the first heartbeat. Everything
that looks at responses in the request (`after_request`, extensions, tracing) then sees the status that the client
gets. `LateResponse` does not hold the request so long; its status and headers are known at the first chunk of its body.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from flask import Response, request
from werkzeug.datastructures import Headers

from ...core.errors import HeadraceError
from ...streaming.internal_error import log_internal_error
from ..state import current_state
from .error_handlers import error_response
from .event_loop import runs_in_async_view
from .request_id import add_request_id
from .request_streams import prime
from .response_stream import ResponseStream

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

NOT_ENCODED = "identity"
"""The `Content-Encoding` of a stream until it is sent: compressing extensions leave such a response alone."""

CLIENT_CLOSED_REQUEST = "499 Client Closed Request"
"""The status of a response whose client has disconnected before there was one. It is never sent; logs and metrics show
it. nginx uses the same number."""


class StreamedResponse(Response):
    """A response whose body is a stream. The application may change its status and headers, or replace its body.

    As long as the body is a stream, it has no `Content-Length`, and an event stream keeps its content type.

    Args:
        stream: The response's stream, which is closed with this response.
        chunks: The body.
        headers: The headers of the response.
    """

    def __init__(self, stream: ResponseStream, chunks: Iterable[bytes], headers: Mapping[str, str]) -> None:
        super().__init__(chunks, headers=headers)
        self._own_content_type: str | None = self.content_type
        self.headers["Content-Encoding"] = NOT_ENCODED
        # A `finally` inside the iteration would not run if the server never iterates.
        self.call_on_close(stream.close)

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """Return the headers to send."""
        headers = super().get_wsgi_headers(environ)
        if headers.get("Content-Encoding") == NOT_ENCODED:
            del headers["Content-Encoding"]
        if self.is_streamed:
            headers.remove("Content-Length")
            if _is_event_stream(self._own_content_type) and not _is_event_stream(self.content_type):
                headers["Content-Type"] = self._own_content_type
        return headers


class LateResponse(StreamedResponse):
    """A response that is built when the server asks for the first chunk of its body, after the request has ended.

    Headers and a status that the application sets before have precedence over those of the built response.

    Args:
        stream: The response's stream.
        build: Returns the response; may wait.
        headers: The headers of a successful response.
    """

    def __init__(self, stream: ResponseStream, build: Callable[[], Response], headers: Mapping[str, str]) -> None:
        super().__init__(stream, self._build_chunks(), headers)
        self._stream, self._build = stream, build
        _add_ids(self, stream)
        self._own_headers = self.headers.copy()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        """Return the WSGI body, whose first chunk starts the response."""
        return prime(self._start_late(environ, start_response))

    def _start_late(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        chunks = iter(self.get_app_iter(environ))
        try:
            yield b""
            first = next(chunks, b"")
            start_response(self.status, self.get_wsgi_headers(environ).to_wsgi_list())
            yield first
            yield from chunks
        finally:
            self.close()

    def _build_chunks(self) -> Iterator[bytes]:
        response = _decide(self._stream, self._build)
        if self.status_code == 200:
            self.status = response.status
        set_by_application = {name.lower() for name, value in self.headers if self._own_headers.get(name) != value}
        for name in {name.lower() for name, _ in response.headers} - set_by_application:
            self.headers.setlist(name, response.headers.getlist(name))
        if not isinstance(response, StreamedResponse):
            self._own_content_type = None
            self.content_type = response.content_type
        yield from response.iter_encoded()


def respond(stream: ResponseStream, build: Callable[[], Response], headers: Mapping[str, str]) -> Response:
    """Return the response that `build` builds, or one that calls `build` when the server iterates its body.

    The latter holds if the application asks for it (`Headrace(hold_request=False)`), and in `async def` views: while
    one of these waits, no other can run in its thread. The model is not called for a HEAD request. An error that
    `build` raises becomes an error response.

    Args:
        stream: The response's stream, which this response closes.
        build: Returns the response; may wait.
        headers: The headers of a successful response.
    """
    if request.method == "HEAD":
        # The server discards the body of a HEAD response, so the model is not called.
        stream.close()
        return _add_ids(StreamedResponse(stream, iter(()), headers), stream)
    if current_state().holds_requests and not runs_in_async_view():
        return _add_ids(_decide(stream, build), stream)
    return LateResponse(stream, build, headers)


def _decide(stream: ResponseStream, build: Callable[[], Response]) -> Response:
    try:
        return build()
    except HeadraceError as error:
        ours = error
    except BrokenPipeError:
        stream.close()
        return Response(_end_at_once(stream), CLIENT_CLOSED_REQUEST)
    except Exception as error:  # noqa: BLE001  # a bug of ours is answered like any other error
        ours = log_internal_error(stream.session.id, error)
    except BaseException:
        stream.close()
        raise
    stream.close()
    return error_response(ours, stream.encoder.error_body(ours))


def _end_at_once(stream: ResponseStream) -> Iterator[bytes]:
    break_connection(stream)
    yield from ()


def break_connection(stream: ResponseStream) -> None:
    """Break the connection at the end of an incomplete response; return if this needs no exception.

    Raises:
        BrokenPipeError: see `disconnected`.
    """
    if not stream.watcher.can_end_quietly:
        raise disconnected() from None


def disconnected() -> BrokenPipeError:
    """Return the error after which servers break the connection, and which they do not log."""
    return BrokenPipeError(errno.EPIPE, "the client has disconnected")


def _add_ids(response: Response, stream: ResponseStream) -> Response:
    response.headers["Headrace-Stream-Id"] = stream.session.id
    return add_request_id(response)


def _is_event_stream(content_type: str | None) -> bool:
    return (content_type or "").partition(";")[0].strip().lower() == "text/event-stream"
