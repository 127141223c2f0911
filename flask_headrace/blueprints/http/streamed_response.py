"""The Flask responses whose body is a stream.

By default a view waits until the status of its answer is known: the first event, or the first heartbeat. Everything
that looks at responses in the request (`after_request`, extensions, tracing) then sees the status that the client
gets. `LateResponse` does not hold the request so long; its status and headers are known at the first chunk of its body.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from inspect import GEN_CREATED, getgeneratorstate
from itertools import chain
from typing import TYPE_CHECKING, cast

import gevent
from flask import Response, current_app, request
from werkzeug.datastructures import Headers

from ...core.errors import HeadraceError
from ...streaming.internal_error import log_internal_error
from ..state import current_state
from .error_handlers import error_response
from .event_loop import runs_in_async_view
from .request_id import add_request_id, request_id_headers
from .request_streams import is_opened_in_request, prime
from .response_stream import ResponseStream

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from typing_extensions import Self
    from werkzeug.wrappers import Request

NOT_ENCODED = "identity"
"""The `Content-Encoding` of a stream until it is sent: compressing extensions leave such a response alone."""

CLIENT_CLOSED_REQUEST = "499 Client Closed Request"
"""The status of a response whose client has disconnected before there was one. It is never sent; logs and metrics show
it. nginx uses the same number."""


class ClientDisconnected(Exception):
    """The client has disconnected before its response had a status."""


class _Subclasses(dict[tuple[type["StreamedResponse"], type[Response]], type["StreamedResponse"]]):
    """Classes that are both one of ours and an application's `response_class`, by these two."""

    def __missing__(self, bases: tuple[type[StreamedResponse], type[Response]]) -> type[StreamedResponse]:
        ours, own = bases
        self[bases] = ours if issubclass(ours, own) else type(ours.__name__, bases, {})
        return self[bases]


_subclasses = _Subclasses()


