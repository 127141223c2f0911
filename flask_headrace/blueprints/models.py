"""GET /v1/models and GET /v1/models/<id>: the models, in OpenAI's form or, for its clients, in Anthropic's."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from ..core.errors import HeadraceError, ModelNotFound
from ..providers.registry import Model
from .anthropic_messages import endpoint as anthropic_messages
from .anthropic_messages.response_types import AnthropicError, AnthropicModel, AnthropicModelList
from .http.auth import authenticate
from .http.error_handlers import handle_v1_error, is_anthropic_client
from .http.json_response import json_response
from .openai_shared.errors import OpenAIError
from .openai_shared.model_types import OpenAIModel, OpenAIModelList
from .openapi.operation import JSON, Operation, Parameter, ResponseSpec
from .resolution import offered_models

_NAME_SCHEMA = {"type": "string", "pattern": "^[^/\\n][^\\n]*$"}
_PAGE_PARAMETERS = (
    Parameter("limit", "query", "The number of models on a page of Anthropic's form, 1 to 1000. Default: all."),
    Parameter("after_id", "query", "The last model of the page before, in Anthropic's form."),
    Parameter("before_id", "query", "The first model of the page after, in Anthropic's form."),
)
_VERSION_HEADER = Parameter(
    "anthropic-version", "header", "Sent by Anthropic's clients. If present, the response has Anthropic's form."
)


OPERATIONS = (
    Operation(
        "GET",
        "/v1/models",
        "List the available models, in OpenAI's form or in Anthropic's.",
        (ResponseSpec(200, "The models.", {JSON: (OpenAIModelList, AnthropicModelList)}),),
        parameters=(_VERSION_HEADER, *_PAGE_PARAMETERS),
        error=(OpenAIError, AnthropicError),
    ),
    Operation(
        "GET",
        "/v1/models/{id}",
        "Describe one model, in OpenAI's form or in Anthropic's.",
        (ResponseSpec(200, "The model.", {JSON: (OpenAIModel, AnthropicModel)}),),
        parameters=(
            Parameter("id", "path", "The model's id as listed, or its name without the provider.", _NAME_SCHEMA),
            _VERSION_HEADER,
        ),
        error=(OpenAIError, AnthropicError),
    ),
)


def create_models_blueprint() -> Blueprint:
    """Return the blueprint of the model list."""
    blueprint = Blueprint("headrace_models", __name__)
    blueprint.add_url_rule("/v1/models", view_func=models, methods=["GET"])
    blueprint.add_url_rule("/v1/models/<path:id>", view_func=model, methods=["GET"])
    blueprint.register_error_handler(HeadraceError, handle_v1_error)
    return blueprint


def models() -> Response:
    """List the available models, in Anthropic's form if an Anthropic client sent the request.

    Raises:
        InvalidRequest: a query parameter of Anthropic's form is not valid; 400.
    """
    authenticate()
    found = offered_models()
    if is_anthropic_client():
        page = {name: request.args.get(name) for name in ("limit", "before_id", "after_id")}
        return json_response(anthropic_messages.models_page(found, **page))
    return json_response({"object": "list", "data": [_model_object(model) for model in found]})


def model(id: str) -> Response:  # noqa: A002  # the path's name
    """Describe one model, in Anthropic's form if an Anthropic client sent the request.

    Args:
        id: The model's id as listed (`provider/name`), or its name alone.

    Raises:
        ModelNotFound: no listed model has this id or name; 404.
    """
    authenticate()
    for found in offered_models():
        if id in (found.id, found.name):
            return json_response(
                anthropic_messages.model_object(found) if is_anthropic_client() else _model_object(found)
            )
    raise ModelNotFound(f"No model {id!r:.102} is listed here: GET /v1/models lists the available models.")


def _model_object(model: Model) -> dict[str, Any]:
    # The creation time is unknown, but the SDKs' types require a number.
    fields = {"id": model.id, "object": "model", "created": 0, "owned_by": model.provider}
    known = {name: getattr(model, name) for name in ("context_window", "max_output_tokens", "capabilities")}
    return {**fields, **{name: value for name, value in known.items() if value}}
