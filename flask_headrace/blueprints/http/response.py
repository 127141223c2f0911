"""A session becomes a response: an event stream, or one JSON object.

The client's socket is watched from before the upstream is asked. The head of the response waits for the upstream's
first event or the first heartbeat, so that a failure before it has its real HTTP status. That wait, like all that
follows, is outside of the request's context: nothing of the application's is held open meanwhile.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING

import gevent
from flask import Response, request
from gevent.monkey import get_original

from ...core.answer import CollectedAnswer
from ...core.errors import AnswerTooLarge, HeadraceError, SourceError, StoreUnavailable, StreamCancelled
from ...core.events import TERMINAL_EVENTS, Cancelled, Event, Failed
from ...core.text_buffer import MOST_WHOLE
from ...providers.http.hub_local import end_loop_with_thread
from ...streaming.internal_error import log_internal_error
from ...streaming.readable import ReadableStream
from ...streaming.reader import StreamReader
from ..encoding.base import AbortConnection, JSONEncoder, StreamEncoder
from ..encoding.event_id import event_id_suffix
from .disconnect import DisconnectWatcher
from .error_handlers import error_response
from .event_loop import has_one_loop
from .json_response import json_response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_CHUNK_BYTES = 65536
"""Bytes that are handed to the server at once: what the reader has to accept within its time limit."""

_get_ident = get_original("_thread", "get_ident")

REPORT_TIMEOUT = 5.0
"""Seconds that a reader's thread waits for a stream's accounts, where its end is the event loop's."""


def stream_response(reader: StreamReader, encoder: StreamEncoder) -> Response:
    """Answer with a stream's events as they come; with an error's own status if it fails before the first.

    The connection is broken where the reading ends before its stream does, or where the protocol has no word for a
    failure: many clients take the body's end for the answer's. See `DisconnectWatcher.guard`.

    Args:
        follower: The reader's place in the stream.
        wire: The protocol.
    """
    reading = ResponseStream(reader, encoder)
    return DeferredResponse(reading, lambda: _start_stream(reading), encoder.HEADERS)


def json_answer_response(reader: StreamReader, encoder: JSONEncoder) -> Response:
    """Wait for a stream's end and answer with the whole as one JSON value; with an error's own status if it fails.

    Args:
        follower: The reader's place at the beginning of the stream.
        wire: The protocol.
    """
    reading = ResponseStream(reader, encoder)
    return DeferredResponse(reading, lambda: _collect(reading, encoder), {"Content-Type": "application/json"})


class ResponseStream:
    """One reader at its stream: its place in it, and the watch on its socket. Closing it twice does no harm.

    Attributes:
        is_at_end: Whether the stream's end was written, which may have come without this reader.
        suffix: What follows the numbers of its events.
    """

    __slots__ = ("_hub", "encoder", "id_suffix", "is_finished", "reader", "session", "watcher")

    def __init__(self, reader: StreamReader, encoder: StreamEncoder) -> None:
        self.encoder, self.is_finished = encoder, False
        self.session = reader.session
        self.id_suffix = event_id_suffix(reader.session.target.incarnation)
        self.reader = reader
        end_loop_with_thread()
        self._hub = gevent.get_hub()
        try:
            self.watcher = DisconnectWatcher(request.environ, self.reader.close)
        except BaseException:
            # A socket that is closed already cannot be watched, and its stream has no reader.
            self.reader.close()
            raise
        self.watcher.set_timeouts(self.session.limits.client)
        self.reader.on_stall = self.watcher.shut_down

    def release(self) -> None:
        """Close it, also from where nothing may wait."""
        self.watcher.stop()
        self.reader.close()

    def release_from_any_thread(self) -> None:
        """Close it, whichever thread the garbage collector runs in: the stream and the watch are their loop's."""
        if self._hub.thread_ident == _get_ident():
            self.release()
        elif (loop := self._hub.loop) is not None:
            loop.run_callback_threadsafe(self.release)

    def close(self) -> None:
        self.release()
        if not has_one_loop():
            self._wait_for_report()

    def _wait_for_report(self) -> None:
        # Each thread has an event loop of its own here (Flask's development server, a test client), which runs only
        # while the thread waits: a stream must come to its end before the thread does.
        with gevent.Timeout(REPORT_TIMEOUT, False):
            while not self.session.is_reported:
                gevent.sleep(0.001)


