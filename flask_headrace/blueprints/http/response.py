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
from ...providers.http.hub_local import destroy_hub_with_thread
from ...streaming.internal_error import log_internal_error
from ...streaming.readable import ReadableStream
from ...streaming.reader import StreamReader
from ..encoding.base import AbortConnection, JSONEncoder, StreamEncoder
from ..encoding.event_id import suffix_of
from .disconnect import DisconnectWatcher
from .error_handlers import error_response
from .event_loop import has_one_loop
from .json_response import json_value_response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MOST_AT_ONCE = 65536
"""Bytes that are handed to the server at once: what the reader has to accept within its time limit."""

_get_ident = get_original("_thread", "get_ident")

ACCOUNT_LIMIT = 5.0
"""Seconds that a reader's thread waits for a stream's accounts, where its end is the event loop's."""


def stream_response(follower: StreamReader, wire: StreamEncoder) -> Response:
    """Answer with a stream's events as they come; with an error's own status if it fails before the first.

    The connection is broken where the reading ends before its stream does, or where the protocol has no word for a
    failure: many clients take the body's end for the answer's. See `DisconnectWatcher.guard`.

    Args:
        follower: The reader's place in the stream.
        wire: The protocol.
    """
    reading = ResponseStream(follower, wire)
    return DeferredResponse(reading, lambda: _begin_stream(reading), wire.HEADERS)


def json_response(follower: StreamReader, wire: JSONEncoder) -> Response:
    """Wait for a stream's end and answer with the whole as one JSON value; with an error's own status if it fails.

    Args:
        follower: The reader's place at the beginning of the stream.
        wire: The protocol.
    """
    reading = ResponseStream(follower, wire)
    return DeferredResponse(reading, lambda: _collect(reading, wire), {"Content-Type": "application/json"})


class ResponseStream:
    """One reader at its stream: its place in it, and the watch on its socket. Closing it twice does no harm.

    Attributes:
        is_at_end: Whether the stream's end was written, which may have come without this reader.
        suffix: What follows the numbers of its events.
    """

    __slots__ = ("_hub", "follower", "is_at_end", "session", "suffix", "watch", "wire")

    def __init__(self, follower: StreamReader, wire: StreamEncoder) -> None:
        self.wire, self.is_at_end = wire, False
        self.session = follower.session
        self.suffix = suffix_of(follower.session.target.incarnation)
        self.follower = follower
        destroy_hub_with_thread()
        self._hub = gevent.get_hub()
        try:
            self.watch = DisconnectWatcher(request.environ, self.follower.close)
        except BaseException:
            # A socket that is closed already cannot be watched, and its stream has no reader.
            self.follower.close()
            raise
        self.watch.set_timeouts(self.session.limits.client)
        self.follower.on_stall = self.watch.drop

    def abandon(self) -> None:
        """Close it, also from where nothing may wait."""
        self.watch.stop()
        self.follower.close()

    def abandon_from_anywhere(self) -> None:
        """Close it, whichever thread the garbage collector runs in: the stream and the watch are their loop's."""
        if self._hub.thread_ident == _get_ident():
            self.abandon()
        elif (loop := self._hub.loop) is not None:
            loop.run_callback_threadsafe(self.abandon)

    def close(self) -> None:
        self.abandon()
        if not has_one_loop():
            self._wait_for_accounts()

    def _wait_for_accounts(self) -> None:
        # Each thread has an event loop of its own here (Flask's development server, a test client), which runs only
        # while the thread waits: a stream must come to its end before the thread does.
        with gevent.Timeout(ACCOUNT_LIMIT, False):
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

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> _Body:
        """Answer the server, as WSGI has it."""
        if environ["REQUEST_METHOD"] == "HEAD":
            # Nobody would read the answer: the model is not asked.
            self._reading.close()
            start_response(self.status, self.headers.to_wsgi_list())
            return _Body(lambda: iter(()), self.close)
        # werkzeug keeps the request there, with its headers and all; nobody will ask for it any more.
        environ.pop("werkzeug.request", None)
        return _Body(lambda: self._begin(start_response), self.close)

    def __del__(self) -> None:
        # A response that its application has thrown away is closed by nobody. In the end of a process there is nothing
        # left that could be stopped.
        if not sys.is_finalizing() and (reading := self.__dict__.get("_reading")):
            reading.abandon_from_anywhere()

    def _begin(self, start_response: StartResponse) -> Iterator[bytes]:
        try:
            response = self._decide()
        except HeadraceError as error:
            self._reading.close()
            response = self._refused(error)
        except BrokenPipeError:
            self._reading.close()
            raise
        except Exception as error:  # noqa: BLE001  # a mistake of ours is answered like any other failure
            self._reading.close()
            response = self._refused(log_internal_error(self._reading.session.id, error))
        decided = set(response.headers.keys())
        response.headers.extend([(name, value) for name, value in self.headers if name not in decided])
        start_response(response.status, response.headers.to_wsgi_list())
        return iter(response.response)  # type: ignore[arg-type]  # they hold bytes

    def _refused(self, error: HeadraceError) -> Response:
        return error_response(error, self._reading.wire.error_body(error))


