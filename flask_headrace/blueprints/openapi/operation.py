"""What an endpoint takes and gives, told beside its view, for the description at /openapi.json. Values, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

EVENT_STREAM = "text/event-stream"
JSON = "application/json"
PLAIN_TEXT = "text/plain"

STRING_SCHEMA: Mapping[str, Any] = MappingProxyType({"type": "string"})
NO_CONTENT: Mapping[str, Any] = MappingProxyType({})
ERROR_SCHEMA: Mapping[str, Any] = MappingProxyType({"$ref": "#/components/schemas/Refusal"})


class Parameter(NamedTuple):
    """A part of the path, of the query or a header."""

    name: str
    location: Literal["path", "query", "header"]
    description: str
    schema: Mapping[str, Any] = STRING_SCHEMA


class ResponseSpec(NamedTuple):
    """A response.

    Args:
        status: Its HTTP status.
        meaning: When it comes.
        contents: The schema of each content type that it may have; None for one that is described in words alone.
    """

    status: int
    description: str
    content: Mapping[str, Mapping[str, Any] | None] = NO_CONTENT


class Operation(NamedTuple):
    """One method of one path.

    Args:
        method: In capitals.
        path: With its parameters in braces.
        summary: What it does, in the imperative.
        answers: What comes back where nothing goes wrong.
        body: The type that the request's body is read into; None where it has none.
        parameters: What else it takes.
        refusal: The schema of a failure's body; None for plain text.
    """

    method: str
    path: str
    summary: str
    responses: tuple[ResponseSpec, ...]
    body: Any = None
    parameters: tuple[Parameter, ...] = ()
    error_schema: Mapping[str, Any] | None = ERROR_SCHEMA


def event_stream_schema(*names: str) -> dict[str, Any]:
    """Return the schema of an event stream's frames.

    Args:
        names: What `event` may be, beside frames that have none.
    """
    named = {"event": {"enum": ["message", *names], "description": "What the frame tells."}} if names else {}
    return {
        "type": "object",
        "description": "One frame of the event stream.",
        "required": ["data"],
        "properties": {
            **named,
            "id": {"type": "string", "description": "The number of the event, where the stream can be resumed."},
            "data": {"type": "string", "description": "JSON on one line, or `[DONE]`."},
        },
    }