class DeferredResponse(Response):
    """A response that is decided when the server iterates it, which is after the request's context has gone.

    What the application adds to it before (a cookie, CORS headers) is added to the response that it becomes.
    """

    def __init__(self, reading: ResponseStream, decide: Callable[[], Response], headers: Mapping[str, str]) -> None:
        super().__init__((), headers=headers, direct_passthrough=True)
        self._reading, self._decide = reading, decide
        self.headers["Headrace-Stream-Id"] = reading.session.id
        # The iteration's own `finally` does not run if nobody iterates.
        self.call_on_close(reading.close)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> _ResponseBody:
        """Answer the server, as WSGI has it."""
        if environ["REQUEST_METHOD"] == "HEAD":
            # Nobody would read the answer: the model is not asked.
            self._reading.close()
            start_response(self.status, self.headers.to_wsgi_list())
            return _ResponseBody(lambda: iter(()), self.close)
        # werkzeug keeps the request there, with its headers and all; nobody will ask for it any more.
        environ.pop("werkzeug.request", None)
        return _ResponseBody(lambda: self._start(start_response), self.close)

    def __del__(self) -> None:
        # A response that its application has thrown away is closed by nobody. In the end of a process there is nothing
        # left that could be stopped.
        if not sys.is_finalizing() and (reading := self.__dict__.get("_reading")):
            reading.abandon_from_anywhere()

    def _start(self, start_response: StartResponse) -> Iterator[bytes]:
        try:
            response = self._decide()
        except HeadraceError as error:
            self._reading.close()
            response = self._error_response(error)
        except BrokenPipeError:
            self._reading.close()
            raise
        except Exception as error:  # noqa: BLE001  # a mistake of ours is answered like any other failure
            self._reading.close()
            response = self._error_response(log_internal_error(self._reading.session.id, error))
        decided = set(response.headers.keys())
        response.headers.extend([(name, value) for name, value in self.headers if name not in decided])
        start_response(response.status, response.headers.to_wsgi_list())
        return iter(response.response)  # type: ignore[arg-type]  # they hold bytes

    def _error_response(self, error: HeadraceError) -> Response:
        return error_response(error, self._reading.encoder.error_body(error))


class _ResponseBody:
    """What the server iterates: that begins the response, and each chunk then comes straight from its source."""

    __slots__ = ("_begin", "close")

    def __init__(self, begin: Callable[[], Iterator[bytes]], close: Callable[[], None]) -> None:
        self._begin, self.close = begin, close

    def __iter__(self) -> Iterator[bytes]:
        return self._begin()


def _start_stream(reading: ResponseStream) -> Response:
    first = next(reading.reader, None)
    session = reading.session
    if first is None:
        # Nothing can be read any more; or the reader is gone, which servers are told as a write to it would.
        raise session.error or _disconnected()
    if first and session.error is not None and session.first_event_at is None:
        # With the status its reader has all that there is.
        next(reading.reader, None)
        raise session.error
    try:
        begun = _encode(reading, first)
    except AbortConnection as broken:
        # What follows finds nothing more to read, and breaks the connection.
        reading.close()
        begun = broken.final_bytes
    # Not before: a mistake in what was just written is answered with a status, whose response says how long it is.
    reading.watcher.reset_on_close()
    return Response(chain([begun], _response_chunks(reading)), headers=reading.encoder.HEADERS, direct_passthrough=True)


def _disconnected() -> BrokenPipeError:
    return BrokenPipeError(errno.EPIPE, "the reader has left")


def _response_chunks(reading: ResponseStream) -> Iterator[bytes]:
    try:
        yield from _encoded_chunks(reading)
        if not reading.is_finished:
            # Servers break the connection after this one, and do not log it.
            raise _disconnected()
        reading.watcher.close_normally()
    except AbortConnection as broken:
        yield broken.final_bytes
        raise _disconnected() from None
    finally:
        reading.watcher.reset()
        reading.close()


def _encoded_chunks(reading: ResponseStream) -> Iterator[bytes]:
    reader = reading.reader
    try:
        for events in reader:
            frames = _encode(reading, events)
            if len(frames) <= MAX_CHUNK_BYTES:
                yield frames
            else:
                yield from _split_chunk(frames, reader)
    except HeadraceError as error:
        reading.is_finished = True
        yield reading.encoder.encode([Failed(error.code, error.message, error.retryable)], None)


def _split_chunk(frames: bytes, reader: StreamReader) -> Iterator[bytes]:
    for start in range(0, len(frames), MAX_CHUNK_BYTES):
        yield frames[start : start + MAX_CHUNK_BYTES]
        reader.progressed()


def _encode(reading: ResponseStream, events: list[Event]) -> bytes:
    reader = reading.reader
    first = reader.position - len(events) + 1 if reader.is_numbered else None
    try:
        frames = reading.encoder.encode(events, first, reading.id_suffix)
    except AbortConnection:
        raise
    except Exception as error:
        failure = log_internal_error(reader.session.id, error)
        reader.session.fail(failure)
        raise failure from error
    reading.is_finished = bool(events) and type(events[-1]) in TERMINAL_EVENTS
    return frames


def _collect(reading: ResponseStream, encoder: JSONEncoder) -> Response:
    answer = CollectedAnswer()
    for events in reading.reader:
        answer.add(events)
        if answer.size > MOST_WHOLE:
            too_large = AnswerTooLarge(f"The answer has more than {MOST_WHOLE} characters: have it streamed.")
            if reading.session.is_stored:
                raise too_large  # others may read it as it comes
            reading.session.fail(too_large)
    reading.close()
    if (error := _terminal_error(reading.session)) is not None:
        error.text = answer.text()
        raise error
    return json_response(encoder.encode_whole(answer))


def _terminal_error(session: ReadableStream) -> HeadraceError | None:
    match session.terminal:
        case Failed(code, message, retryable):
            return session.error or SourceError(message, code=code, retryable=retryable)
        case Cancelled(reason):
            return StreamCancelled(reason)
        case None:
            return StoreUnavailable("The stream cannot be read to its end now. Try again soon.", retry_after=2)
        case _:
            return None
