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
from ...providers.source_request import SourceRequest, SourceTurn
from .body import CustomTool, MessagesBody, OutputConfig, ToolChoiceParam
from .leftovers import MAX_NAMES, Leftovers, own_fields_removed
from .messages import convert, split_message, system_content, with_cache_control

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
    leftovers = Leftovers()
    leftovers.add_fields(fields)
    sent_headers = _protocol_headers(headers)
    takes_system_turns = SYSTEM_TURNS_BETA in dict(sent_headers).get("anthropic-beta", "")
    turns = _read_turns(body, fields, leftovers)
    tools = _to_tools(body.tools or [], leftovers)
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
        tool_choice=None if choice is None else _to_tool_choice(choice, tools, body.tools or [], leftovers),
        parallel_tool_calls=False if choice is not None and choice.disable_parallel_tool_use else None,
        response_format=None if output.format is None else ResponseFormat(output.format.schema),
        reasoning_effort=output.effort,
        thinking=body.thinking,
        user=body.metadata.user_id if body.metadata else None,
    )
    source = SourceRequest(
        family="anthropic",
        fields=own_fields_removed(fields),
        turns=tuple(turn for turn in turns if takes_system_turns or not _is_system_message(turn)),
        headers=sent_headers,
        unread=tuple(leftovers.unread[:MAX_NAMES]),
        essential=tuple(leftovers.essential[:MAX_NAMES]),
        state=tuple(leftovers.state[:MAX_NAMES]),
        converted=converted,
    )
    return msgspec.structs.replace(converted, source=source)


def _protocol_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    lower = {name.lower(): value for name, value in headers.items()}
    sent = [(name, value) for name in HEADERS if (value := lower.get(name))]
    for name, value in sent:
        if not (value.isascii() and value.isprintable()):
            raise InvalidRequest(f"The header {name} is {value!r:.100}: it may have printable ASCII characters alone.")
    return tuple(sent)


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


def _read_turns(body: MessagesBody, fields: Json, leftovers: Leftovers) -> list[SourceTurn]:
    # The system prompt is a turn without values: it is one of the request's fields.
    turns: list[SourceTurn] = []
    for number, (message, sent) in enumerate(zip(body.messages, fields["messages"], strict=True)):
        path = f"messages[{number}]"
        leftovers.add_message_fields(sent, path)
        messages = list(split_message(message, path, leftovers))
        if number == len(body.messages) - 1 and body.cache_control is not None:
            messages[-1] = with_cache_control(messages[-1], body.cache_control)
        turns.append(SourceTurn((_without_null_results(sent),), tuple(messages)))
    if body.system and turns:
        turns.insert(0, SourceTurn((), (Message("system", system_content(body.system, leftovers)),)))
    return turns


def _to_tools(values: list[Json], leftovers: Leftovers) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    for number, value in enumerate(values):
        path = f"tools[{number}]"
        if (tool_type := value.get("type")) in (None, "custom"):
            tool: CustomTool = convert(value, CustomTool, path)
            tools.append(Tool(tool.name, tool.description, tool.input_schema, tool.strict, tool.cache_control))
            leftovers.add_tool_fields(value, path)
        elif isinstance(tool_type, str):
            leftovers.add_tool(value, path)
        else:
            raise InvalidRequest(f"{path} is of type {tool_type!r:.100}: a type is a text, such as 'custom'.")
    return tuple(tools)


def _to_tool_choice(
    choice: ToolChoiceParam, tools: tuple[Tool, ...], sent: list[Json], leftovers: Leftovers
) -> ToolChoice | None:
    read = {tool.name for tool in tools}
    names = (tool.get("name") for tool in sent)
    left_out = {name for name in names if isinstance(name, str) and name not in read}
    if choice.type == "tool" and choice.name is None:
        raise InvalidRequest("tool_choice is of type 'tool' and has no name: add the tool's name.")
    if choice.name in left_out if choice.type == "tool" else choice.type == "any" and sent and not tools:
        leftovers.unread.append("tool_choice")
        return None
    match choice.type:
        case "any":
            return "required"
        case "tool":
            return NamedTool(choice.name or "")
        case same:
            return same
