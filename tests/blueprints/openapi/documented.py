"""Checks real answers against the OpenAPI document: each must have the fields that it describes, and no other."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs

from tests.support.reader import Answer

EVENT_STREAM, JSON = "text/event-stream", "application/json"


class Document:
    """An OpenAPI document.

    Args:
        document: The document.
        is_open: Whether answers may have fields and types that the document does not name, as those of providers do.
    """

    def __init__(self, document: dict[str, Any], *, is_open: bool = False) -> None:
        self._paths = document["paths"]
        schemas = document["components"]["schemas"]
        self._schemas = schemas if is_open else {name: _closed(name, schema) for name, schema in schemas.items()}
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    def check(self, path: str, answer: Answer, method: str = "post") -> None:
        """Check an answer of an operation: its JSON, or each frame."""
        content_type = answer.headers["content-type"].partition(";")[0]
        responses = self._paths[path][method]["responses"]
        status = str(answer.status) if str(answer.status) in responses else "default"
        schema = responses[status]["content"][content_type]["schema"]
        if content_type == EVENT_STREAM:
            self.check_frames(schema, answer.body)
        elif content_type == JSON:
            self.check_value(schema, answer.json)

    def check_frames(self, schema: dict[str, Any], body: bytes) -> list[Any]:
        """Check the frames of an event stream, and return the JSON in them."""
        kinds = self._kinds(schema)
        found = []
        for frame in _frames_of(body):
            fitting = [kind for kind in kinds if self._is_valid(kind, frame)]
            assert fitting, f"no kind of frame fits {frame}"
            if frame["data"] == "[DONE]":
                continue
            value = json.loads(frame["data"])
            described = [kind["properties"]["data"].get("contentSchema", False) for kind in fitting]
            self.check_value({"anyOf": described}, value)
            found.append(value)
        return found

    def check_value(self, schema: dict[str, Any], value: Any) -> None:
        """Check a JSON value."""
        errors = [f"{error.message} at {error.instance_path}" for error in self._validator(schema).iter_errors(value)]
        assert errors == [], value

    def named(self, name: str) -> dict[str, Any]:
        """Return the reference to a named schema."""
        return {"$ref": f"#/components/schemas/{name}"}

    def _kinds(self, schema: dict[str, Any]) -> list[dict[str, Any]]:
        if "$ref" in schema:
            return self._kinds(self._schemas[schema["$ref"].rpartition("/")[2]])
        if "anyOf" in schema:
            return [kind for inner in schema["anyOf"] for kind in self._kinds(inner)]
        return [schema]

    def _is_valid(self, schema: dict[str, Any], value: Any) -> bool:
        return bool(self._validator(schema).is_valid(value))

    def _validator(self, schema: dict[str, Any]) -> jsonschema_rs.Validator:
        text = json.dumps(schema)
        if text not in self._validators:
            whole = {**schema, "components": {"schemas": self._schemas}}
            self._validators[text] = jsonschema_rs.Draft202012Validator(whole)
        return self._validators[text]


def _closed(name: str, schema: Any) -> Any:
    """Return a named schema whose objects have no other properties; none at all is what only providers send."""
    return False if name.startswith("Provider") else _without_others(schema)


def _without_others(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_others(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {keyword: _without_others(value) for keyword, value in schema.items()}
    if "properties" in schema and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


def _frames_of(body: bytes) -> list[dict[str, str]]:
    frames = []
    for block in body.decode().split("\n\n"):
        lines = [line.partition(": ") for line in block.split("\n") if line and not line.startswith(":")]
        frame = {name: value for name, _, value in lines}
        if "data" in frame:
            frames.append(frame)
    return frames
