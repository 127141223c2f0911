"""GET /v1/models and /v1/models/<id>: the models, in OpenAI's form, and in Anthropic's to its clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from ..core.errors import HeadraceError, ModelNotFound
from ..providers.registry import Model
from .anthropic_messages import endpoint as anthropic_messages
from .http.auth import identify
from .http.error_handlers import handle_v1_error, speaks_anthropic
from .http.json_response import json_value_response
from .openai_shared.errors import REFUSAL
from .openapi.operation import JSON, Operation, Parameter, ResponseSpec
from .state import current_state

_NAME = {"type": "string", "pattern": "^[^/\\n][^\\n]*$"}
_MODEL = {"type": "object", "required": ["id", "object", "created", "owned_by"]}
_MODELS = {"type": "object", "required": ["object", "data"], "properties": {"data": {"type": "array", "items": _MODEL}}}
_VERSION = Parameter("anthropic-version", "header", "Sent by Anthropic's clients, and answered in their form.")


def _either(openai: Mapping[str, Any], anthropic: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"anyOf": [openai, anthropic]}


OPERATIONS = (
    Operation(
        "GET",
        "/v1/models",
        "List the models that can be asked, over OpenAI's protocol.",
        (ResponseSpec(200, "The models.", {JSON: _either(_MODELS, anthropic_messages.MODELS)}),),
        parameters=(_VERSION,),
        refusal=_either(REFUSAL, anthropic_messages.REFUSAL),
    ),
    Operation(
        "GET",
        "/v1/models/{id}",
        "Describe one model, over OpenAI's protocol.",
        (ResponseSpec(200, "The model.", {JSON: _either(_MODEL, anthropic_messages.MODEL)}),),
        parameters=(Parameter("id", "path", "As it is listed, or without its provider.", _NAME), _VERSION),
        refusal=_either(REFUSAL, anthropic_messages.REFUSAL),
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
    identify()
    service = current_state()
    if speaks_anthropic():
        return json_value_response(anthropic_messages.models_page(service.catalogue.models()))
    return json_value_response({"object": "list", "data": [_listed(model) for model in service.catalogue.models()]})


def model(id: str) -> Response:  # noqa: A002  # the path's name
    """Describe one model, named as it is listed, or without its provider; in either form, as `models` does.

    Raises:
        ModelNotFound: it is not listed; 404.
    """
    identify()
    service = current_state()
    for found in service.catalogue.models():
        if id in (found.id, found.name):
            return json_value_response(anthropic_messages.described(found) if speaks_anthropic() else _listed(found))
    raise ModelNotFound(f"No model {id!r:.102} is listed here: GET /v1/models tells which are.")


def _listed(model: Model) -> dict[str, Any]:
    # When it was made is not known here, and the SDKs' types want a number.
    return {"id": model.id, "object": "model", "created": 0, "owned_by": model.provider}
