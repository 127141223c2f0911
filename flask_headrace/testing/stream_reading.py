"""Reads the answer in a response of the native protocol as a client does: its events, and the whole as an `Answer`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead
from typing import Any

from ..answers import Answer, recorded_fields
from ..core.application_events import ToolResult
from ..core.events import (
    AnswerRestarted,
    Cancelled,
    Completed,
    Event,
    Failed,
    ResponseStarted,
    TerminalEvent,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    terminal_reason,
)
from ..streaming.recording import AnswerSubject, Recording
from .native_decoder import Decoded, decode_error, decode_stream, decode_whole

CUT = "cut"
"""The `reason` of an answer whose end did not arrive."""


@dataclass(frozen=True)
class StreamReading:
    """What a client has received of an answer.

    Args:
        events: The events, in their order. An answer that is not streamed is the events that it consists of.
        answer: The whole answer, as far as a client can know it: it has no owner, chat, question and context, and its
            times are those of the reading. If the end did not arrive, `end` is `failed` with the reason `cut`, and
            `is_cut` is true.
        error: The error with which the answer has failed, of an error response too; None if it has not failed.
        status: The HTTP status of the response; None if only its body was given.
    """

    events: list[Event]
    answer: Answer
    error: Failed | None
    status: int | None


def read_stream(response: Any) -> StreamReading:  # noqa: ANN401  # of any library
    """Read an answer of the native protocol to its end, and close the response.

    In Flask's test client, functions of `Headrace.on_end` have run when this returns.

    Args:
        response: A response of Flask's test client, requests, httpx or urllib, streamed or not; or its body as text,
            bytes, or an iterable of these. A response of an error is read as the failed answer that it is.

    Raises:
        ValueError: the response is no answer in the native protocol.
        TypeError: `response` is nothing that has a body.
    """
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    headers: Mapping[str, str] = getattr(response, "headers", None) or {}
    content_type = headers.get("Content-Type") or ""
    body, is_broken = _read(response)
    if status is not None and status >= 400:
        decoded = decode_error(body, status)
    elif status is not None and status >= 300:
        raise ValueError(f"The response has the status {status} (to {headers.get('Location', 'no address')!r:.200}): "
                         "it is no answer.")  # fmt: skip
    elif body.lstrip().startswith(b"{"):
        decoded = decode_whole(body)
    elif not body.strip() and not is_broken:
        raise ValueError(f"The response has no body (status {status}): there is no answer to read.")
    else:
        decoded = decode_stream(body, content_type)
    answer = _answer(decoded, headers)
    return StreamReading(decoded.events, answer, _error_of(decoded), status)


def _read(response: Any) -> tuple[bytes, bool]:  # noqa: ANN401
    """Return what has arrived of the body, and whether the connection was broken."""
    received = bytearray()
    with closing(response) if hasattr(response, "close") else nullcontext():
        try:
            for chunk in _chunks(response):
                received += chunk.encode() if isinstance(chunk, str) else chunk
        except IncompleteRead as error:
            return bytes(received) + error.partial, True
        except _transport_errors():
            return bytes(received), True
    return bytes(received), False


def _chunks(response: Any) -> Iterable[str | bytes]:  # noqa: ANN401
    if isinstance(response, (str, bytes, bytearray)):
        return [bytes(response) if isinstance(response, bytearray) else response]
    for method, arguments in _BODY_METHODS:
        if hasattr(response, method):
            chunks = getattr(response, method)(*arguments)
            return [chunks] if isinstance(chunks, (str, bytes)) else _checked(chunks)
    if isinstance(response, Iterable):
        return _checked(response)
    raise TypeError(f"{response!r:.100} is no response: give one of Flask's test client, requests or httpx, or a body.")


_BODY_METHODS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("iter_encoded", ()),  # werkzeug
    ("iter_bytes", ()),  # httpx
    ("iter_content", (None,)),  # requests
    ("read", ()),  # urllib
)


def _checked(chunks: Iterable[Any]) -> Iterator[str | bytes]:
    for chunk in chunks:
        if not isinstance(chunk, (str, bytes)):
            raise TypeError(f"A body consists of text or bytes, not of {chunk!r:.100}.")
        yield chunk


def _transport_errors() -> tuple[type[Exception], ...]:
    # Those of requests are OSErrors, like those of a socket and of the test client.
    libraries = [sys.modules[name] for name in ("httpx", "httpx2") if name in sys.modules]
    return (OSError, HTTPException, *[library.TransportError for library in libraries])


def _answer(decoded: Decoded, headers: Mapping[str, str]) -> Answer:
    subject = AnswerSubject(protocol="native", is_document=decoded.is_document)
    recording = Recording(subject, None, sys.maxsize)
    recording.add(_without_unknown_calls(decoded.events))
    end = _end_of(decoded)
    recording.is_cut = end is None
    started = recording.answer.started or ResponseStarted(headers.get("Headrace-Stream-Id", ""), "", "")
    now = time.time()
    return Answer(
        id=started.id,
        owner="",
        model=started.model,
        provider=started.provider,
        request_id=headers.get("x-request-id", ""),
        end="failed" if end is None else end.__struct_config__.tag,  # type: ignore[arg-type]  # a tag of these events
        reason=CUT if end is None else terminal_reason(end),
        usage=recording.answer.usage or Usage(0, 0, estimated=True),
        started_at=now,
        ended_at=now,
        first_token_seconds=None,
        **recorded_fields(recording),
    )


def _end_of(decoded: Decoded) -> TerminalEvent | None:
    last = next((event for event in decoded.events if isinstance(event, (Completed, Failed, Cancelled))), None)
    return None if isinstance(last, Completed) and not decoded.is_confirmed else last


def _error_of(decoded: Decoded) -> Failed | None:
    return next((event for event in decoded.events if isinstance(event, Failed)), None)


def _without_unknown_calls(events: list[Event]) -> list[Event]:
    # A client that resumes in the middle of a call has not seen its beginning.
    known: set[int] = set()
    kept = []
    for event in events:
        match event:
            case ToolCallStarted(index):
                known.add(index)
            case AnswerRestarted():
                known.clear()
            case ToolCallDelta(index) | ToolCallCompleted(index) | ToolResult(index) if index not in known:
                continue
        kept.append(event)
    return kept
