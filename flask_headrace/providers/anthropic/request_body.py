"""Builds the body of a request to Anthropic's Messages API. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...core.custom_tool_input import INPUT_SCHEMA
from ..chat_request import ChatRequest, CustomTool, Json, NamedTool, Tool, ToolChoice
from ..decoding.request_fields import description_with_grammar, drop_none
from ..source_request import SourceRequest, changed_fields
from .json_output import answer_tool_choice, answer_tool_definition, output_format, wants_json
from .thinking import thinking_fields
from .turns import build_conversation

DEFAULT_MAX_TOKENS = 8192
"""`max_tokens` for requests without one: the API requires it."""

_UNCOUNTED_FIELDS = frozenset({
    "max_tokens", "metadata", "service_tier", "stop_sequences", "stream", "temperature", "top_k", "top_p",
})  # fmt: skip
"""Fields that `/v1/messages/count_tokens` does not accept."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    "max_tokens": ("max_tokens",),
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "top_k": ("top_k",),
    "stop_sequences": ("stop",),
    "thinking": ("thinking",),
    "output_config": ("reasoning_effort", "response_format"),
    "metadata": ("user",),
    "tools": ("tools", "response_format"),
    "tool_choice": ("tool_choice", "parallel_tool_calls", "tools", "response_format"),
}
"""The API's fields, with the fields of a `ChatRequest` from which each is built."""


def build_body(request: ChatRequest, answer_tool: str | None = None, *, keeps_unsigned: bool = False) -> Json:
    """Return the body of a request to `/v1/messages`.

    Args:
        request: The request.
        answer_tool: The name of the tool whose input is the JSON answer, see `json_output.answer_tool_name`; None for
            no such tool.
        keeps_unsigned: See `parts.blocks_of`.

    Raises:
        InvalidRequest: the API cannot express the response format, or the conversation has no text.
    """
    conversation = build_conversation(request.messages, keeps_unsigned=keeps_unsigned)
    fields = _with_called_tools(_built_fields(request, answer_tool), conversation.messages)
    return {
        "model": request.model,
        "messages": conversation.messages,
        "max_tokens": _default_max_tokens(fields),
        "stream": True,
        **drop_none(system=conversation.system),
        **fields,
    }


def build_source_body(
    request: ChatRequest, source: SourceRequest, answer_tool: str | None = None, *, keeps_unsigned: bool = False
) -> Json:
    """Return the body of a request that a client of the same API sent: everything as the client wrote it.

    Fields and messages that were changed since are built anew.

    Args:
        request: The request.
        source: The request as the client sent it.
        answer_tool: See `build_body`.
        keeps_unsigned: See `parts.blocks_of`.

    Raises:
        InvalidRequest: see `build_body`.
    """
    conversation = build_conversation(request.messages, source, keeps_unsigned=keeps_unsigned)
    fields = dict(source.fields)
    if changed := changed_fields(request, source, FIELDS):
        built = _built_fields(request, answer_tool)
        fields |= {name: built.get(name) for name in changed}
    fields["system"] = conversation.system
    # For a field that is known here, null means that it is left out.
    fields = {name: value for name, value in fields.items() if value is not None or name not in {*FIELDS, "system"}}
    fields = _with_called_tools(fields, conversation.messages)
    return {
        "model": request.model,
        "messages": conversation.messages,
        "max_tokens": _default_max_tokens(fields),
        **fields,
        "stream": True,
    }


def has_own_format(request: ChatRequest, source: SourceRequest | None) -> bool:
    """Whether the client itself has asked for the format of the answer, in the API's words."""
    return source is not None and "output_config" not in changed_fields(request, source, FIELDS)


def countable_fields(body: Json) -> Json:
    """Return the fields of a body that `/v1/messages/count_tokens` accepts."""
    return {name: value for name, value in body.items() if name not in _UNCOUNTED_FIELDS}


def _built_fields(request: ChatRequest, answer_tool: str | None) -> Json:
    fields = drop_none(
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        stop_sequences=list(request.stop) or None,
        metadata={"user_id": request.user} if request.user else None,
        **thinking_fields(request),
    )
    if request.tools:
        fields["tools"] = [_tool(tool) for tool in request.tools]
        fields["tool_choice"] = _choice(request.tool_choice or "auto", request.parallel_tool_calls)
    if request.response_format is not None and answer_tool is not None:
        fields["tools"] = [*fields.get("tools", ()), answer_tool_definition(request.response_format, answer_tool)]
        fields["tool_choice"] = answer_tool_choice(request, answer_tool)
    elif request.response_format is not None and wants_json(request):
        fields["output_config"] = {**fields.get("output_config", {}), "format": output_format(request.response_format)}
    return fields


def _with_called_tools(fields: Json, turns: Sequence[Any]) -> Json:
    """Return the fields with the tools that the turns call, which may not be called again, if there are no others.

    The API refuses calls in a conversation without `tools`.
    """
    if fields.get("tools"):
        return fields
    contents = [turn.get("content") for turn in turns if isinstance(turn, dict)]
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    names = dict.fromkeys([
        block.get("name") for block in blocks if isinstance(block, dict) and block.get("type") == "tool_use"
    ])  # fmt: skip
    if not names:
        return fields
    tools = [{"name": name, "input_schema": {"type": "object"}} for name in names]
    return {**fields, "tools": tools, "tool_choice": {"type": "none"}}


def _default_max_tokens(fields: Json) -> int:
    # In this API, `max_tokens` includes the tokens of thinking.
    thinking = fields.get("thinking")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    return DEFAULT_MAX_TOKENS + (budget if isinstance(budget, int) else 0)


def _tool(tool: Tool) -> Json:
    parameters, description = tool.parameters, tool.description
    if isinstance(tool, CustomTool):
        parameters, description = INPUT_SCHEMA, description_with_grammar(description, tool.format)
    definition = drop_none(
        name=tool.name,
        input_schema=parameters or {"type": "object"},
        description=description,
        strict=tool.strict,
    )
    return {**definition, **({"cache_control": tool.cache_control} if tool.cache_control else {})}


def _choice(choice: ToolChoice, parallel: bool | None) -> Json:
    match choice:
        case NamedTool(name):
            tool_choice: Json = {"type": "tool", "name": name}
        case "required":
            tool_choice = {"type": "any"}
        case _:
            tool_choice = {"type": choice}
    if parallel is not None and tool_choice["type"] != "none":
        tool_choice["disable_parallel_tool_use"] = not parallel
    return tool_choice
