"""What the bodies of requests have in common, whichever API they are for. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from ..chat_request import Json, ResponseFormat, Tool, ToolCall


def drop_none(**fields: Any) -> Json:  # noqa: ANN401  # JSON values
    """Return the fields that are set: what is None is left to the provider."""
    return {name: value for name, value in fields.items() if value is not None}


def function_definition(tool: Tool) -> Json:
    """Return a tool in OpenAI's words, but for how the model is held to it."""
    parameters = tool.parameters or {"type": "object", "properties": {}}
    return drop_none(name=tool.name, parameters=parameters, description=tool.description)


def json_schema_fields(response_format: ResponseFormat) -> Json:
    """Return the schema of an answer in OpenAI's words."""
    return drop_none(
        name=response_format.name,
        schema=response_format.schema,
        strict=response_format.strict,
        description=response_format.description,
    )


def encode_arguments(call: ToolCall) -> str:
    """Return a call's arguments as the text that they were."""
    return msgspec.json.encode(call.arguments).decode()
