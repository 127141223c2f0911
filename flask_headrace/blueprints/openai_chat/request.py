"""Turns the body of a chat completion request into a `ChatRequest`.

This module knows OpenAI's fields, and which of them every provider understands. The others travel along in
`ChatRequest.source`. It does not know models or providers. Pure.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ...core.custom_tool_input import INPUT_SCHEMA
from ...core.errors import InvalidRequest
from ...providers.chat_request import ChatRequest, CustomTool, Json, NamedTool, ResponseFormat, Tool, ToolChoice
from ...providers.source_request import SourceTurn
from ..http.request_body import convert
from ..openai_shared.body import FunctionDefinition, TextFormat
from .body import (
    RESPONSE_FORMATS,
    TOOL_CHOICES,
    TOOLS,
    AllowedTools,
    AllowedToolsChoice,
    ChatCompletionBody,
    FunctionTool,
    JSONSchemaFormat,
    NamedCustomChoice,
    NamedFunctionChoice,
)
from .messages import MessageReader
from .untranslated import SERVICE_FIELDS, Untranslated


def to_chat_request(body: ChatCompletionBody, fields: Json, headers: tuple[tuple[str, str], ...] = ()) -> ChatRequest:
    """Return the `ChatRequest` of a body, without the model, which `open_stream` resolves.

    Args:
        body: The body.
        fields: The body's JSON object as the client sent it.
        headers: The request's headers that belong to the protocol.

    Raises:
        InvalidRequest: the body has a value that is not supported; the message names the field.
    """
    _reject_unsupported(body)
    untranslated = Untranslated()
    untranslated.add_fields(fields)
    turns = _to_turns(body, fields["messages"], untranslated)
    tools = _to_tools(body, untranslated)
    tools, tool_choice = _to_tool_choice(body, tools, untranslated)
    response_format = _to_response_format(body.response_format, untranslated)
    if body.modalities not in (None, ["text"]):
        untranslated.add_essential("modalities")
    converted = ChatRequest(
        model="",
        messages=tuple([message for turn in turns for message in turn.messages]),
        max_tokens=_max_tokens(body),
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        stop=(body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ()),
        seed=body.seed,
        # Many clients always send the default, 0, and some providers do not know these fields.
        frequency_penalty=body.frequency_penalty or None,
        presence_penalty=body.presence_penalty or None,
        tools=tools,
        tool_choice=tool_choice,
        # The older API's answers have one call.
        parallel_tool_calls=False if body.functions else body.parallel_tool_calls,
        response_format=response_format,
        reasoning_effort=body.reasoning_effort or _to_effort(body.reasoning, untranslated),
        thinking=_to_thinking(body.thinking, untranslated),
        verbosity=body.verbosity,
        user=body.user or body.safety_identifier,
    )
    source = untranslated.source_request("openai-chat", _provider_fields(fields), turns, headers, converted)
    return msgspec.structs.replace(converted, source=source)


def custom_tool_names(request: ChatRequest) -> list[str]:
    """Return the names of the tools that the client knows as custom tools."""
    return [tool.name for tool in request.tools if isinstance(tool, CustomTool)]


def _reject_unsupported(body: ChatCompletionBody) -> None:
    if body.n not in (None, 1):
        raise InvalidRequest(f"n is {body.n!r:.100}, which is not supported here: send one request per answer.")
    if "audio" in (body.modalities or ()):
        raise InvalidRequest(f"modalities is {body.modalities!r:.100}: answers have no audio here, so omit 'audio'.")


def _provider_fields(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if name not in SERVICE_FIELDS and value is not None}


def _to_turns(body: ChatCompletionBody, values: list[Json], untranslated: Untranslated) -> list[SourceTurn]:
    reader, turns = MessageReader(untranslated), []
    for number, (message, value) in enumerate(zip(body.messages, values, strict=True)):
        path = f"messages[{number}]"
        turns.append(SourceTurn((value,), (reader.read(message, path),)))
        untranslated.add_message(value, path)
    return turns


def _max_tokens(body: ChatCompletionBody) -> int | None:
    newer, older = body.max_completion_tokens, body.max_tokens
    if newer is not None and older is not None and newer != older:
        raise InvalidRequest(f"max_completion_tokens is {newer} and max_tokens is {older}: give one of them.")
    return older if newer is None else newer


def _to_effort(reasoning: Any, untranslated: Untranslated) -> str | None:  # noqa: ANN401  # any JSON
    """Return the effort in OpenRouter's form of it."""
    match reasoning:
        case None:
            return None
        case {"effort": str(effort)}:
            return effort
        case _:
            untranslated.add_unread("reasoning")
            return None


