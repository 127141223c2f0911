"""Turns the body of a Messages API request into a `ChatRequest`. Pure.

The `ChatRequest` contains what all providers understand; its `source` is the request as it was sent, for Anthropic's
models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ...core.errors import InvalidRequest
from ...providers.chat_request import ChatRequest, Json, Message, NamedTool, ResponseFormat, Tool, ToolChoice
from ...providers.source_request import SourceTurn
from ..http.protocol_headers import pick_protocol_headers
from ..http.request_body import convert
from .body import CustomTool, MessagesBody, OutputConfig, ToolChoiceParam
from .messages import split_message, system_content, with_cache_control
from .untranslated import Untranslated, own_fields_removed

HEADERS = ("anthropic-beta", "anthropic-version")
"""The request headers that belong to the protocol: Anthropic's models receive them."""

SYSTEM_TURNS_BETA = "mid-conversation-system"
"""The feature in `anthropic-beta` with which a conversation may have system messages."""


def to_chat_request(body: MessagesBody, fields: Json, headers: Mapping[str, str]) -> ChatRequest:
    """Return the `ChatRequest` of a body, without the model, which `open_stream` resolves.

    Args:
        body: The body.
        fields: All fields of the body as the client sent them.
        headers: The headers of the request, by their names in any case.

    Raises:
        InvalidRequest: the body has a block, a tool or a value that is invalid; the message names its path.
        ThreadsNotSupported: the request asks for a conversation that the provider keeps.
    """
    untranslated = Untranslated()
    untranslated.add_fields(fields)
    sent_headers = pick_protocol_headers(headers, HEADERS)
    takes_system_turns = SYSTEM_TURNS_BETA in dict(sent_headers).get("anthropic-beta", "")
    turns = _read_turns(body, fields, untranslated)
    tools = _to_tools(body.tools or [], untranslated)
    choice, output = body.tool_choice, body.output_config or OutputConfig()
    converted = ChatRequest(
        model="",
        messages=tuple(message for turn in turns for message in turn.messages),
        max_tokens=body.max_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        stop=tuple(body.stop_sequences or ()),
        tools=tools,
        tool_choice=None if choice is None else _to_tool_choice(choice, tools, body.tools or [], untranslated),
        parallel_tool_calls=False if choice is not None and choice.disable_parallel_tool_use else None,
        response_format=None if output.format is None else ResponseFormat(output.format.schema),
        reasoning_effort=output.effort,
        thinking=body.thinking,
        user=body.metadata.user_id if body.metadata else None,
    )
    kept = [turn for turn in turns if takes_system_turns or not _is_system_message(turn)]
    source = untranslated.source_request("anthropic", own_fields_removed(fields), kept, sent_headers, converted)
    return msgspec.structs.replace(converted, source=source)


def _without_null_results(sent: Json) -> Json:
    # Tools that return nothing: the API takes a result without content, and may refuse one whose content is null.
    blocks = sent["content"]
    if not isinstance(blocks, list) or not any(_is_null_result(block) for block in blocks):
        return sent
    kept = [
        {name: value for name, value in block.items() if value is not None} if _is_null_result(block) else block
        for block in blocks
    ]
    return {**sent, "content": kept}


def _is_null_result(block: Any) -> bool:  # noqa: ANN401  # any JSON
    return isinstance(block, dict) and block.get("type") == "tool_result" and block.get("content", "") is None


def _is_system_message(turn: SourceTurn) -> bool:
    return bool(turn.values) and turn.messages[0].role == "system"


def _read_turns(body: MessagesBody, fields: Json, untranslated: Untranslated) -> list[SourceTurn]:
    # The system prompt is a turn without values: it is one of the request's fields.
    turns: list[SourceTurn] = []
    for number, (message, sent) in enumerate(zip(body.messages, fields["messages"], strict=True)):
        path = f"messages[{number}]"
        untranslated.add_message_fields(sent, path)
        messages = list(split_message(message, path, untranslated))
        if number == len(body.messages) - 1 and body.cache_control is not None:
            messages[-1] = with_cache_control(messages[-1], body.cache_control)
        turns.append(SourceTurn((_without_null_results(sent),), tuple(messages)))
    if body.system and turns:
        turns.insert(0, SourceTurn((), (Message("system", system_content(body.system, untranslated)),)))
    return turns


def _to_tools(values: list[Json], untranslated: Untranslated) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    for number, value in enumerate(values):
        path = f"tools[{number}]"
        if (tool_type := value.get("type")) in (None, "custom"):
            tool: CustomTool = convert(value, CustomTool, path)
            tools.append(Tool(tool.name, tool.description, tool.input_schema, tool.strict, tool.cache_control))
            untranslated.add_tool_fields(value, path)
        elif isinstance(tool_type, str):
            untranslated.add_tool(value, path)
        else:
            raise InvalidRequest(f"{path} is of type {tool_type!r:.100}: a type is a text, such as 'custom'.")
    return tuple(tools)


def _to_tool_choice(
    choice: ToolChoiceParam, tools: tuple[Tool, ...], sent: list[Json], untranslated: Untranslated
) -> ToolChoice | None:
    read = {tool.name for tool in tools}
    names = (tool.get("name") for tool in sent)
    left_out = {name for name in names if isinstance(name, str) and name not in read}
    if choice.type == "tool" and choice.name is None:
        raise InvalidRequest("tool_choice is of type 'tool' and has no name: add the tool's name.")
    if choice.name in left_out if choice.type == "tool" else choice.type == "any" and sent and not tools:
        untranslated.add_unread("tool_choice")
        return None
    match choice.type:
        case "any":
            return "required"
        case "tool":
            return NamedTool(choice.name or "")
        case same:
            return same
