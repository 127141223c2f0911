"""GET /v1/models and /v1/models/<id>: the models, in OpenAI's form, and in Anthropic's to its clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from ..core.errors import HeadraceError, ModelNotFound
from ..providers.registry import Model
from .anthropic_messages import endpoint as anthropic_messages
from .http.auth import authenticate
from .http.error_handlers import handle_v1_error, is_anthropic_client
from .http.json_response import json_response
from .openai_shared.errors import ERROR_SCHEMA
from .openapi.operation import JSON, Operation, Parameter, ResponseSpec
from .state import current_state

_NAME_SCHEMA = {"type": "string", "pattern": "^[^/\\n][^\\n]*$"}
_MODEL_SCHEMA = {"type": "object", "required": ["id", "object", "created", "owned_by"]}
_MODELS_SCHEMA = {
    "type": "object",
    "required": ["object", "data"],
    "properties": {"data": {"type": "array", "items": _MODEL_SCHEMA}},
}
_VERSION_HEADER = Parameter("anthropic-version", "header", "Sent by Anthropic's clients, and answered in their form.")


def _any_of(openai: Mapping[str, Any], anthropic: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"anyOf": [openai, anthropic]}


OPERATIONS = (
    Operation(
        "GET",
        "/v1/models",
        "List the models that can be asked, over OpenAI's protocol.",
        (ResponseSpec(200, "The models.", {JSON: _any_of(_MODELS_SCHEMA, anthropic_messages.MODELS_SCHEMA)}),),
        parameters=(_VERSION_HEADER,),
        error_schema=_any_of(ERROR_SCHEMA, anthropic_messages.ERROR_SCHEMA),
    ),
    Operation(
        "GET",
        "/v1/models/{id}",
        "Describe one model, over OpenAI's protocol.",
        (ResponseSpec(200, "The model.", {JSON: _any_of(_MODEL_SCHEMA, anthropic_messages.MODEL_SCHEMA)}),),
        parameters=(
            Parameter("id", "path", "As it is listed, or without its provider.", _NAME_SCHEMA),
            _VERSION_HEADER,
        ),
        error_schema=_any_of(ERROR_SCHEMA, anthropic_messages.ERROR_SCHEMA),
    ),
)


def create_models_blueprint() -> Blueprint:
    """Return the blueprint of the list of models."""
    blueprint = Blueprint("headrace_models", __name__)
    blueprint.add_url_rule("/v1/models", view_func=models, methods=["GET"])
    blueprint.add_url_rule("/v1/models/<path:id>", view_func=model, methods=["GET"])
    blueprint.register_error_handler(HeadraceError, handle_v1_error)
    return blueprint


def models() -> Response:
    """List the models that can be asked; in Anthropic's form to its clients, which ask at the same path."""
    authenticate()
    state = current_state()
    if is_anthropic_client():
        return json_response(anthropic_messages.models_page(state.registry.models()))
    return json_response({"object": "list", "data": [_model_object(model) for model in state.registry.models()]})


def model(id: str) -> Response:  # noqa: A002  # the path's name
    """Describe one model, named as it is listed, or without its provider; in either form, as `models` does.

    Raises:
        ModelNotFound: it is not listed; 404.
    """
    authenticate()
    state = current_state()
    for found in state.registry.models():
        if id in (found.id, found.name):
            return json_response(
                anthropic_messages.model_object(found) if is_anthropic_client() else _model_object(found)
            )
    raise ModelNotFound(f"No model {id!r:.102} is listed here: GET /v1/models tells which are.")


def _model_object(model: Model) -> dict[str, Any]:
    # When it was made is not known here, and the SDKs' types want a number.
    return {"id": model.id, "object": "model", "created": 0, "owned_by": model.provider}
