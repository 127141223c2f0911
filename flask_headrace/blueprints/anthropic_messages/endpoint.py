"""Anthropic's messages API: POST /v1/messages, streamed or as one JSON object, and POST /v1/messages/count_tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from flask import Blueprint, Response

from ...core.errors import HeadraceError
from ...providers.registry import Model
from ..encoding.error_bodies import anthropic_error_body
from ..http.auth import authorize_request
from ..http.error_handlers import error_response
from ..http.json_answer import json_answer_response
from ..http.json_response import json_response
from ..http.request_body import read_body
from ..http.stream_response import stream_response
from ..open_stream import count_tokens as count
from ..open_stream import open_stream
from ..openapi.operation import EVENT_STREAM, JSON, Operation, ResponseSpec, event_stream_schema
from .body import MessagesBody
from .encoder import EVENT_NAMES, MessagesEncoder
from .request import to_chat_request

DEFAULT_PROVIDER = "anthropic"
"""Whom to ask for a model that is named without its provider, and that nobody lists."""

ERROR_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["type", "error"],
    "properties": {
        "type": {"const": "error"},
        "error": {"type": "object", "required": ["type", "message"], "description": "Why a request failed."},
    },
}
"""How a failure is described."""

MODEL_SCHEMA: Mapping[str, Any] = {"type": "object", "required": ["type", "id", "display_name", "created_at"]}
MODELS_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["data", "has_more", "first_id", "last_id"],
    "properties": {"data": {"type": "array", "items": MODEL_SCHEMA}},
}
"""How `GET /v1/models` is described."""

OPERATIONS = (
    Operation(
        "POST",
        "/v1/messages",
        "Answer a conversation as Anthropic's API does.",
        (
            ResponseSpec(
                200,
                "The answer: one JSON object, or with `stream` true an event stream.",
                {
                    JSON: {"type": "object", "required": ["id", "model", "content", "usage"]},
                    EVENT_STREAM: event_stream_schema(*EVENT_NAMES),
                },
            ),
        ),
        body=MessagesBody,
        error_schema=ERROR_SCHEMA,
    ),
    Operation(
        "POST",
        "/v1/messages/count_tokens",
        "Count the input tokens of a conversation, where its provider does.",
        (ResponseSpec(200, "Their number.", {JSON: {"type": "object", "required": ["input_tokens"]}}),),
        body=MessagesBody,
        error_schema=ERROR_SCHEMA,
    ),
)

_decoder = msgspec.json.Decoder(MessagesBody)


def create_anthropic_blueprint() -> Blueprint:
    """Return the blueprint of Anthropic's protocol."""
    blueprint = Blueprint("headrace_anthropic", __name__)
    blueprint.add_url_rule("/v1/messages", view_func=messages, methods=["POST"])
    blueprint.add_url_rule("/v1/messages/count_tokens", view_func=count_tokens, methods=["POST"])
    blueprint.register_error_handler(HeadraceError, _handle_error)
    return blueprint


def messages() -> Response:
    """Answer a conversation."""
    owner = authorize_request()
    body = read_body(_decoder)
    chat_request = to_chat_request(body)
    reader = open_stream(
        body.model,
        chat_request,
        owner=owner,
        default_provider=DEFAULT_PROVIDER,
        is_resumable=body.resumable,
        id=body.id,
    )
    encoder = MessagesEncoder()
    return stream_response(reader, encoder) if body.stream else json_answer_response(reader, encoder)


def count_tokens() -> Response:
    """Tell how many tokens a conversation would take."""
    authorize_request()
    body = read_body(_decoder)
    return json_response({"input_tokens": count(body.model, to_chat_request(body), default_provider=DEFAULT_PROVIDER)})


def models_page(models: Sequence[Model]) -> dict[str, Any]:
    """Return a list of models as Anthropic's `GET /v1/models` gives it, all on one page."""
    data = [model_object(model) for model in models]
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return {"data": data, "has_more": False, "first_id": first, "last_id": last}


def model_object(model: Model) -> dict[str, Any]:
    """Return a model as Anthropic's API describes it."""
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.name,
        # What it says of a model whose date is not known.
        "created_at": "1970-01-01T00:00:00Z",
        "lifecycle": "active",
    }


def _handle_error(error: HeadraceError) -> Response:
    return error_response(error, anthropic_error_body(error))
