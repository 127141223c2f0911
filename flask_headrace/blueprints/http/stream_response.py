"""The streamed response: it sends a stream's events to the client as they come.

The client's socket is watched before the provider is called. The response head waits for the first event or the first
heartbeat, so that an earlier error gets its own HTTP status. A client that resumes a stream waits for a moment only.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

import gevent
from flask import Response

from ...core.events import Event
from ...streaming.reader import StreamReader
from ..encoding.base import AbortConnection, StreamEncoder
from .ignored_header import add_ignored_header
from .response_stream import MAX_CHUNK_BYTES, ResponseStream
from .streamed_response import ClientDisconnected, StreamedResponse, respond


def stream_response(
    reader: StreamReader,
    encoder: StreamEncoder,
    *,
    on_request_end: Callable[[], object] | None = None,
    max_head_delay: float | None = None,
) -> Response:
    """Return a response that streams events; an error before the first event becomes an error response.

    If the reading ends before the stream does, or if the protocol has no form for an error, the connection is broken:
    many clients take the end of the body for the end of the answer. See `DisconnectWatcher.reset_on_close`.

    Args:
        reader: The reader of the stream, at the position where the response begins.
        encoder: The encoder of the response's protocol.
        on_request_end: Called as soon as the request has ended; only then the response waits for the first event.
            None for a response that waits for the first event in the view, if the application allows it.
        max_head_delay: Seconds after which the response begins with a heartbeat, if no event has come; None to wait for
            the first regular heartbeat.
    """
    stream = ResponseStream(reader, encoder)

    def build() -> Response:
        if on_request_end is not None:
            on_request_end()
        return _start(stream, max_head_delay)

    return respond(stream, build, encoder.HEADERS, is_late=on_request_end is not None)


def _start(stream: ResponseStream, max_head_delay: float | None) -> Response:
    first = _read_first(stream.reader, max_head_delay)
    session = stream.session
    if stream.watcher.has_disconnected:
        raise ClientDisconnected
    if first is None:
        # The stream is unreadable, or the reader was dropped.
        raise session.error or ClientDisconnected
    if first and session.error is not None and session.first_event_at is None:
        # The error response contains the whole stream, so the reader reads to its end.
        stream.reader.read()
        raise session.error
    try:
        head = stream.encode(first)
    except AbortConnection as abort:
        # `_chunks` then finds a closed reader and breaks the connection, for which it needs the watcher.
        stream.mark_sent()
        stream.reader.close()
        head = abort.final_bytes
    # From here to the first byte the application works on the response, and the client cannot accept anything.
    stream.reader.hold_events()
    return add_ignored_header(StreamedResponse(stream, _chunks(stream, head), stream.encoder.HEADERS), session)


def _read_first(reader: StreamReader, max_delay: float | None) -> list[Event] | None:
    if max_delay is None:
        return reader.read()
    # The stream's own deadlines are looked at too rarely for this: it may have had none that is as short.
    timer = gevent.get_hub().loop.timer(max_delay)
    try:
        timer.start(reader.send_heartbeat)
        return reader.read()
    finally:
        timer.stop()
        timer.close()


def _chunks(stream: ResponseStream, head: bytes) -> Generator[bytes, None, None]:
    stream.require_open()
    stream.reader.release_events()
    # Only now: an error response, or a body of the application's, has a Content-Length and needs no reset.
    stream.watcher.reset_on_close()
    try:
        yield head
        while (frames := stream.read()) is not None:
            if len(frames) <= MAX_CHUNK_BYTES:
                yield frames
            else:
                yield from stream.split(frames)
        if stream.is_finished:
            stream.watcher.close_normally()
        else:
            stream.watcher.break_connection()
    except AbortConnection as abort:
        yield abort.final_bytes
        stream.mark_sent()
        stream.watcher.break_connection()
    finally:
        stream.watcher.reset()
        stream.close()
