"""Prepares the messages of a client of chat completions for a server of the same protocol. Pure.

They go on as the client sent them, apart from what SDKs add to an answer and servers refuse in a request.
"""

from __future__ import annotations

from typing import Any

from ...core.custom_tool_input import INPUT_SCHEMA
from ..chat_request import Json
from ..decoding.request_fields import description_with_grammar, drop_none
from .chat_custom_calls import whole_input
from .chat_server import ChatServer

_RESPONSE_FIELDS = frozenset({"parsed"})
"""Fields that OpenAI's SDKs add to the messages of answers, and no server knows."""

_SAYING_FIELDS = frozenset({"tool_calls", "function_call", "refusal", "audio"})
"""Fields beside which the text of an answer may be null."""

_REASONING_FIELDS = frozenset({
    "reasoning", "reasoning_content", "reasoning_details", "reasoning_text", "thinking_blocks",
})  # fmt: skip
"""Fields with the reasoning of earlier answers, which OpenAI's own servers do not have."""


def prepared_message(message: Json, server: ChatServer) -> Json:
    """Return a message for a server of chat completions.

    Args:
        message: The message as the client sent it.
        server: The server.
    """
    left_out = _RESPONSE_FIELDS | _REASONING_FIELDS if server.is_official else _RESPONSE_FIELDS
    fields = {
        name: value
        for name, value in message.items()
        if name not in left_out and (value is not None or name == "content")
    }
    if fields.get("tool_calls") == []:
        del fields["tool_calls"]  # OpenAI refuses an empty list
    if fields.get("content") is None and fields.get("role") == "assistant" and not _SAYING_FIELDS.intersection(fields):
        fields["content"] = ""  # of an answer that was stopped before its first word: OpenAI refuses null
    if not server.is_official:
        _add_reasoning(fields)
    if isinstance(calls := fields.get("tool_calls"), list):
        fields["tool_calls"] = [_prepared_call(call, server) for call in calls]
    if isinstance(call_id := fields.get("tool_call_id"), str):
        fields["tool_call_id"] = server.call_id(call_id)
    if server.is_official and isinstance(content := fields.get("content"), list):
        fields["content"] = [_without_cache_control(part) for part in content]
    return fields


def prepared_tool(tool: Json, server: ChatServer) -> Json:
    """Return a tool for a server: only OpenAI's own servers know custom tools."""
    if server.is_official:
        return _without_cache_control(tool)
    if tool.get("type") != "custom":
        return tool
    custom = tool["custom"]
    grammar = (custom.get("format") or {}).get("grammar")
    description = description_with_grammar(custom.get("description"), grammar)
    return {
        "type": "function",
        "function": drop_none(name=custom["name"], description=description, parameters=INPUT_SCHEMA),
    }


def prepared_choice(choice: Any, server: ChatServer) -> Any:  # noqa: ANN401  # a JSON value
    """Return a tool choice for a server: only OpenAI's own servers know custom tools."""
    if server.is_official or not isinstance(choice, dict):
        return choice
    if choice.get("type") == "custom":
        return {"type": "function", "function": choice["custom"]}
    if choice.get("type") == "allowed_tools":
        allowed = choice["allowed_tools"]
        return {**choice, "allowed_tools": {**allowed, "tools": [_as_function(tool) for tool in allowed["tools"]]}}
    return choice


def _without_cache_control(value: Json) -> Json:
    """Return a part or a tool without the hint for Anthropic's prompt cache, which OpenAI's own servers refuse."""
    return {name: inner for name, inner in value.items() if name != "cache_control"}


def _as_function(tool: Json) -> Json:
    return {"type": "function", "function": tool["custom"]} if tool.get("custom") else tool


def _add_reasoning(message: Json) -> None:
    # Servers that refuse a turn without its reasoning know it by this name.
    if "reasoning_content" in message or "reasoning_details" in message:
        return
    reasoning, blocks = message.get("reasoning"), message.get("thinking_blocks")
    if not isinstance(reasoning, str):
        objects = [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
        thoughts = [block.get("thinking") for block in objects]
        reasoning = "".join([thought for thought in thoughts if isinstance(thought, str)])
    if reasoning:
        message["reasoning_content"] = reasoning


def _prepared_call(call: Json, server: ChatServer) -> Json:
    fields = {name: value for name, value in call.items() if name != "index" and value is not None}
    fields["id"] = server.call_id(call["id"])
    if isinstance(function := fields.get("function"), dict):
        fields["function"] = {name: value for name, value in function.items() if name != "parsed_arguments"}
    if not server.is_official and (custom := fields.pop("custom", None)) is not None:
        function = {"name": custom["name"], "arguments": whole_input(custom.get("input", ""))}
        fields |= {"type": "function", "function": function}
    return fields
