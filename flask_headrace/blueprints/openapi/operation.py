"""The values from which the OpenAPI document is built. Each endpoint's module defines its own. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

EVENT_STREAM = "text/event-stream"
JSON = "application/json"
PLAIN_TEXT = "text/plain"

STRING_SCHEMA: Mapping[str, Any] = MappingProxyType({"type": "string"})
NO_CONTENT: Mapping[str, Any] = MappingProxyType({})
ERROR_SCHEMA: Mapping[str, Any] = MappingProxyType({"$ref": "#/components/schemas/Error"})


class Parameter(NamedTuple):
    """A parameter in the path, in the query or in a header.

    Args:
        name: The parameter's name.
        location: Where the parameter is.
        description: The meaning for people.
        schema: The JSON Schema of the value.
    """

    name: str
    location: Literal["path", "query", "header"]
    description: str
    schema: Mapping[str, Any] = STRING_SCHEMA


class ResponseSpec(NamedTuple):
    """A response.

    Args:
        status: The HTTP status.
        description: When the response is sent; empty for the status's phrase.
        content: The JSON Schema of each content type; None for an arbitrary string.
    """

    status: int
    description: str
    content: Mapping[str, Mapping[str, Any] | None] = NO_CONTENT


class Operation(NamedTuple):
    """One method of one path.

    Args:
        method: In upper case.
        path: With its parameters in braces.
        summary: One sentence in the imperative.
        responses: The successful responses.
        body: The type of the request body; None for no body.
        parameters: The parameters in path, query and headers.
        error_schema: The JSON Schema of an error's body; None for plain text.
    """

    method: str
    path: str
    summary: str
    responses: tuple[ResponseSpec, ...]
    body: Any = None
    parameters: tuple[Parameter, ...] = ()
    error_schema: Mapping[str, Any] | None = ERROR_SCHEMA


def event_stream_schema(*names: str) -> dict[str, Any]:
    """Return the JSON Schema of an event stream's frames.

    Args:
        names: The values of a frame's `event` field. Frames without an `event` field are always possible.
    """
    named = {"event": {"enum": ["message", *names], "description": "The kind of the frame."}} if names else {}
    return {
        "type": "object",
        "description": "One frame of the event stream.",
        "required": ["data"],
        "properties": {
            **named,
            "id": {"type": "string", "description": "The event's id, if the stream is resumable."},
            "data": {"type": "string", "description": "JSON on one line, or `[DONE]`."},
        },
    }
