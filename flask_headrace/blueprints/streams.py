"""GET and DELETE /api/streams/<id>: follow a resumable stream from where one left it, and stop it."""

from __future__ import annotations

from flask import Blueprint, Response, request

from ..core.errors import InvalidRequest, LimitError
from .encoding.base import EVENT_STREAM
from .encoding.event_id import PATTERN, read_position
from .http.auth import authorize_request
from .http.event_loop import require_one_loop
from .http.response import stream_response
from .openapi.operation import EVENTS, PLAIN, Operation, Parameter, ResponseSpec, frames
from .protocol_registry import NATIVE, PROTOCOLS, wanted_protocol, wire_of
from .state import current_state

LONGEST_RETRY = 10.0
"""Seconds after which an EventSource whose stream cannot be read now comes back at the latest."""

_CURSOR = {"type": "string", "pattern": PATTERN}
_THE_STREAM = Parameter("id", "path", "The stream's id, as `Headrace-Stream-Id` told it.")

OPERATIONS = (
    Operation(
        "GET",
        "/api/streams/{id}",
        "Follow a resumable stream from where one left it.",
        (
            ResponseSpec(200, "All that comes after the cursor, and what follows.", {EVENTS: frames(), PLAIN: None}),
            ResponseSpec(204, "The stream has ended and the reader has all of it."),
        ),
        parameters=(
            _THE_STREAM,
            Parameter(
                "last_event_id",
                "query",
                "The `id` of the last event that one has, or its number.",
                _CURSOR,
            ),
            Parameter("Last-Event-ID", "header", "The same, as browsers send it; goes before the query.", _CURSOR),
            Parameter("protocol", "query", "The protocol of the frames.", {"enum": list(PROTOCOLS), "default": NATIVE}),
        ),
    ),
    Operation(
        "DELETE",
        "/api/streams/{id}",
        "Stop a resumable stream, whichever worker asks the model.",
        (ResponseSpec(204, "It is stopped, or has ended."),),
        parameters=(_THE_STREAM,),
    ),
)


def create_streams_blueprint() -> Blueprint:
    """Return the blueprint of resumable streams."""
    blueprint = Blueprint("headrace_streams", __name__)
    blueprint.add_url_rule("/api/streams/<id>", view_func=follow, methods=["GET"])
    blueprint.add_url_rule("/api/streams/<id>", view_func=stop, methods=["DELETE"])
    return blueprint


def follow(id: str) -> Response:  # noqa: A002  # the path's name
    """Send all that comes after the reader's cursor, and what follows; 204 where there is nothing to come."""
    owner = authorize_request()
    require_one_loop()
    protocol = wanted_protocol()
    # The native frames can be written from any event on; the others depend on what came before it.
    after, incarnation = _cursor()
    is_whole = protocol != NATIVE
    try:
        follower = current_state().resumption.resume(id, owner, after, incarnation=incarnation, is_whole=is_whole)
    except LimitError as error:
        if not error.retryable or not _is_event_source():
            raise
        return _come_again(error)
    return Response(status=204) if follower is None else stream_response(follower, wire_of(protocol, follower))


def stop(id: str) -> Response:  # noqa: A002
    """Stop a stream, wherever it is filled; again where it has ended."""
    owner = authorize_request()
    require_one_loop()
    current_state().resumption.stop(id, owner)
    return Response(status=204)


def _is_event_source() -> bool:
    # What the standard has an EventSource send, and nobody who reads statuses: it takes nothing but an event stream,
    # and nothing from a cache.
    headers = request.headers
    return headers.get("Accept", "").strip() == "text/event-stream" and "no-cache" in headers.get("Cache-Control", "")


def _come_again(error: LimitError) -> Response:
    # An EventSource gives up for good at any status but 200, and comes back by itself after a body that ends.
    wait = min(max(error.retry_after or 1.0, 1.0), LONGEST_RETRY)
    return Response(f": {error.code}\nretry: {wait * 1000:.0f}\n\n", headers=EVENT_STREAM)


def _cursor() -> tuple[int, str]:
    # A browser sends the header when it reconnects by itself; a page that was loaded again can only write the query.
    given = request.headers.get("Last-Event-ID") or request.args.get("last_event_id") or "0"
    cursor = read_position(given)
    if cursor is None:
        raise InvalidRequest(
            f"The cursor is {given!r:.100}: it must be the `id` of an event, such as 7-3f9a0c1e, or its number, 7, "
            "or be left out."
        )
    return cursor
