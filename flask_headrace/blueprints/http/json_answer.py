"""The whole answer as one JSON value."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response

from ...core.answer import CollectedAnswer
from ...core.errors import AnswerTooLarge, HeadraceError, SourceError, StoreUnavailable, StreamCancelled
from ...core.events import Cancelled, Failed
from ...core.text_buffer import MAX_TEXT_CHARS
from ...streaming.readable import ReadableStream
from ...streaming.reader import StreamReader
from ..encoding.base import JSONEncoder
from .ignored_header import add_ignored_header
from .json_response import json_response
from .response_stream import ResponseStream
from .streamed_response import ClientDisconnected, respond


def json_answer_response(
    reader: StreamReader, encoder: JSONEncoder, *, on_request_end: Callable[[], object] | None = None
) -> Response:
    """Return a response that waits for the stream's end and contains the answer as one JSON value.

    If the stream fails or is cancelled, the response is an error response.

    Args:
        reader: The reader, at the beginning of the stream.
        encoder: The encoder of the response's protocol.
        on_request_end: See `stream_response`.
    """
    stream = ResponseStream(reader, encoder)

    def build() -> Response:
        if on_request_end is not None:
            on_request_end()
        return _collect(stream, encoder)

    return respond(stream, build, {"Content-Type": "application/json"}, is_late=on_request_end is not None)


def _collect(stream: ResponseStream, encoder: JSONEncoder) -> Response:
    answer = CollectedAnswer()
    while (events := stream.reader.read()) is not None:
        answer.add(events)
        if answer.size > MAX_TEXT_CHARS:
            error = AnswerTooLarge(
                f"The answer has more than {MAX_TEXT_CHARS} characters, the maximum of a JSON answer: request a stream."
            )
            if stream.session.is_stored:
                raise error  # other readers may stream the same answer
            stream.session.fail(error)
    if stream.watcher.has_disconnected:
        raise ClientDisconnected
    stream.close()
    if (terminal_error := _terminal_error(stream.session)) is not None:
        terminal_error.partial_text = answer.text()
        raise terminal_error
    return add_ignored_header(json_response(encoder.encode_whole(answer)), stream.session)


def _terminal_error(session: ReadableStream) -> HeadraceError | None:
    match session.terminal:
        case Failed(code, message, retryable):
            return session.error or SourceError(message, code=code, retryable=retryable)
        case Cancelled(reason):
            return StreamCancelled(reason)
        case None:
            message = "The stream is temporarily unreadable: retry in a few seconds."
            return StoreUnavailable(message, retry_after=2)
        case _:
            return None
