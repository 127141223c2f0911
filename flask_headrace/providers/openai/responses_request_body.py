"""Builds the body of a request to OpenAI's Responses API. Pure.

For a client of the same API the body is what the client sent, apart from the fields that this service or an application
has changed: `FIELDS` says from which fields of a `ChatRequest` each of them is built. For all others it is built from
the `ChatRequest`; of chat completions also the fields `SHARED_WITH_CHAT` go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..chat_request import ChatRequest, CustomTool, Json, NamedTool, ResponseFormat, Tool, ToolChoice
from ..decoding.request_fields import drop_none, function_definition, json_schema_fields
from ..source_request import SourceRequest, changed_fields, restore_turns
from .chat_server import ChatServer
from .responses_accepted_items import accepted_items
from .responses_items import ItemBuilder

NO_EFFORT = "none"
"""The reasoning effort of a model that does not reason: no summary of the reasoning is requested."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    "max_output_tokens": ("max_tokens",),
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "parallel_tool_calls": ("parallel_tool_calls",),
    "tools": ("tools",),
    "tool_choice": ("tool_choice",),
    "text": ("response_format", "verbosity"),
    "reasoning": ("reasoning_effort",),
    "safety_identifier": ("user",),
}
"""The fields of this API, each with the fields of a `ChatRequest` from which it is built."""

ENCRYPTED_REASONING = "reasoning.encrypted_content"
"""The value of `include` that asks for the signature of reasoning, without which it cannot be sent back."""

SHARED_WITH_CHAT = (
    "metadata", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "safety_identifier",
    "service_tier", "store", "top_logprobs",
)  # fmt: skip
"""The fields that chat completions has in common with this API, and a `ChatRequest` does not contain."""

NO_FIELDS: Mapping[str, Any] = MappingProxyType({})

_EFFORTS = {"max": "high"}
"""This API's reasoning effort for those of other APIs that it does not have."""

_READ_TOOL_TYPES = frozenset({"function", "custom", "namespace"})


def build_body(
    request: ChatRequest,
    source: SourceRequest | None = None,
    shared: Mapping[str, Any] = NO_FIELDS,
    *,
    is_official: bool = False,
) -> Json:
    """Return the body of a request to `/responses`.

    Args:
        request: The request.
        source: The request as a client of the same API sent it; None for a request of another protocol.
        shared: The fields of that other protocol which are the same in this one; see `passthrough.shared_fields`.
        is_official: Whether OpenAI's own models are served there; see `Address.is_official`.
    """
    server = ChatServer(is_official, request.model)
    fields = _built_fields(request, server) if source is None else _sent_fields(request, source, server)
    # A conversation of another API is built by OpenAI's rules, which all servers accept.
    items = accepted_items(_input(request, source), is_official=is_official or source is None)
    return {"store": False, **fields, **shared, "model": request.model, "input": items, "stream": True}


def _input(request: ChatRequest, source: SourceRequest | None) -> list[Json]:
    builder = ItemBuilder({tool.name for tool in request.tools if isinstance(tool, CustomTool)})
    return builder.build(request.messages) if source is None else restore_turns(request.messages, source, builder.build)


# For clients of the same API


def _sent_fields(request: ChatRequest, source: SourceRequest, server: ChatServer) -> Json:
    fields, changed = dict(source.fields), changed_fields(request, source, FIELDS)
    if "safety_identifier" in changed:
        fields.pop("user", None)
    for field in changed:
        fields.pop(field, None)
    built = _built_fields(request, server)
    fields |= {field: built[field] for field in changed if field in built}
    if "tools" in changed:
        fields |= drop_none(tools=[*_own_tools(source), *built.get("tools", ())] or None)
    if not _has_instructions(request, source):
        fields.pop("instructions", None)
    return fields


def _own_tools(source: SourceRequest) -> list[Json]:
    """Return the tools that only the provider knows: an application that changes the others leaves these alone."""
    tools = source.fields.get("tools")
    return [tool for tool in tools or () if tool.get("type", "function") not in _READ_TOOL_TYPES]


def _has_instructions(request: ChatRequest, source: SourceRequest) -> bool:
    """Whether the request still has the system message that stands for the field `instructions`."""
    first = source.turns[0]
    return first.values == () and any(message is first.messages[0] for message in request.messages)


# For clients of other APIs


def _built_fields(request: ChatRequest, server: ChatServer) -> Json:
    effort = _EFFORTS.get(request.reasoning_effort or "", request.reasoning_effort)
    if request.source is not None and request.source.family == "anthropic":
        effort = server.effort(request.reasoning_effort)
    return drop_none(
        max_output_tokens=request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        parallel_tool_calls=request.parallel_tool_calls,
        safety_identifier=request.user,
        tools=[_tool(tool) for tool in request.tools] or None,
        tool_choice=None if request.tool_choice is None else _choice(request.tool_choice, request.tools),
        text=_text(request) or None,
        reasoning=None if effort is None else _reasoning(effort),
        include=[ENCRYPTED_REASONING] if _has_reasoning(request, server, effort) else None,
    )


def _has_reasoning(request: ChatRequest, server: ChatServer, effort: str | None) -> bool:
    """Whether the model signs its reasoning, and the client has a place for that; other models refuse the question."""
    return effort != NO_EFFORT if effort else request.source is None and server.is_reasoning


def _tool(tool: Tool) -> Json:
    if isinstance(tool, CustomTool):
        return {"type": "custom", **drop_none(name=tool.name, description=tool.description, format=tool.format)}
    # The API's default is true, which would make all parameters required.
    return {"type": "function", **function_definition(tool), "strict": bool(tool.strict)}


def _choice(choice: ToolChoice, tools: tuple[Tool, ...]) -> str | Json:
    if not isinstance(choice, NamedTool):
        return choice
    is_custom = any(isinstance(tool, CustomTool) and tool.name == choice.name for tool in tools)
    return {"type": "custom" if is_custom else "function", "name": choice.name}


def _text(request: ChatRequest) -> Json:
    response_format = request.response_format
    return drop_none(format=None if response_format is None else _format(response_format), verbosity=request.verbosity)


def _format(response_format: ResponseFormat) -> Json:
    if response_format.schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", **json_schema_fields(response_format)}


def _reasoning(effort: str) -> Json:
    return {"effort": effort} if effort == NO_EFFORT else {"effort": effort, "summary": "auto"}
