"""GET /openapi.json: an OpenAPI 3.1 document, built from the types of the request bodies."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, get_args

import msgspec
from flask import Blueprint, Response, url_for

from ...core.version import VERSION
from ..http.json_response import json_response
from .operation import JSON, PLAIN_TEXT, STRING_SCHEMA, Operation, ResponseSpec

_REF_TEMPLATE = "#/components/schemas/{name}"
_ERROR_SCHEMA = {
    "type": "object",
    "description": "Why a request failed.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "description": "Stable, for programs."},
                "message": {"type": "string", "description": "For people."},
            },
        },
        "text": {"type": "string", "description": "The text received before the error, if the answer is not streamed."},
        "document": {"description": "The incomplete JSON document, if the request has a schema."},
    },
}
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
    """Return the OpenAPI document of `operations`, without `servers`."""
    types = [operation.body for operation in operations if operation.body is not None]
    bodies, schemas = msgspec.json.schema_components(types, ref_template=_REF_TEMPLATE)
    assert "Error" not in schemas, "a body type named Error would be replaced by the schema of errors"
    body_of = iter(bodies)
    kinds = {kind.__name__: kind for body in types for kind in get_args(body) or [body]}
    for name, schema in schemas.items():
        _add_descriptions(schema, kinds.get(name))
    paths: dict[str, Any] = {}
    for operation in operations:
        body = next(body_of) if operation.body is not None else None
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe_operation(operation, body)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Headrace",
            "version": VERSION,
            "description": "Answers of language models, streamed token by token over Server-Sent Events.",
        },
        "paths": paths,
        "components": {"schemas": {**schemas, "Error": _ERROR_SCHEMA}, "securitySchemes": _SECURITY_SCHEMES},
        "security": [{}, *({name: []} for name in _SECURITY_SCHEMES)],
    }


def _describe_operation(operation: Operation, body: dict[str, Any] | None) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": re.sub(r"\W+", "_", f"{operation.method.lower()} {operation.path}").strip("_"),
        "responses": {
            **{str(answer.status): _describe_response(answer) for answer in operation.responses},
            "default": _describe_response(_error_response(operation)),
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
    if body is not None:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": body}}}
    return described


def _error_response(operation: Operation) -> ResponseSpec:
    contents = {PLAIN_TEXT: None} if operation.error_schema is None else {JSON: operation.error_schema}
    return ResponseSpec(500, "Any error before the first byte, with its own status.", contents)


def _describe_response(answer: ResponseSpec) -> dict[str, Any]:
    meaning = answer.description or HTTPStatus(answer.status).phrase
    contents = {kind: {"schema": dict(schema or STRING_SCHEMA)} for kind, schema in answer.content.items()}
    return {"description": meaning, **({"content": contents} if contents else {})}


def _add_descriptions(schema: dict[str, Any], kind: type | None) -> None:
    # A docstring describes the fields in its `Args` section (Google style), those of base classes in theirs.
    text = inspect.cleandoc(schema.get("description", ""))
    if not text:
        return
    schema["description"] = " ".join(text.partition("\n\nArgs:\n")[0].split())
    inherited = [base.__doc__ or "" for base in kind.__mro__ if base.__module__ != "msgspec"] if kind else []
    for docstring in [text, *inherited]:
        fields = inspect.cleandoc(docstring).partition("\n\nArgs:\n")[2]
        for name, meaning in re.findall(r"^    (\w+): (.*(?:\n        .*)*)", fields, re.MULTILINE):
            schema.get("properties", {}).get(name, {}).setdefault("description", " ".join(meaning.split()))
