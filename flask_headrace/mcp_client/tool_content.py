"""What a server says of a tool and of a result, as models get it. Pure: from objects of the package `mcp` to values."""

from __future__ import annotations

from typing import Any

import mcp_types
import msgspec

from ..providers.chat_request import Json
from ..tools.tool_error import ToolError

MAX_DESCRIPTION = 8_192
"""Characters of a description that models get."""

MAX_SCHEMA_BYTES = 65_536
"""Bytes that the JSON Schema of a tool's arguments may have."""

MAX_ERROR = 4_096
"""Characters of an error that models get."""

_HIDDEN = {"meta", "annotations", "icons"}
"""Fields that the protocol has for clients, not for models."""


def argument_schema(schema: Json) -> Json:
    """Return the JSON Schema of a tool's arguments, with what providers want each to have.

    Raises:
        ValueError: models cannot be given it; the message says why.
    """
    kind = schema.get("type", "object")
    if kind != "object":
        raise ValueError(f"its arguments are no JSON object, but of the type {kind!r:.50}")
    if not isinstance(schema.get("properties", {}), dict):
        raise ValueError("the properties of its arguments are no JSON object")  # noqa: TRY004  # of the server
    try:
        size = len(msgspec.json.encode(schema))
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise ValueError(f"the schema of its arguments cannot be written as JSON: {error!s:.200}") from None
    if size > MAX_SCHEMA_BYTES:
        raise ValueError(f"the schema of its arguments has {size} bytes, more than {MAX_SCHEMA_BYTES}")
    return {"properties": {}, **schema, "type": "object"}


def tool_description(tool: mcp_types.Tool) -> str | None:
    """Return what a tool does, for models."""
    return (tool.description or tool.title or "")[:MAX_DESCRIPTION] or None


def result_of(result: mcp_types.CallToolResult) -> Any:  # noqa: ANN401  # any JSON value
    """Return the JSON value of a result.

    Structured content stands for the texts beside it, which repeat it for older clients. Without it, texts are one
    text. Images, sound and resources are JSON objects of the protocol's form.

    Raises:
        ToolError: the tool has failed.
    """
    texts = [block.text for block in result.content if isinstance(block, mcp_types.TextContent)]
    if result.is_error:
        raise ToolError("\n".join(texts)[:MAX_ERROR] or "The tool failed, and does not say why.")
    others = [_dump(block) for block in result.content if not isinstance(block, mcp_types.TextContent)]
    if result.structured_content is not None:
        if not others:
            return result.structured_content
        return {"structuredContent": result.structured_content, "content": others}
    if not others:
        return "\n".join(texts) if texts else None
    return [_dump(block) for block in result.content]


def _dump(block: mcp_types.ContentBlock) -> Json:
    dumped = block.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=_HIDDEN)
    if isinstance(block, mcp_types.EmbeddedResource):
        dumped["resource"].pop("_meta", None)
    return dumped
