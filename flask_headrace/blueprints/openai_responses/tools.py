"""Turns the tools of a Responses API request, and the choice among them, into those of a `ChatRequest`. Pure.

Functions, custom tools and the members of namespaces are read. Tools of other types are the provider's own: the others
do without them. Tools stand in the field `tools`, and in items `additional_tools` of the conversation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from ...core.custom_tool_input import INPUT_SCHEMA
from ...core.errors import InvalidRequest
from ...core.tool_namespaces import QualifiedName
from ...providers.chat_request import CustomTool, Json, NamedTool, Tool, ToolChoice
from ..http.request_body import convert
from ..openai_shared.request import as_json
from . import input_items
from .input_items import TOOL_CHOICES, TOOLS, AllowedToolsChoice, FunctionTool, NamedToolChoice, NamespaceTool
from .untranslated import Untranslated


def declared_tools(tools: Sequence[Json] | None, items: object) -> dict[str, Json]:
    """Return all tools of a request, each by its path in the body.

    Args:
        tools: The field `tools`.
        items: The field `input`.
    """
    declared = {f"tools[{number}]": tool for number, tool in enumerate(tools or ())}
    for place, item in enumerate(items if isinstance(items, list) else ()):
        match item:
            case {"type": input_items.ADDITIONAL_TOOLS, "tools": list(added)}:
                declared |= {f"input[{place}].tools[{number}]": tool for number, tool in enumerate(added)}
    return declared


class ToolReader:
    """Reads the tools of one request.

    Args:
        untranslated: Receives the tools, and the choices, that a `ChatRequest` does not contain.
        names: The flat names of the functions in namespaces.
    """

    def __init__(self, untranslated: Untranslated, names: Mapping[QualifiedName, str]) -> None:
        self._untranslated, self._names = untranslated, names

    def tools(self, declared: Mapping[str, Json]) -> tuple[Tool, ...]:
        """Return the tools that every provider can have; the last of those with one name.

        Args:
            declared: The tools by their paths in the body; see `declared_tools`.

        Raises:
            InvalidRequest: a tool is invalid; the message names it.
        """
        tools = [tool for path, value in declared.items() for tool in self._tools(value, path)]
        return tuple({tool.name: tool for tool in tools}.values())

    def _tools(self, value: Json, path: str) -> Iterator[Tool]:
        tool_type = _type_of(value, path)
        if (known := TOOLS.get(tool_type)) is None:
            self._untranslated.add_tool(value, path)
            return
        tool = convert(value, known, path)
        if isinstance(tool, NamespaceTool):
            for number, member in enumerate(tool.tools):
                yield from self._members(tool.name, member, f"{path}.tools[{number}]")
        else:
            yield _to_tool(tool, tool.name)

    def _members(self, namespace: str, value: Json, path: str) -> Iterator[Tool]:
        tool_type = _type_of(value, path)
        if tool_type not in {"function", "custom"}:
            self._untranslated.add_tool(value, path)
            return
        tool = convert(value, TOOLS[tool_type], path)
        yield _to_tool(tool, self._names[QualifiedName(namespace, tool.name)])

    def choice(
        self, sent: Literal["none", "auto", "required"] | Json | None, tools: tuple[Tool, ...], *, has_more: bool
    ) -> tuple[tuple[Tool, ...], ToolChoice | None]:
        """Return the tools that the model may call, and which of them it calls.

        Args:
            sent: The client's choice.
            tools: The tools of the request.
            has_more: Whether the request has tools that are not among them.
        """
        if sent is None or isinstance(sent, str):
            return tools, self._possible(sent, tools, has_more)
        choice_type = sent.get("type")
        if not isinstance(choice_type, str) or (known := TOOL_CHOICES.get(choice_type)) is None:
            self._untranslated.add_unread(f"tool_choice ({choice_type!s:.40})")
            return tools, None
        match convert(sent, known, "tool_choice"):
            case AllowedToolsChoice(allowed, mode):
                names = self._allowed_names(allowed)
                some = tuple([tool for tool in tools if tool.name in names])
                return some, self._possible(mode, some, has_more)
            case NamedToolChoice(name):
                return tools, NamedTool(self._flat_name(name, tools))
        return tools, None

    def _possible(
        self,
        mode: Literal["none", "auto", "required"] | None,
        tools: tuple[Tool, ...],
        has_more: bool,
    ) -> ToolChoice | None:
        if mode == "required" and not tools and has_more:
            self._untranslated.add_unread("tool_choice")
            return None
        return mode

    def _allowed_names(self, allowed: Sequence[Json]) -> set[str]:
        names = {name for tool in allowed if isinstance(name := tool.get("name"), str)}
        return names | {flat for qualified, flat in self._names.items() if qualified.namespace in names}

    def _flat_name(self, name: str, tools: tuple[Tool, ...]) -> str:
        if any(tool.name == name for tool in tools):
            return name
        return next((flat for qualified, flat in self._names.items() if qualified.name == name), name)


def _type_of(value: Any, path: str) -> str:  # noqa: ANN401  # any JSON: items of the conversation are not typed
    if not isinstance(value, dict):
        raise InvalidRequest(f"{path} is {as_json(value)}: it must be an object.")
    tool_type = value.get("type", "function")
    if not isinstance(tool_type, str):
        raise InvalidRequest(f"{path} has the type {as_json(tool_type)}: give a type, such as 'function'.")
    return tool_type


def _to_tool(tool: Any, name: str) -> Tool:  # noqa: ANN401  # a function or a custom tool
    if isinstance(tool, FunctionTool):
        return Tool(name, tool.description, tool.parameters or {}, tool.strict)
    return CustomTool(name, tool.description, INPUT_SCHEMA, format=tool.format)
