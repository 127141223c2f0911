"""JSON answers of Anthropic's API: by a forced tool call, or by its output format. Pure.

The usual way is a tool whose input is the answer and that the model is forced to call: every model and server supports
that, and any schema of an object. Newer models also have an output format. It is used where the tool cannot be: if the
model is to think first, if the answer is no object, and for the newest models, which reject a forced tool call.

If the model may call other tools as well, it is forced to call one of them or the answer tool; one at a time, unless
the request allows parallel calls. If the request forces another tool, no JSON answer is requested yet.
"""

from __future__ import annotations

from contextlib import suppress

from ...core.errors import InvalidRequest
from ..chat_request import ChatRequest, Json, ResponseFormat

TOOL_DESCRIPTION = "Takes the whole answer. Call it once, to give the answer."


def wants_json(request: ChatRequest) -> bool:
    """Whether the answer to this request is to be JSON, and not first a tool call that the request forces."""
    return request.response_format is not None and request.tool_choice in {None, "auto", "none"}


def answer_tool_name(request: ChatRequest, *, may_force: bool) -> str | None:
    """Return the name of the tool whose input is the answer; None if the answer is requested in another way.

    Args:
        request: The request.
        may_force: Whether the model accepts a forced tool call.
    """
    response_format = request.response_format
    if (
        response_format is None
        or not wants_json(request)
        or not may_force
        or _has_thinking(request)
        or not _is_object(response_format)
    ):
        return None
    name, others = response_format.name, {tool.name for tool in request.tools}
    while name in others:
        name += "_"
    return name


def answer_tool_definition(response_format: ResponseFormat, name: str) -> Json:
    """Return the definition of the tool whose input is the answer."""
    tool: Json = {
        "name": name,
        "description": f"{TOOL_DESCRIPTION} {response_format.description or ''}".rstrip(),
        "input_schema": {"type": "object", **(response_format.schema or {})},
        # Without it the API holds each member of the input back until the member is complete.
        "eager_input_streaming": True,
    }
    if response_format.strict is not None:
        tool["strict"] = response_format.strict
    return tool


def answer_tool_choice(request: ChatRequest, name: str) -> Json:
    """Return the `tool_choice` between the answer tool, called `name`, and the tools of the request."""
    if request.tools and request.tool_choice != "none":
        return {"type": "any", "disable_parallel_tool_use": request.parallel_tool_calls is not True}
    return {"type": "tool", "name": name, "disable_parallel_tool_use": True}


def output_format(response_format: ResponseFormat) -> Json:
    """Return the API's output format for a response format.

    Raises:
        InvalidRequest: the response format has no schema.
    """
    if response_format.schema is None:
        raise InvalidRequest(
            "This model gives JSON only by a schema: send the JSON Schema of the answer in the response format."
        )
    description = {} if response_format.description is None else {"description": response_format.description}
    return {"type": "json_schema", "schema": _transform_schema({**description, **response_format.schema})}


def _transform_schema(schema: Json) -> Json:
    # The API requires closed objects and few constraints. A schema that the SDK cannot rewrite is sent unchanged.
    from anthropic import transform_schema  # noqa: PLC0415  # only loaded where it is used

    with suppress(AssertionError, AttributeError, RecursionError, TypeError, ValueError):
        return transform_schema(schema)
    return schema


def _has_thinking(request: ChatRequest) -> bool:
    return request.thinking is not None and request.thinking.get("type") != "disabled"


def _is_object(response_format: ResponseFormat) -> bool:
    return response_format.schema is None or response_format.schema.get("type", "object") == "object"
