"""An answer that is to be JSON, as Anthropic's API gives it. Pure.

It has two ways: a tool whose input is the answer and that the model must call, which every model and server has had
from the start and which takes any schema of an object; and a format of its own, of newer models. The tool is the usual
one. It cannot be had where the model is asked to think first, where the answer is no object, and of the newest models,
which refuse to be told which tool to call: these are asked by the format.

Where the model may call other tools as well, it must call one of them or this one, one at a time unless several were
asked for; where it must call another one, there is no answer yet, and none is asked for.
"""

from __future__ import annotations

from contextlib import suppress

from ...core.errors import InvalidRequest
from ..chat_request import ChatRequest, Json, ResponseFormat

TOOL_DESCRIPTION = "Takes the whole answer. Call it once, to give the answer."


def wants_json(request: ChatRequest) -> bool:
    """Whether a JSON answer is asked for, and may come now: not where another tool must be called first."""
    return request.response_format is not None and request.tool_choice in {None, "auto", "none"}


def answer_tool_name(request: ChatRequest, *, may_force: bool) -> str | None:
    """Return the name of the tool by whose call the answer is to be given; None where it is to be given otherwise.

    Args:
        request: The question.
        may_force: Whether the model can be told which tool to call.
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
    """Return the tool that takes the answer."""
    tool: Json = {
        "name": name,
        "description": f"{TOOL_DESCRIPTION} {response_format.description or ''}".rstrip(),
        "input_schema": {"type": "object", **(response_format.schema or {})},
        # Else each member would be held back until it is whole.
        "eager_input_streaming": True,
    }
    if response_format.strict is not None:
        tool["strict"] = response_format.strict
    return tool


def answer_tool_choice(request: ChatRequest, name: str) -> Json:
    """Return the choice between the tool that takes the answer and those of the question."""
    if request.tools and request.tool_choice != "none":
        return {"type": "any", "disable_parallel_tool_use": request.parallel_tool_calls is not True}
    return {"type": "tool", "name": name, "disable_parallel_tool_use": True}


def output_format(response_format: ResponseFormat) -> Json:
    """Return the answer's format in the API's own words.

    Raises:
        InvalidRequest: it has none for the answer that is wanted.
    """
    if response_format.schema is None:
        raise InvalidRequest(
            "This model gives JSON by a schema only, here: tell it which members the answer is to have."
        )
    description = {} if response_format.description is None else {"description": response_format.description}
    return {"type": "json_schema", "schema": _transform_schema({**description, **response_format.schema})}


def _transform_schema(schema: Json) -> Json:
    # The API wants closed objects and knows few constraints. What the SDK cannot rewrite for it, it may take as it is.
    from anthropic import transform_schema  # noqa: PLC0415  # for those alone who use it

    with suppress(AssertionError, AttributeError, RecursionError, TypeError, ValueError):
        return transform_schema(schema)
    return schema


def _has_thinking(request: ChatRequest) -> bool:
    return request.thinking is not None and request.thinking.get("type") != "disabled"


def _is_object(response_format: ResponseFormat) -> bool:
    return response_format.schema is None or response_format.schema.get("type", "object") == "object"
