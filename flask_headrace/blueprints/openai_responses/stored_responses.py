"""GET and DELETE /v1/responses/{id}, POST /v1/responses/{id}/cancel: the responses that are stored.

These are the resumable streams, under the names of OpenAI's Responses API.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, Response, request

from ...core.errors import HeadraceError, InvalidRequest, StoreUnavailable, StreamNotFound
from ...streaming.stored_streams import StreamSnapshot
from ..encoding.base import AbortConnection, JSONEncoder
from ..http.auth import authorize_request
from ..http.error_handlers import handle_v1_error
from ..http.event_loop import require_one_loop, wait_for_reports
from ..http.json_response import json_response
from ..http.stream_response import stream_response
from ..openai_shared.errors import OpenAIError
from ..openapi.operation import EVENT_STREAM, JSON, Operation, Parameter, ResponseSpec
from ..state import current_state
from .encoder_factory import encoder_for, encoder_of
from .frame_types import RESPONSE_STREAM
from .response_resource import resource_response
from .response_types import DeletedResponse, ResponseObject
from .sequence_numbers import SkipSeenFrames, is_interruption, last_sequence_number

ID_PREFIX = "resp_"
"""The beginning of a response's id; the rest is the id of its stream."""

# Other paths below /v1/responses, such as `compact`, must not be taken for ids.
_PATH = f"/v1/responses/{ID_PREFIX}%s"
_RULE, _DOCUMENTED_PATH = _PATH % "<stream_id>", _PATH % "{stream_id}"

_ID = Parameter("stream_id", "path", f"The response's id, of which `{ID_PREFIX}` is the beginning.")

OPERATIONS = (
    Operation(
        "GET",
        _DOCUMENTED_PATH,
        "Return a stored response as it is now, or its event stream.",
        (
            ResponseSpec(
                200,
                "The response object, or an event stream if `stream` is true.",
                {JSON: ResponseObject, EVENT_STREAM: RESPONSE_STREAM},
            ),
        ),
        parameters=(
            _ID,
            Parameter("stream", "query", "Whether to send the event stream.", {"type": "boolean", "default": False}),
            Parameter(
                "starting_after",
                "query",
                "The `sequence_number` of the last event that the client has; the stream begins after it.",
                {"type": "integer", "minimum": 0},
            ),
            Parameter("include", "query", "Accepted and ignored: a response includes everything."),
        ),
        error=OpenAIError,
    ),
    Operation(
        "POST",
        f"{_DOCUMENTED_PATH}/cancel",
        "Stop a background response, whichever worker runs it.",
        (ResponseSpec(200, "The response object.", {JSON: ResponseObject}),),
        parameters=(_ID,),
        error=OpenAIError,
    ),
    Operation(
        "DELETE",
        _DOCUMENTED_PATH,
        "Stop a stored response if it runs, and delete it.",
        (ResponseSpec(200, "The response is deleted.", {JSON: DeletedResponse}),),
        parameters=(_ID,),
        error=OpenAIError,
    ),
)


def create_stored_responses_blueprint() -> Blueprint:
    """Return the blueprint of stored responses."""
    blueprint = Blueprint("headrace_stored_responses", __name__)
    blueprint.add_url_rule(_RULE, view_func=retrieve, methods=["GET"])
    blueprint.add_url_rule(_RULE, view_func=delete, methods=["DELETE"])
    blueprint.add_url_rule(f"{_RULE}/cancel", view_func=cancel, methods=["POST"])
    blueprint.register_error_handler(HeadraceError, handle_v1_error)
    return blueprint


def retrieve(stream_id: str) -> Response:
    """Return a response as it is now, or all of its frames after the client's last one, as they come."""
    owner = authorize_request()
    require_one_loop()
    with _naming_the_response(stream_id):
        return _follow(stream_id, owner) if _is_streamed() else resource_response(stream_id, owner)


