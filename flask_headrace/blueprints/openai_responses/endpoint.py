"""/v1/responses: what OpenAI's newer clients ask, and whatever is built on them."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Blueprint, Response

from ...core.errors import HeadraceError
from ...streaming.readable import ReadableStream
from ..http.auth import authorize_request
from ..http.error_handlers import handle_v1_error
from ..http.request_body import read_body
from ..http.response import json_response, stream_response
from ..open_stream import Repeated, open_stream, repeated_in
from ..openai_shared.errors import REFUSAL
from ..openapi.operation import EVENTS, JSON, Operation, ResponseSpec, frames
from .body import ResponseBody
from .encoder import EVENTS as FRAMES
from .encoder import ResponsesEncoder
from .output_items import UNTOLD
from .request import question_of

OPERATIONS = (
    Operation(
        "POST",
        "/v1/responses",
        "Answer a conversation over OpenAI's Responses protocol.",
        (
            ResponseSpec(
                200,
                "One JSON object, or with `stream` true an event stream.",
                {
                    EVENTS: frames(*FRAMES),
                    JSON: {"type": "object", "required": ["id", "object", "created_at", "status", "model", "output"]},
                },
            ),
        ),
        body=ResponseBody,
        refusal=REFUSAL,
    ),
)

PROTOCOL = "openai-responses"
"""The protocol's name in `?protocol=`."""

_decoder = msgspec.json.Decoder(ResponseBody)


def create_responses_blueprint() -> Blueprint:
    """Return the blueprint of OpenAI's Responses protocol."""
    blueprint = Blueprint("headrace_responses", __name__)
    blueprint.add_url_rule("/v1/responses", view_func=respond, methods=["POST"])
    blueprint.register_error_handler(HeadraceError, handle_v1_error)
    return blueprint


def respond() -> Response:
    """Answer a conversation."""
    owner = authorize_request()
    body = read_body(_decoder)
    question = question_of(body)
    follower = open_stream(
        body.model,
        question,
        owner=owner,
        preferred="openai",
        is_resumable=body.resumable,
        id=body.id,
        repeated=Repeated(PROTOCOL, _repeated(body)),
    )
    wire = encoder_of(follower.session)
    return stream_response(follower, wire) if body.stream else json_response(follower, wire)


def _repeated(body: ResponseBody) -> dict[str, Any]:
    told = {name: getattr(body, name) for name in UNTOLD}
    return {name: msgspec.to_builtins(value) for name, value in told.items() if value is not None}


def encoder_of(stream: ReadableStream) -> ResponsesEncoder:
    """Return the encoder of OpenAI's Responses API for a stream, with what the answer repeats of its question."""
    repeated = repeated_in(stream, PROTOCOL)
    return ResponsesEncoder(stream.id, stream.context.model, stream.context.created, repeated)