class _Body:
    """What the server iterates: that begins the response, and each chunk then comes straight from its source."""

    __slots__ = ("_begin", "close")

    def __init__(self, begin: Callable[[], Iterator[bytes]], close: Callable[[], None]) -> None:
        self._begin, self.close = begin, close

    def __iter__(self) -> Iterator[bytes]:
        return self._begin()


def _begin_stream(reading: ResponseStream) -> Response:
    first = next(reading.follower, None)
    session = reading.session
    if first is None:
        # Nothing can be read any more; or the reader is gone, which servers are told as a write to it would.
        raise session.error or _gone()
    if first and session.error is not None and session.first_event_at is None:
        # With the status its reader has all that there is.
        next(reading.follower, None)
        raise session.error
    try:
        begun = _encode(reading, first)
    except AbortConnection as broken:
        # What follows finds nothing more to read, and breaks the connection.
        reading.close()
        begun = broken.last
    # Not before: a mistake in what was just written is answered with a status, whose response says how long it is.
    reading.watch.guard()
    return Response(chain([begun], _stream(reading)), headers=reading.wire.HEADERS, direct_passthrough=True)


def _gone() -> BrokenPipeError:
    return BrokenPipeError(errno.EPIPE, "the reader has left")


def _stream(reading: ResponseStream) -> Iterator[bytes]:
    try:
        yield from _frames(reading)
        if not reading.is_at_end:
            # Servers break the connection after this one, and do not log it.
            raise _gone()
        reading.watch.release()
    except AbortConnection as broken:
        yield broken.last
        raise _gone() from None
    finally:
        reading.watch.break_off()
        reading.close()


def _frames(reading: ResponseStream) -> Iterator[bytes]:
    follower = reading.follower
    try:
        for events in follower:
            frames = _encode(reading, events)
            if len(frames) <= MOST_AT_ONCE:
                yield frames
            else:
                yield from _pieces(frames, follower)
    except HeadraceError as error:
        reading.is_at_end = True
        yield reading.wire.encode([Failed(error.code, error.message, error.retryable)], None)


def _pieces(frames: bytes, follower: StreamReader) -> Iterator[bytes]:
    for start in range(0, len(frames), MOST_AT_ONCE):
        yield frames[start : start + MOST_AT_ONCE]
        follower.progressed()


def _encode(reading: ResponseStream, events: list[Event]) -> bytes:
    follower = reading.follower
    first = follower.position - len(events) + 1 if follower.is_numbered else None
    try:
        frames = reading.wire.encode(events, first, reading.suffix)
    except AbortConnection:
        raise
    except Exception as error:
        failure = log_internal_error(follower.session.id, error)
        follower.session.fail(failure)
        raise failure from error
    reading.is_at_end = bool(events) and type(events[-1]) in TERMINAL_EVENTS
    return frames


def _collect(reading: ResponseStream, wire: JSONEncoder) -> Response:
    answer = CollectedAnswer()
    for events in reading.follower:
        answer.add(events)
        if answer.size > MOST_WHOLE:
            too_large = AnswerTooLarge(f"The answer has more than {MOST_WHOLE} characters: have it streamed.")
            if reading.session.is_stored:
                raise too_large  # others may read it as it comes
            reading.session.fail(too_large)
    reading.close()
    if (error := _error_of(reading.session)) is not None:
        error.text = answer.text()
        raise error
    return json_value_response(wire.encode_whole(answer))


def _error_of(session: ReadableStream) -> HeadraceError | None:
    match session.terminal:
        case Failed(code, message, retryable):
            return session.error or SourceError(message, code=code, retryable=retryable)
        case Cancelled(reason):
            return StreamCancelled(reason)
        case None:
            return StoreUnavailable("The stream cannot be read to its end now. Try again soon.", retry_after=2)
        case _:
            return None