def cancel(stream_id: str) -> Response:
    """Stop a background response, and return it. A response that has ended stays as it is."""
    owner = authorize_request()
    require_one_loop()
    stored = current_state().stored_streams
    with _naming_the_response(stream_id):
        if not stored.context(stream_id, owner).is_background:
            raise InvalidRequest(
                f"The response '{ID_PREFIX}{stream_id:.100}' was not requested with background: true, so it cannot be "
                f"cancelled: send DELETE /api/streams/{stream_id:.100} to stop it."
            )
        stored.stop(stream_id, owner)
        wait_for_reports()
        return resource_response(stream_id, owner)


def delete(stream_id: str) -> Response:
    """Stop a response if it runs, and delete it."""
    owner = authorize_request()
    require_one_loop()
    with _naming_the_response(stream_id):
        current_state().stored_streams.delete(stream_id, owner)
    wait_for_reports()
    return json_response({"id": f"{ID_PREFIX}{stream_id}", "object": "response", "deleted": True})


@contextmanager
def _naming_the_response(stream_id: str) -> Iterator[None]:
    """Let a `StreamNotFound` inside name the response, whose id is what the client knows."""
    try:
        yield
    except StreamNotFound:
        raise StreamNotFound(
            f"There is no stored response '{ID_PREFIX}{stream_id:.100}' of yours, or not any more. Only a response "
            "that was requested with background: true, with resumable: true or with an Idempotency-Key is stored, for "
            "a time."
        ) from None


def _follow(stream_id: str, owner: str) -> Response:
    seen = _starting_after()
    if seen is not None:
        _check_position(stream_id, owner, seen)
    reader = current_state().resumable_streams.resume(stream_id, owner, 0, is_whole=True)
    assert reader is not None  # a stream that has ended has events
    encoder = encoder_for(reader.session)
    return stream_response(reader, encoder if seen is None else SkipSeenFrames(encoder, seen))


def _is_streamed() -> bool:
    given = request.args.get("stream", "false")
    if given not in {"true", "false"}:
        raise InvalidRequest(f"stream is {given!r:.100}: it must be true or false, or be absent.")
    return given == "true"


def _starting_after() -> int | None:
    given = request.args.get("starting_after")
    if given is None:
        return None
    if not re.fullmatch("[0-9]{1,15}", given):
        raise InvalidRequest(
            f"starting_after is {given!r:.100}: it must be the sequence_number of an event that you have received, "
            "such as 7, or be absent."
        )
    return int(given)


def _check_position(stream_id: str, owner: str, seen: int) -> None:
    """Raise if a stream has no frame of a sequence number.

    Raises:
        InvalidRequest: it has none; 400.
        StoreUnavailable: the store has none yet, and the stream goes on at another worker; 503.
    """
    search = _FrameSearch(seen)
    snapshot = current_state().stored_streams.read_until(stream_id, owner, search.add)
    if search.last >= seen or is_interruption(snapshot.terminal):
        return
    if snapshot.is_behind and not search.is_aborted:
        raise StoreUnavailable("The store of this response is behind what you have read. Try again.", retry_after=2)
    raise InvalidRequest(
        f"starting_after is {seen}: the response has no event of that sequence_number. Its last one is {search.last}."
    )


class _FrameSearch:
    """Looks for the frame of a sequence number in a stream.

    Args:
        wanted: The sequence number.

    Attributes:
        last: The sequence number of the last frame so far; -1 if there is none.
        is_aborted: Whether the protocol cannot continue, so that no frame can follow.
    """

    def __init__(self, wanted: int) -> None:
        self._wanted, self.last, self.is_aborted = wanted, -1, False
        self._encoder: JSONEncoder | None = None

    def add(self, snapshot: StreamSnapshot) -> bool:
        """Add the next events of the stream; return whether no more are needed."""
        if self._encoder is None:
            self._encoder = encoder_of(snapshot.id, snapshot.context)
        try:
            frames = self._encoder.encode(snapshot.events) if snapshot.events else b""
        except AbortConnection as abort:
            frames, self.is_aborted = abort.final_bytes, True
        last = last_sequence_number(frames)
        self.last = self.last if last is None else last
        return self.is_aborted or self.last >= self._wanted
