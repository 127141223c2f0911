"""How a client of the Responses API calls its tools, which all other protocols know as functions. Values, pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ...core.tool_namespaces import QualifiedName, flat_names
from ...providers.chat_request import ChatRequest, CustomTool

FIELD = "tool_names"
"""The name under which the names are stored with the stream, beside the fields that the response echoes."""


class ToolNames(NamedTuple):
    """The names of tools that are no plain functions.

    Args:
        custom: The flat names of custom tools, whose calls are items of another type.
        qualified: The names of tools in namespaces, by their flat names.
    """

    custom: frozenset[str] = frozenset()
    qualified: Mapping[str, QualifiedName] = {}


def stored_tool_names(chat_request: ChatRequest, tools: Iterable[Any]) -> dict[str, Any]:
    """Return the names of a request's tools as a JSON value to store with its stream; empty if all are functions.

    Args:
        chat_request: The request.
        tools: Its tools as the client sent them.
    """
    custom = [tool.name for tool in chat_request.tools if isinstance(tool, CustomTool)]
    qualified = {flat: list(name) for name, flat in flat_names(tools).items()}
    return {FIELD: {"custom": custom, "qualified": qualified}} if custom or qualified else {}


def read_tool_names(stored: Mapping[str, Any]) -> ToolNames:
    """Return the names from what was stored with a stream."""
    names = stored.get(FIELD, {"custom": [], "qualified": {}})
    qualified = {flat: QualifiedName(*name) for flat, name in names["qualified"].items()}
    return ToolNames(frozenset(names["custom"]), qualified)
