"""What an endpoint takes and gives, told beside its view, for the description at /openapi.json. Values, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

EVENTS = "text/event-stream"
JSON = "application/json"
PLAIN = "text/plain"

TEXT: Mapping[str, Any] = MappingProxyType({"type": "string"})
NONE: Mapping[str, Any] = MappingProxyType({})
REFUSAL: Mapping[str, Any] = MappingProxyType({"$ref": "#/components/schemas/Refusal"})


class Parameter(NamedTuple):
    """A part of the path, of the query or a header."""

    name: str
    place: Literal["path", "query", "header"]
    meaning: str
    schema: Mapping[str, Any] = TEXT


class ResponseSpec(NamedTuple):
    """A response.

    Args:
        status: Its HTTP status.
        meaning: When it comes.
        contents: The schema of each content type that it may have; None for one that is described in words alone.
    """

    status: int
    meaning: str
    contents: Mapping[str, Mapping[str, Any] | None] = NONE


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
    answers: tuple[ResponseSpec, ...]
    body: Any = None
    parameters: tuple[Parameter, ...] = ()
    refusal: Mapping[str, Any] | None = REFUSAL


def frames(*names: str) -> dict[str, Any]:
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
