"""POST /v1/chat/completions: what OpenAI's SDKs ask, and whatever is built on them."""

from __future__ import annotations

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
from .body import CompletionBody
from .encoder import ChatCompletionEncoder
from .request import question_of

_COMPLETION = {"type": "object", "required": ["id", "object", "created", "model", "choices", "usage"]}

OPERATIONS = (
    Operation(
        "POST",
        "/v1/chat/completions",
        "Answer a conversation over OpenAI's protocol.",
        (
            ResponseSpec(
                200,
                "One JSON object, or with `stream` true an event stream of chunks.",
                {EVENTS: frames(), JSON: _COMPLETION},
            ),
        ),
        body=CompletionBody,
        refusal=REFUSAL,
    ),
)

PROTOCOL = "openai"
"""The protocol's name in `?protocol=`."""

_decoder = msgspec.json.Decoder(CompletionBody)


def create_openai_blueprint() -> Blueprint:
    """Return the blueprint of OpenAI's protocol."""
    blueprint = Blueprint("headrace_openai", __name__)
    blueprint.add_url_rule("/v1/chat/completions", view_func=complete, methods=["POST"])
    blueprint.register_error_handler(HeadraceError, handle_v1_error)
    return blueprint


def complete() -> Response:
    """Answer a conversation."""
    owner = authorize_request()
    body = read_body(_decoder)
    has_usage = bool(body.stream_options and body.stream_options.include_usage)
    follower = open_stream(
        body.model,
        question_of(body),
        owner=owner,
        preferred="openai",
        is_resumable=body.resumable,
        id=body.id,
        repeated=Repeated(PROTOCOL, {"include_usage": has_usage}),
    )
    wire = encoder_of(follower.session)
    return stream_response(follower, wire) if body.stream else json_response(follower, wire)


def encoder_of(stream: ReadableStream) -> ChatCompletionEncoder:
    """Return the encoder of OpenAI's chat completions for a stream, with what the answer repeats of its question."""
    # Where the question came in another protocol, nobody has said that its usage is not wanted.
    has_usage = repeated_in(stream, PROTOCOL).get("include_usage", True)
    return ChatCompletionEncoder(stream.id, stream.context.model, stream.context.created, has_usage=has_usage)
