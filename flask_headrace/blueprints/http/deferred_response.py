"""A Flask response whose status, headers and body are built only when the server iterates its body."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from flask import Response

from ...core.errors import HeadraceError
from ...streaming.internal_error import log_internal_error
from .error_handlers import error_response
from .request_id import add_request_id
from .response_stream import ResponseStream

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class DeferredResponse(Response):
    """A response that `build` builds when the server iterates its body, after the request's context has ended.

    Headers that the application adds before (a cookie, CORS headers) are added to the built response, unless that sets
    them itself. The model is not called for a HEAD request. An error that `build` raises becomes an error response.

    Args:
        stream: The response's stream, which this response closes.
        build: Returns the response; may wait.
        headers: The headers of a successful response.
    """

    def __init__(self, stream: ResponseStream, build: Callable[[], Response], headers: Mapping[str, str]) -> None:
        super().__init__((), headers=headers, direct_passthrough=True)
        self._response_stream, self._build = stream, build
        self.headers["Headrace-Stream-Id"] = stream.session.id
        add_request_id(self)
        # A `finally` inside the iteration would not run if the server never iterates.
        self.call_on_close(stream.close)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> _ResponseBody:
        """Return the WSGI body, whose iteration builds the response."""
        if environ["REQUEST_METHOD"] == "HEAD":
            # The server discards the body of a HEAD response, so the model is not called.
            self._response_stream.close()
            start_response(self.status, self.headers.to_wsgi_list())
            return _ResponseBody(lambda: iter(()), self.close)
        # werkzeug keeps the request object there, with its headers and body. Nothing uses it from here on.
        environ.pop("werkzeug.request", None)
        return _ResponseBody(lambda: self._start(start_response), self.close)

    def __del__(self) -> None:
        # Nothing closes a response that the application has thrown away. At the interpreter's exit there is no event
        # loop left in which the stream could be closed.
        if not sys.is_finalizing() and (stream := self.__dict__.get("_response_stream")):
            stream.release_from_any_thread()

    def _start(self, start_response: StartResponse) -> Iterator[bytes]:
        try:
            response = self._build()
        except HeadraceError as error:
            self._response_stream.close()
            response = self._error_response(error)
        except BrokenPipeError:
            self._response_stream.close()
            raise
        except Exception as error:  # noqa: BLE001  # a bug of ours is answered like any other error
            self._response_stream.close()
            response = self._error_response(log_internal_error(self._response_stream.session.id, error))
        own_names = set(response.headers.keys())
        response.headers.extend([(name, value) for name, value in self.headers if name not in own_names])
        start_response(response.status, response.headers.to_wsgi_list())
        return iter(response.response)  # type: ignore[arg-type]  # all bodies of ours are bytes

    def _error_response(self, error: HeadraceError) -> Response:
        return error_response(error, self._response_stream.encoder.error_body(error))


class _ResponseBody:
    """The WSGI body: `__iter__` starts the response, and the server then reads chunks directly from their iterator."""

    __slots__ = ("_start", "close")

    def __init__(self, start: Callable[[], Iterator[bytes]], close: Callable[[], None]) -> None:
        self._start, self.close = start, close

    def __iter__(self) -> Iterator[bytes]:
        return self._start()