class StreamedResponse(Response):
    """A response whose body is a stream. The application may change its status and headers, or replace its body.

    As long as the body is a stream, it has no length and no ranges, and an event stream keeps its content type. It can
    be sent once, in the request in which its stream was opened.

    Args:
        stream: The response's stream, which is closed with this response.
        chunks: The body.
        headers: The headers of the response.
    """

    def __new__(cls, *_: object) -> Self:
        """Create an instance of the application's `response_class`, too: Flask replaces the class of any other."""
        subclass = _subclasses[cls, current_app.response_class if current_app else Response]
        return super().__new__(cast("type[Self]", subclass))

    def __init__(
        self, stream: ResponseStream, chunks: Generator[bytes, None, None], headers: Mapping[str, str]
    ) -> None:
        # All at once: looking a header up compares it with each one.
        super().__init__(chunks, headers=[*headers.items(), ("Content-Encoding", NOT_ENCODED)])
        self._stream, self._own_chunks = stream, chunks
        self._own_content_type: str | None = headers.get("Content-Type")
        self._is_sent = False
        # A `finally` inside the iteration would not run if the server never iterates.
        self.call_on_close(stream.close)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Return the WSGI body; that of an error if the application has sent or closed the response before."""
        is_closed = self._stream.is_closed and self.response is self._own_chunks and environ["REQUEST_METHOD"] != "HEAD"
        if is_closed or self._is_sent or not is_opened_in_request(environ, self._stream):
            return _sent_before(self._stream)(environ, start_response)
        self._is_sent = True
        return self._send(environ, start_response)

    def _send(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self._changes_event_stream() and self.response is not self._own_chunks:
            # The first chunk shows whether the application has wrapped the stream or replaced it.
            self._read_first_chunk()
        return super().__call__(environ, start_response)

    def get_app_iter(self, environ: WSGIEnvironment) -> Iterable[bytes]:
        """Return the body for the server: without werkzeug's layers around a stream that nobody has wrapped.

        Each layer costs a stream memory while it waits. The request closes the stream; see `request_streams`.
        """
        has_body = (
            environ["REQUEST_METHOD"] != "HEAD" and self.status_code >= 200 and self.status_code not in {204, 304}
        )
        is_untouched = self.response is self._own_chunks and len(self._on_close) == 1
        if has_body and is_untouched and type(self).close is Response.close:
            return self._own_chunks
        return super().get_app_iter(environ)

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """Return the headers to send."""
        headers = super().get_wsgi_headers(environ)
        if headers.get("Content-Encoding") == NOT_ENCODED:
            del headers["Content-Encoding"]
        if self.is_streamed:
            headers.remove("Content-Length")
            if self._changes_event_stream() and self._contains_own_chunks():
                headers["Content-Type"] = self._own_content_type
        return headers

    def make_conditional(
        self,
        request_or_environ: WSGIEnvironment | Request,
        accept_ranges: bool | str = False,
        complete_length: int | None = None,
    ) -> Response:
        """Make the response conditional, as in werkzeug; a stream has no ranges."""
        if self.is_streamed:
            accept_ranges, complete_length = False, None
        super().make_conditional(request_or_environ, accept_ranges, complete_length)
        return self

    def calculate_content_length(self) -> int | None:
        """Return the length of the body; None for a stream, which werkzeug would read to its end for this."""
        return None if self.is_streamed else super().calculate_content_length()

    def _changes_event_stream(self) -> bool:
        if (content_type := self.content_type) == self._own_content_type:
            return False
        return _is_event_stream(self._own_content_type) and not _is_event_stream(content_type)

    def _contains_own_chunks(self) -> bool:
        return self.response is self._own_chunks or getgeneratorstate(self._own_chunks) != GEN_CREATED

    def _read_first_chunk(self) -> None:
        chunks = iter(self.iter_encoded())
        self.call_on_close(getattr(self.response, "close", lambda: None))
        self.response = chain([next(chunks, b"")], chunks)


class LateResponse(StreamedResponse):
    """A response that is built when the server asks for the first chunk of its body, after the request has ended.

    What the application changes before, its status and headers, has precedence over the built response.

    Args:
        stream: The response's stream.
        build: Returns the response; may wait.
        headers: The headers of a successful response.
    """

    def __init__(self, stream: ResponseStream, build: Callable[[], Response], headers: Mapping[str, str]) -> None:
        super().__init__(stream, self._build_chunks(), headers)
        self._build = build
        _add_ids(self, stream)
        self._own_headers = self.headers.copy()

    def _send(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
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

    def _build_chunks(self) -> Generator[bytes, None, None]:
        response = _decide(self._stream, self._build)
        if self.status_code == 200:
            self.status = response.status
        changed = self._changed_headers()
        for name in {name.lower() for name, _ in response.headers} - changed:
            self.headers.setlist(name, response.headers.getlist(name))
        if not isinstance(response, StreamedResponse):
            self._own_content_type = None
            self.content_type = response.content_type
        yield from response.iter_encoded()

    def _changed_headers(self) -> set[str]:
        names = {name.lower() for name, _ in (*self.headers, *self._own_headers)}
        return {name for name in names if self.headers.getlist(name) != self._own_headers.getlist(name)}


def respond(
    stream: ResponseStream, build: Callable[[], Response], headers: Mapping[str, str], *, is_late: bool = False
) -> Response:
    """Return the response that `build` builds, or one that calls `build` when the server iterates its body.

    The latter holds if `is_late`, if the application asks for it (`Headrace(hold_request=False)`), and in `async def`
    views: while one of these waits, no other can run in its thread. The model is not called for a HEAD request. An
    error that `build` raises becomes an error response.

    Args:
        stream: The response's stream, which this response closes.
        build: Returns the response; may wait.
        headers: The headers of a successful response.
        is_late: Whether `build` must not be called before the request has ended.
    """
    if request.method == "HEAD":
        # The server discards the body of a HEAD response, so the model is not called.
        stream.close()
        return _add_ids(StreamedResponse(stream, _no_chunks(), headers), stream)
    if current_state().holds_requests and not is_late and not runs_in_async_view():
        return _add_ids(_decide(stream, build), stream)
    return LateResponse(stream, build, headers)


def _no_chunks() -> Generator[bytes, None, None]:
    yield from ()


def _decide(stream: ResponseStream, build: Callable[[], Response]) -> Response:
    try:
        return build()
    except HeadraceError as error:
        ours = error
    except ClientDisconnected:
        return _break_connection(stream)
    except Exception as error:  # noqa: BLE001  # a bug of ours is answered like any other error
        ours = log_internal_error(stream.session.id, error)
    except BaseException:
        stream.close()
        raise
    stream.close()
    return error_response(ours, stream.encoder.error_body(ours))


def _break_connection(stream: ResponseStream) -> Response:
    # If many clients disconnect at once, all upstreams are closed before the first response is built.
    gevent.sleep(0)
    try:
        stream.watcher.break_connection()
    except BrokenPipeError as error:
        # Raised in the view, this would be an error of the application; here the server takes it for a failed write.
        return Response(_raise(error), CLIENT_CLOSED_REQUEST)
    finally:
        stream.close()
    return Response(b"", CLIENT_CLOSED_REQUEST)


def _raise(error: BrokenPipeError) -> Iterator[bytes]:
    yield from ()
    raise error


def _sent_before(stream: ResponseStream) -> Response:
    error = log_internal_error(
        stream.session.id,
        RuntimeError(
            "A streamed response was sent or closed before: return each one once, from the request in which "
            "Headrace.stream or stream_from was called."
        ),
    )
    return error_response(error, stream.encoder.error_body(error))


def _add_ids(response: Response, stream: ResponseStream) -> Response:
    if isinstance(response, StreamedResponse):  # a new one, which has none of them
        response.headers.extend([("Headrace-Stream-Id", stream.session.id), *request_id_headers()])
        return response
    response.headers["Headrace-Stream-Id"] = stream.session.id
    return add_request_id(response)


def _is_event_stream(content_type: str | None) -> bool:
    return (content_type or "").partition(";")[0].strip().lower() == "text/event-stream"
