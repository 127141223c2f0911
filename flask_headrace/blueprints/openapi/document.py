"""GET /openapi.json: an OpenAPI 3.1 document, built from the types of bodies, answers and frames."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, url_for

from ...core.version import VERSION
from ..http.json_response import json_response
from .operation import JSON, PLAIN_TEXT, Operation, ResponseSpec
from .schemas import NamedSchemas

_SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}


def create_openapi_blueprint(operations: Iterable[Operation]) -> Blueprint:
    """Return the blueprint of the OpenAPI document.

    Args:
        operations: All documented operations.
    """
    blueprint = Blueprint("headrace_openapi", __name__)
    described = build_document(list(operations))

    def openapi() -> Response:
        root = url_for("headrace_openapi.openapi").removesuffix("/openapi.json")
        return json_response({**described, "servers": [{"url": root or "/"}]})

    blueprint.add_url_rule("/openapi.json", view_func=openapi, methods=["GET"])
    return blueprint


def build_document(operations: list[Operation]) -> dict[str, Any]:
    """Return the OpenAPI document of `operations`, without `servers`.

    Raises:
        ValueError: two schemas or two operations have one name.
    """
    schemas = NamedSchemas(_contents(operations))
    paths: dict[str, Any] = {}
    _check_ids(operations)
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe_operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Headrace",
            "version": VERSION,
            "description": "Answers of language models, streamed token by token over Server-Sent Events.",
        },
        "paths": paths,
        "components": {"schemas": schemas.named, "securitySchemes": _SECURITY_SCHEMES},
        "security": [{}, *({name: []} for name in _SECURITY_SCHEMES)],
    }


def _contents(operations: list[Operation]) -> Iterator[Any]:
    for operation in operations:
        yield operation.body
        yield operation.error
        for answer in operation.responses:
            yield from answer.content.values()


def _check_ids(operations: list[Operation]) -> None:
    known: dict[str, Operation] = {}
    for operation in operations:
        if (same := known.setdefault(_id_of(operation), operation)) is not operation:
            both = f"{same.method} {same.path} and {operation.method} {operation.path}"
            raise ValueError(f"The OpenAPI document has one id for {both}: change one of the paths.")


def _id_of(operation: Operation) -> str:
    return re.sub(r"\W+", "_", f"{operation.method.lower()} {operation.path}").strip("_")


def _describe_operation(operation: Operation, schemas: NamedSchemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": _id_of(operation),
        "responses": {
            **{str(answer.status): _describe_response(answer, schemas) for answer in operation.responses},
            "default": _describe_response(_error_response(operation), schemas),
        },
    }
    if operation.parameters:
        described["parameters"] = [
            {
                "name": parameter.name,
                "in": parameter.location,
                "required": parameter.location == "path",
                "description": parameter.description,
                "schema": dict(parameter.schema),
            }
            for parameter in operation.parameters
        ]
    if operation.body is not None:
        schema = schemas.schema_of(operation.body)
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    return described


def _error_response(operation: Operation) -> ResponseSpec:
    content_type = PLAIN_TEXT if operation.error is None else JSON
    return ResponseSpec(500, "Any error before the first byte, with its own status.", {content_type: operation.error})


def _describe_response(answer: ResponseSpec, schemas: NamedSchemas) -> dict[str, Any]:
    meaning = answer.description or HTTPStatus(answer.status).phrase
    contents = {kind: {"schema": schemas.schema_of(content)} for kind, content in answer.content.items()}
    return {"description": meaning, **({"content": contents} if contents else {})}
