"""The values from which the OpenAPI document is built. Each endpoint's module defines its own. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

import msgspec

EVENT_STREAM = "text/event-stream"
JSON = "application/json"
PLAIN_TEXT = "text/plain"

STRING_SCHEMA: Mapping[str, Any] = MappingProxyType({"type": "string"})
NO_CONTENT: Mapping[str, Any] = MappingProxyType({})

OTHERS = "x-others"
"""The keyword by which the annotation of `schema_name` passes `others`; the document does not contain it."""


class ErrorDetails(msgspec.Struct, frozen=True):
    """What went wrong.

    Args:
        code: Stable, for programs.
        message: For people.
    """

    code: str
    message: str


class ErrorBody(msgspec.Struct, frozen=True):
    """Why a request failed.

    Args:
        error: What went wrong.
        text: The text received before the error, if the answer is not streamed.
        document: The incomplete JSON document, if the request has a schema.
    """

    error: ErrorDetails
    text: str | msgspec.UnsetType = msgspec.UNSET
    document: Any = msgspec.UNSET


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


class Frame(NamedTuple):
    """A kind of frame in an event stream.

    Args:
        name: The name of the frame's schema.
        description: One sentence for people.
        data: The types of the JSON value in the frame's `data`, one of which each frame has; none for `[DONE]`.
        events: The values of the frame's `event` field; none for frames without that field; None if the field is the
            `type` of the JSON value.
    """

    name: str
    description: str
    data: tuple[Any, ...]
    events: tuple[str, ...] | None = ()


DONE_FRAME: Final = Frame("DoneFrame", "Confirms the end of a complete answer; its `data` is no JSON.", ())
"""The frame `data: [DONE]`."""


class EventStream(NamedTuple):
    """The frames of an event stream.

    Args:
        name: The name of the schema of any frame.
        frames: All kinds of frames.
    """

    name: str
    frames: tuple[Frame, ...]


class ResponseSpec(NamedTuple):
    """A response.

    Args:
        status: The HTTP status.
        description: When the response is sent; empty for the status's phrase.
        content: What each content type contains: the type of a JSON value, the `EventStream` of an event stream, a
            tuple of several of these for one of them, or None for an arbitrary string. Generated clients that know only
            one content type take the first, so JSON comes before event streams.
    """

    status: int
    description: str
    content: Mapping[str, Any] = NO_CONTENT


class Operation(NamedTuple):
    """One method of one path.

    Args:
        method: In upper case.
        path: With its parameters in braces.
        summary: One sentence in the imperative.
        responses: The successful responses.
        body: The type of the request body; None for no body.
        parameters: The parameters in path, query and headers.
        error: The type of an error's body, or a tuple of types; None for plain text.
    """

    method: str
    path: str
    summary: str
    responses: tuple[ResponseSpec, ...]
    body: Any = None
    parameters: tuple[Parameter, ...] = ()
    error: Any = ErrorBody


def schema_name(name: str, others: tuple[str, ...] | None = ()) -> msgspec.Meta:
    """Return the annotation by which the schema of a union of tagged types has a name of its own.

    Args:
        name: The name of the schema.
        others: The values of `type` of objects that only providers send, and that are described as `Provider` and the
            name; None for any other value. Compilers of TypeScript tell such objects from the others in whole answers
            only if the values are listed.
    """
    return msgspec.Meta(title=name, extra_json_schema=None if others == () else {OTHERS: others})
