"""Parts of request bodies that several APIs share. Pure."""

from __future__ import annotations

from typing import Any

from ...core import exact_json
from ..chat_request import Json, ResponseFormat, Tool, ToolCall


def drop_none(**fields: Any) -> Json:  # noqa: ANN401  # JSON values
    """Return the fields whose value is not None: a field that is left out has the provider's default."""
    return {name: value for name, value in fields.items() if value is not None}


def function_definition(tool: Tool) -> Json:
    """Return a tool's name, parameters and description as OpenAI's APIs write them, without `strict`."""
    parameters = tool.parameters or {"type": "object", "properties": {}}
    return drop_none(name=tool.name, parameters=parameters, description=tool.description)


def json_schema_fields(response_format: ResponseFormat) -> Json:
    """Return a response format's schema as OpenAI's APIs write it."""
    return drop_none(
        name=response_format.name,
        schema=response_format.schema,
        strict=response_format.strict,
        description=response_format.description,
    )


def encode_arguments(call: ToolCall) -> str:
    """Return a tool call's arguments as JSON text."""
    return exact_json.encode(call.arguments).decode()


def description_with_grammar(description: str | None, grammar: Any) -> str | None:  # noqa: ANN401  # any JSON
    """Return the description of a custom tool for a server that cannot enforce the grammar of its input.

    Args:
        description: The tool's description.
        grammar: An object with the grammar's `definition` and `syntax`; other values have no grammar.
    """
    definition = grammar.get("definition") if isinstance(grammar, dict) else None
    if not isinstance(definition, str):
        return description
    rule = f"The input must match this {grammar.get('syntax', 'lark')!s} grammar:\n{definition}"
    return f"{description}\n\n{rule}" if description else rule
