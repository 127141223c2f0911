"""Builds the body of a request to the chat completions API. Pure.

For a client of the same API the body is what the client sent, apart from the fields that this service sets. For all
others it is built from the `ChatRequest`: `UNCHANGED_FIELDS`, and the functions below for the other fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from ..chat_request import ChatRequest, CustomTool, Json, NamedTool, ResponseFormat, Tool, ToolChoice
from ..decoding.request_fields import description_with_grammar, drop_none, function_definition, json_schema_fields
from ..reasoning_state import ReasoningState
from ..source_request import SourceRequest, changed_fields, restore_turns
from .chat_messages import MessageBuilder
from .chat_server import ChatServer
from .chat_source_turns import prepared_choice, prepared_message, prepared_tool

UNCHANGED_FIELDS = (
    "temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty", "parallel_tool_calls",
    "reasoning_effort", "verbosity", "user",
)  # fmt: skip
"""Request fields whose names and values are the same in this API."""

SHARED_WITH_RESPONSES = ("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "service_tier")
"""The fields that the Responses API has in common with this one, and a `ChatRequest` does not contain.

Servers other than OpenAI's own receive only the service tier: some of them refuse fields that they do not know.
"""

REBUILT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "tools": ("tools",),
    "tool_choice": ("tool_choice", "tools"),
    "response_format": ("response_format",),
}
"""Request fields that are built anew if an application has changed the fields of the `ChatRequest` beside them."""

_OLDER_NAMES = {"tools": "functions", "tool_choice": "function_call"}

_SET_HERE = frozenset({*UNCHANGED_FIELDS, "max_tokens", "max_completion_tokens", "stop", "stream_options"})


def build_body(
    request: ChatRequest,
    *,
    is_official: bool,
    source: SourceRequest | None = None,
    shared: Mapping[str, Any] = MappingProxyType({}),  # immutable
    states: Mapping[str, ReasoningState] = MappingProxyType({}),
) -> Json:
    """Return the body of a request to `/chat/completions`.

    Args:
        request: The request.
        is_official: Whether OpenAI's own models are served there; see `Address.is_official`.
        source: The request as a client of the same API sent it; None for a request of another protocol.
        shared: The fields of that other protocol which are the same in this one; see `passthrough.shared_fields`.
        states: The states of earlier answers that the server wants back; see `own_states`.
    """
    server = ChatServer(is_official, request.model)
    fields = _sent_fields(request, source, server) if source else _built_fields(request, server, states)
    body: Json = {**fields, **shared, "model": request.model, "stream": True}
    body["stream_options"] = {**_stream_options(source), "include_usage": True}
    if request.max_tokens is not None:
        # OpenAI's newer models accept only the newer name, and most other servers only the older one.
        body["max_completion_tokens" if is_official else "max_tokens"] = request.max_tokens
    if request.stop:
        body["stop"] = _stop(request, source)
    return body


def _stop(request: ChatRequest, source: SourceRequest | None) -> Any:  # noqa: ANN401  # a JSON value
    """Return the texts at which the model stops, as the client sent them unless an application has changed them."""
    sent = source.fields.get("stop") if source else None
    read = (sent,) if isinstance(sent, str) else tuple(sent or ())
    return sent if read == request.stop else list(request.stop)


def _stream_options(source: SourceRequest | None) -> Json:
    options = source.fields.get("stream_options") if source else None
    return drop_none(**options) if isinstance(options, dict) else {}


def _sent_fields(request: ChatRequest, source: SourceRequest, server: ChatServer) -> Json:
    sent = source.fields
    fields: Json = {name: value for name, value in sent.items() if name not in _SET_HERE}
    added = _added_fields(request, source)
    for name in UNCHANGED_FIELDS:
        if (name in sent or name in added) and (value := getattr(request, name)) is not None:
            fields[name] = _as_sent(sent, name, value)
    if isinstance(tools := sent.get("tools"), list):
        fields["tools"] = [prepared_tool(tool, server) for tool in tools]
    if "tool_choice" in sent:
        fields["tool_choice"] = prepared_choice(sent["tool_choice"], server)
    builder = MessageBuilder(server, _custom_names(request, server))
    messages = restore_turns(request.messages, source, builder.build)
    fields["messages"] = [prepared_message(message, server) for message in messages]
    if changed := changed_fields(request, source, REBUILT_FIELDS):
        built = _built_tools_and_format(request, server)
        for name in changed:
            fields.pop(name, None)
            fields.pop(_OLDER_NAMES.get(name, ""), None)
        fields |= {name: built[name] for name in changed if name in built}
    return fields


def _added_fields(request: ChatRequest, source: SourceRequest) -> list[str]:
    """Return the fields that the client did not send and an application has set."""
    added = changed_fields(request, source, {name: (name,) for name in UNCHANGED_FIELDS if name not in source.fields})
    # An effort that was derived from the client's own field for it, which goes on as it came.
    derived = {"reasoning_effort"} if {"thinking", "reasoning"} & source.fields.keys() else set()
    return [name for name in added if name not in derived]


def _as_sent(sent: Mapping[str, Any], name: str, value: Any) -> Any:  # noqa: ANN401  # a JSON value
    """Return a field as the client sent it, with the digits of its number, unless the service has changed it."""
    given = sent.get(name)
    read = msgspec.json.decode(given) if isinstance(given, msgspec.Raw) else given
    return given if read == value else value


def _built_fields(request: ChatRequest, server: ChatServer, states: Mapping[str, ReasoningState]) -> Json:
    custom_names = _custom_names(request, server)
    fields: Json = {"messages": MessageBuilder(server, custom_names, states).build(request.messages)}
    fields |= drop_none(**{name: getattr(request, name) for name in UNCHANGED_FIELDS})
    if request.source is not None and request.source.family == "anthropic":
        fields["reasoning_effort"] = server.effort(request.reasoning_effort)
    return drop_none(**fields, **_built_tools_and_format(request, server))


def _built_tools_and_format(request: ChatRequest, server: ChatServer) -> Json:
    fields: Json = {}
    if request.tools:
        fields["tools"] = [_tool(tool, server) for tool in request.tools]
    if request.tool_choice is not None:
        fields["tool_choice"] = _choice(request.tool_choice, _custom_names(request, server))
    if request.response_format is not None:
        fields["response_format"] = _format(request.response_format)
    return fields


def _custom_names(request: ChatRequest, server: ChatServer) -> set[str]:
    """Return the names of the tools that are sent as custom tools, which only OpenAI's own servers know."""
    return {tool.name for tool in request.tools if isinstance(tool, CustomTool)} if server.is_official else set()


def _tool(tool: Tool, server: ChatServer) -> Json:
    if isinstance(tool, CustomTool) and server.is_official:
        custom = drop_none(name=tool.name, description=tool.description, format=_nested_format(tool.format))
        return {"type": "custom", "custom": custom}
    function = {**function_definition(tool), **drop_none(strict=tool.strict)}
    if isinstance(tool, CustomTool) and (description := description_with_grammar(tool.description, tool.format)):
        function["description"] = description
    return {"type": "function", "function": function}


def _nested_format(tool_format: Json | None) -> Json | None:
    """Return a custom tool's format in the form of this API, which has an object for the grammar."""
    if tool_format is None or tool_format.get("type") != "grammar":
        return tool_format
    return {"type": "grammar", "grammar": {name: value for name, value in tool_format.items() if name != "type"}}


def _choice(choice: ToolChoice, custom_names: set[str]) -> str | Json:
    if isinstance(choice, NamedTool):
        kind = "custom" if choice.name in custom_names else "function"
        return {"type": kind, kind: {"name": choice.name}}
    return choice


def _format(response_format: ResponseFormat) -> Json:
    if response_format.schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": json_schema_fields(response_format)}