def _to_thinking(thinking: Any, untranslated: Untranslated) -> Json | None:  # noqa: ANN401  # any JSON
    """Return Anthropic's `thinking`. Some servers of this protocol have a field of this name with other contents."""
    match thinking:
        case None:
            return None
        case {"type": "enabled", "budget_tokens": int()} | {"type": "adaptive" | "disabled"}:
            return dict(thinking)
        case _:
            untranslated.add_unread("thinking")
            return None


def _to_tools(body: ChatCompletionBody, untranslated: Untranslated) -> tuple[Tool, ...]:
    tools = [_function_tool(function) for function in body.functions or ()]
    for number, value in enumerate(body.tools or ()):
        path, tool_type = f"tools[{number}]", value.get("type", "function")
        known = TOOLS.get(tool_type) if isinstance(tool_type, str) else None
        if known is None:
            untranslated.add_unread(f"{path} ({tool_type!s:.40})")
            untranslated.add_states(value, path)
            continue
        tool = convert(value, known, path)
        if isinstance(tool, FunctionTool):
            tools.append(_function_tool(tool.function, tool.cache_control))
        else:
            custom = tool.custom
            tools.append(CustomTool(custom.name, custom.description, INPUT_SCHEMA, format=_flat_format(custom.format)))
    return tuple(tools)


def _function_tool(function: FunctionDefinition, cache_control: Json | None = None) -> Tool:
    return Tool(function.name, function.description, function.parameters or {}, function.strict, cache_control)


def _flat_format(custom_format: Json | None) -> Json | None:
    """Return a custom tool's format as the Responses API has it: the grammar's fields stand beside the type."""
    grammar = (custom_format or {}).get("grammar")
    return {"type": "grammar", **grammar} if isinstance(grammar, dict) else custom_format


def _to_tool_choice(
    body: ChatCompletionBody, tools: tuple[Tool, ...], untranslated: Untranslated
) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    """Return the tools that the model may call, and which of them it calls."""
    sent = body.tool_choice if body.tool_choice is not None else _older_choice(body)
    if sent is None or isinstance(sent, str):
        is_left_out = sent == "required" and not tools and bool(body.tools)
        if is_left_out:
            untranslated.add_unread("tool_choice")
        return tools, None if is_left_out else sent
    if (known := TOOL_CHOICES.get(str(sent.get("type")))) is None:
        untranslated.add_unread(f"tool_choice ({sent.get('type')!s:.40})")
        return tools, None
    match convert(sent, known, "tool_choice"):
        case AllowedToolsChoice(allowed):
            return _allowed_tools(allowed, tools), allowed.mode
        case NamedFunctionChoice(named) | NamedCustomChoice(named):
            return tools, NamedTool(named.name)
    return tools, None


def _allowed_tools(allowed: AllowedTools, tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    names = {named.name for tool in allowed.tools if (named := tool.function or tool.custom) is not None}
    return tuple([tool for tool in tools if tool.name in names])


def _older_choice(body: ChatCompletionBody) -> Literal["auto", "none"] | Json | None:
    choice = body.function_call
    if choice is None or not body.functions:
        return None
    return choice if isinstance(choice, str) else {"type": "function", "function": {"name": choice.name}}


def _to_response_format(sent: Json | None, untranslated: Untranslated) -> ResponseFormat | None:
    if sent is None:
        return None
    if (known := RESPONSE_FORMATS.get(str(sent.get("type")))) is None:
        untranslated.add_essential(f"response_format ({sent.get('type')!s:.40})")
        return None
    match convert(sent, known, "response_format"):
        case JSONSchemaFormat(definition):
            return ResponseFormat(definition.schema, definition.name, definition.strict, definition.description)
        case TextFormat():
            return None
        case _:
            return ResponseFormat(None)
