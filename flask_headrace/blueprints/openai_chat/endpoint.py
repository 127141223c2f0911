"""/v1/chat/completions and /v1/models: what OpenAI's SDKs ask, and whatever is built on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from flask import Blueprint, Response

from ...core.errors import HeadraceError, UnknownModel
from ...providers.registry import Model
from ..anthropic_messages import endpoint as anthropic_api
from ..http.auth import enter, identify
from ..http.error_handlers import of_v1, speaks_anthropic
from ..http.json_response import json_reply
from ..http.request_body import read_body
from ..http.response import event_stream, json_answer
from ..open_stream import Repeated, ask
from ..openapi.operation import EVENTS, JSON, Answered, Operation, Parameter, frames
from ..protocol_registry import OPENAI, chat_completion
from ..state import current_service
from .body import CompletionBody
from .request import question_of

REFUSAL: Mapping[str, Any] = {
    "type": "object",
    "description": "Why a request failed.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "code"],
            "properties": {
                "message": {"type": "string", "description": "For people."},
                "type": {"type": "string", "description": "What kind of failure it is, in OpenAI's words."},
                "param": {"type": "null"},
                "code": {"type": "string", "description": "Stable, for programs."},
            },
        }
    },
}
"""How a failure is described."""

_NAME = {"type": "string", "pattern": "^[^/\\n][^\\n]*$"}
_MODEL = {"type": "object", "required": ["id", "object", "created", "owned_by"]}
_MODELS = {"type": "object", "required": ["object", "data"], "properties": {"data": {"type": "array", "items": _MODEL}}}
_VERSION = Parameter("anthropic-version", "header", "Sent by Anthropic's clients, and answered in their form.")
_COMPLETION = {"type": "object", "required": ["id", "object", "created", "model", "choices", "usage"]}


def _either(openai: Mapping[str, Any], anthropic: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"anyOf": [openai, anthropic]}


OPERATIONS = (
    Operation(
        "POST",
        "/v1/chat/completions",
        "Answer a conversation over OpenAI's protocol.",
        (
            Answered(
                200,
                "One JSON object, or with `stream` true an event stream of chunks.",
                {EVENTS: frames(), JSON: _COMPLETION},
            ),
        ),
        body=CompletionBody,
        refusal=REFUSAL,
    ),
    Operation(
        "GET",
        "/v1/models",
        "List the models that can be asked, over OpenAI's protocol.",
        (Answered(200, "The models.", {JSON: _either(_MODELS, anthropic_api.MODELS)}),),
        parameters=(_VERSION,),
        refusal=_either(REFUSAL, anthropic_api.REFUSAL),
    ),
    Operation(
        "GET",
        "/v1/models/{id}",
        "Describe one model, over OpenAI's protocol.",
        (Answered(200, "The model.", {JSON: _either(_MODEL, anthropic_api.MODEL)}),),
        parameters=(Parameter("id", "path", "As it is listed, or without its provider.", _NAME), _VERSION),
        refusal=_either(REFUSAL, anthropic_api.REFUSAL),
    ),
)

_decoder = msgspec.json.Decoder(CompletionBody)


def create_openai_blueprint() -> Blueprint:
    """Return the blueprint of OpenAI's protocol."""
    blueprint = Blueprint("headrace_openai", __name__)
    blueprint.add_url_rule("/v1/chat/completions", view_func=complete, methods=["POST"])
    blueprint.add_url_rule("/v1/models", view_func=models, methods=["GET"])
    blueprint.add_url_rule("/v1/models/<path:id>", view_func=model, methods=["GET"])
    blueprint.register_error_handler(HeadraceError, of_v1)
    return blueprint


def complete() -> Response:
    """Answer a conversation."""
    owner = enter()
    body = read_body(_decoder)
    has_usage = bool(body.stream_options and body.stream_options.include_usage)
    follower = ask(
        body.model,
        question_of(body),
        owner=owner,
        preferred="openai",
        is_resumable=body.resumable,
        id=body.id,
        repeated=Repeated(OPENAI, {"include_usage": has_usage}),
    )
    wire = chat_completion(follower.session)
    return event_stream(follower, wire) if body.stream else json_answer(follower, wire)


def models() -> Response:
    """List the models that can be asked; in Anthropic's form to its clients, which ask at the same path."""
    identify()
    service = current_service()
    if speaks_anthropic():
        return json_reply(anthropic_api.models_page(service.catalogue.models()))
    return json_reply({"object": "list", "data": [_listed(model) for model in service.catalogue.models()]})


def model(id: str) -> Response:  # noqa: A002  # the path's name
    """Describe one model, named as it is listed, or without its provider; in either form, as `models` does.

    Raises:
        UnknownModel: it is not listed; 404.
    """
    identify()
    service = current_service()
    for found in service.catalogue.models():
        if id in (found.id, found.name):
            return json_reply(anthropic_api.described(found) if speaks_anthropic() else _listed(found))
    raise UnknownModel(f"No model {id!r:.102} is listed here: GET /v1/models tells which are.")


def _listed(model: Model) -> dict[str, Any]:
    # When it was made is not known here, and the SDKs' types want a number.
    return {"id": model.id, "object": "model", "created": 0, "owned_by": model.provider}
