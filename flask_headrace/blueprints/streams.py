"""GET and DELETE /api/streams/<id>: resume a stream after a cursor, and stop it."""

from __future__ import annotations

from flask import Blueprint, Response, request

from ..core.errors import InvalidRequest, LimitError
from .encoding.base import EVENT_STREAM_HEADERS
from .encoding.event_id import EVENT_ID_PATTERN, parse_event_id
from .http.auth import authorize_request
from .http.event_loop import require_one_loop, wait_for_reports
from .http.no_content import no_content
from .http.stream_response import stream_response
from .openapi.operation import EVENT_STREAM, PLAIN_TEXT, Operation, Parameter, ResponseSpec
from .protocol_registry import NATIVE, PROTOCOLS, STREAMS, encoder_for, requested_protocol
from .state import current_state

MAX_RETRY_DELAY = 10.0
"""Maximum seconds after which an EventSource retries a stream that is temporarily unreadable."""

MAX_HEAD_DELAY = 1.0
"""Seconds after which the response to a resumption begins, also without an event. A client then knows that its
connection works: one that was lost while its machine slept says nothing. Until then an error gets its own status."""

_CURSOR_SCHEMA = {"type": "string", "pattern": EVENT_ID_PATTERN}
_STREAM_ID = Parameter("id", "path", "The stream's id, from the response header `Headrace-Stream-Id`.")

OPERATIONS = (
    Operation(
        "GET",
        "/api/streams/{id}",
        "Resume a resumable stream after a cursor.",
        (
            ResponseSpec(
                200,
                "All events after the cursor, as they come.",
                {EVENT_STREAM: STREAMS, PLAIN_TEXT: None},
            ),
            ResponseSpec(204, "The stream has ended, and there are no events after the cursor."),
        ),
        parameters=(
            _STREAM_ID,
            Parameter(
                "last_event_id",
                "query",
                "The cursor: the `id` of the last event that the client has received, or its number.",
                _CURSOR_SCHEMA,
            ),
            Parameter(
                "Last-Event-ID",
                "header",
                "The cursor as browsers send it. It overrides the query parameter.",
                _CURSOR_SCHEMA,
            ),
            Parameter("protocol", "query", "The protocol of the frames.", {"enum": list(PROTOCOLS), "default": NATIVE}),
        ),
    ),
    Operation(
        "DELETE",
        "/api/streams/{id}",
        "Stop a resumable stream, whichever worker runs it.",
        (ResponseSpec(204, "The stream is stopped, or has ended before."),),
        parameters=(_STREAM_ID,),
    ),
)


def create_streams_blueprint() -> Blueprint:
    """Return the blueprint of resumable streams."""
    blueprint = Blueprint("headrace_streams", __name__)
    blueprint.add_url_rule("/api/streams/<id>", view_func=follow, methods=["GET"])
    blueprint.add_url_rule("/api/streams/<id>", view_func=stop, methods=["DELETE"])
    return blueprint


def follow(id: str) -> Response:  # noqa: A002  # the path's name
    """Send all events after the client's cursor, as they come; 204 if the stream has ended and no event is left."""
    owner = authorize_request()
    require_one_loop()
    protocol = requested_protocol()
    # A native frame can be encoded on its own. The frames of other protocols depend on earlier events.
    after, incarnation = _requested_cursor()
    is_whole = protocol != NATIVE
    try:
        reader = current_state().resumable_streams.resume(id, owner, after, incarnation=incarnation, is_whole=is_whole)
    except LimitError as error:
        if not error.retryable or not _is_event_source():
            raise
        return _retry_response(error)
    if reader is None:
        return no_content()
    return stream_response(reader, encoder_for(protocol, reader), max_head_delay=MAX_HEAD_DELAY)


def stop(id: str) -> Response:  # noqa: A002
    """Stop a stream, whichever worker runs it. Stopping an ended stream does nothing."""
    owner = authorize_request()
    require_one_loop()
    current_state().resumable_streams.stop(id, owner)
    wait_for_reports()
    return no_content()


def _is_event_source() -> bool:
    # The HTML standard makes an EventSource send these headers. Clients that read the status do not send both.
    headers = request.headers
    return headers.get("Accept", "").strip() == "text/event-stream" and "no-cache" in headers.get("Cache-Control", "")


def _retry_response(error: LimitError) -> Response:
    # An EventSource never reconnects after a status other than 200, but reconnects after the end of a body.
    wait = min(max(error.retry_after or 1.0, 1.0), MAX_RETRY_DELAY)
    return Response(f": {error.code}\nretry: {wait * 1000:.0f}\n\n", headers=EVENT_STREAM_HEADERS)


def _requested_cursor() -> tuple[int, str]:
    # Browsers send the header when they reconnect. A reloaded page can only set the query parameter.
    given = request.headers.get("Last-Event-ID") or request.args.get("last_event_id") or "0"
    cursor = parse_event_id(given)
    if cursor is None:
        raise InvalidRequest(
            f"The cursor is {given!r:.100}: it must be the `id` of an event, such as 7-3f9a0c1e, or its number, "
            "such as 7, or be absent."
        )
    return cursor
