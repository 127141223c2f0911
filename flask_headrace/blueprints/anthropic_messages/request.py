"""Turns the body of a Messages API request into a `ChatRequest`. Pure.

A field that would change the answer and is not supported is rejected; the error names its path.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ...core.errors import InvalidRequest
from ...providers.chat_request import (
    ChatRequest,
    ImagePart,
    Json,
    Message,
    NamedTool,
    Part,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)
from ..http.request_body import format_validation_error
from .body import (
    BLOCK_TYPES_BY_ROLE,
    Base64ImageSource,
    ContentBlock,
    CustomTool,
    ImageBlock,
    MessageParam,
    MessagesBody,
    OutputConfig,
    RedactedThinkingBlock,
    Role,
    TextBlock,
    ThinkingBlock,
    ToolChoiceParam,
    ToolResultBlock,
    ToolUseBlock,
    URLImageSource,
)


def to_chat_request(body: MessagesBody) -> ChatRequest:
    """Return the `ChatRequest` of a body, without the model, which `open_stream` resolves.

    Raises:
        InvalidRequest: the body has a block, a tool or a value that is not supported; the message names its path.
    """
    choice, output = body.tool_choice, body.output_config or OutputConfig()
    return ChatRequest(
        model="",
        messages=_to_messages(body),
        max_tokens=body.max_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        stop=tuple(body.stop_sequences or ()),
        tools=tuple(_to_tool(tool, f"tools[{number}]") for number, tool in enumerate(body.tools or ())),
        tool_choice=None if choice is None else _to_tool_choice(choice),
        parallel_tool_calls=False if choice is not None and choice.disable_parallel_tool_use else None,
        response_format=None if output.format is None else ResponseFormat(output.format.schema),
        reasoning_effort=output.effort,
        thinking=body.thinking,
        user=body.metadata.user_id if body.metadata else None,
    )


def _to_messages(body: MessagesBody) -> tuple[Message, ...]:
    messages = [
        message for index, param in enumerate(body.messages) for message in _split_message(param, f"messages[{index}]")
    ]
    if body.cache_control is not None and messages:
        messages[-1] = _with_cache_control(messages[-1], body.cache_control)
    if body.system and messages:
        messages.insert(0, Message("system", _system_content(body.system)))
    return tuple(messages)


def _system_content(system: str | list[Json]) -> str | tuple[Part, ...]:
    return system if isinstance(system, str) else _to_parts(system, "system", BLOCK_TYPES_BY_ROLE["system"])


def _split_message(message: MessageParam, path: str) -> Iterator[Message]:
    if isinstance(message.content, str):
        yield Message(message.role, message.content)
        return
    rule = f"in a message of {message.role!r}", BLOCK_TYPES_BY_ROLE[message.role]
    blocks = [_to_block(block, f"{path}.content[{index}]", *rule) for index, block in enumerate(message.content)]
    if message.role == "assistant":
        calls = tuple(
            ToolCall(block.id, block.name, block.input, block.cache_control)
            for block in blocks
            if isinstance(block, ToolUseBlock)
        )
        yield Message(
            "assistant", tuple(_to_part(block) for block in blocks if not isinstance(block, ToolUseBlock)), calls
        )
    else:
        yield from _split_tool_results(message.role, blocks, path)


def _split_tool_results(role: Role, blocks: list[ContentBlock], path: str) -> Iterator[Message]:
    # Anthropic's tool results are blocks of a user message; those of a `ChatRequest` are messages of their own.
    parts: list[Part] = []
    for number, block in enumerate(blocks):
        if not isinstance(block, ToolResultBlock):
            parts.append(_to_part(block))
            continue
        if parts:
            yield Message(role, tuple(parts))
            parts = []
        yield _to_tool_message(block, f"{path}.content[{number}].content")
    if parts or not blocks:
        yield Message(role, tuple(parts))


def _to_tool_message(block: ToolResultBlock, path: str) -> Message:
    content = block.content if isinstance(block.content, str) else _to_parts(block.content, path, ("text", "image"))
    result = Message("tool", content, tool_call_id=block.tool_use_id, is_error=block.is_error)
    return result if block.cache_control is None else _with_cache_control(result, block.cache_control)


def _with_cache_control(message: Message, cache_control: Json) -> Message:
    """Return `message` with a cache breakpoint at its last part or call, unless that has one or cannot have one."""
    if message.tool_calls:
        *others, call = message.tool_calls
        call = msgspec.structs.replace(call, cache_control=call.cache_control or cache_control)
        return msgspec.structs.replace(message, tool_calls=(*others, call))
    match message.parts():
        case (*before, TextPart() | ImagePart() as last):
            last = msgspec.structs.replace(last, cache_control=last.cache_control or cache_control)
            return msgspec.structs.replace(message, content=(*before, last))
        case _:
            return message


def _to_parts(blocks: list[Json], path: str, allowed_types: tuple[str, ...]) -> tuple[Part, ...]:
    return tuple(
        _to_part(_to_block(block, f"{path}[{number}]", "here", allowed_types)) for number, block in enumerate(blocks)
    )


def _to_part(block: ContentBlock) -> Part:
    match block:
        case TextBlock(text, cache_control):
            return TextPart(text, cache_control)
        case ImageBlock(Base64ImageSource(media_type, data), cache_control):
            return ImagePart(f"data:{media_type};base64,{data}", cache_control=cache_control)
        case ImageBlock(URLImageSource(url), cache_control):
            return ImagePart(url, cache_control=cache_control)
        case ThinkingBlock(thinking, signature):
            return ReasoningPart(thinking, signature or None)
        case RedactedThinkingBlock(data):
            return ReasoningPart("", data, is_redacted=True)
        case _:
            raise TypeError(f"not a content part: {block!r:.200}")


def _to_tool(value: Json, path: str) -> Tool:
    if (block_type := value.get("type")) not in (None, "custom"):
        raise InvalidRequest(
            f"{path} is of type {block_type!r:.100}, a server tool: only tools with a name and an "
            "input_schema are supported."
        )
    tool: CustomTool = _convert(value, CustomTool, path)
    return Tool(tool.name, tool.description, tool.input_schema, tool.strict, tool.cache_control)


def _to_tool_choice(choice: ToolChoiceParam) -> ToolChoice:
    match choice.type:
        case "any":
            return "required"
        case "tool":
            if choice.name is None:
                raise InvalidRequest("tool_choice is of type 'tool' and has no name: add the tool's name.")
            return NamedTool(choice.name)
        case same:
            return same


def _to_block(value: Json, path: str, context: str, allowed_types: tuple[str, ...]) -> ContentBlock:
    if (block_type := value.get("type")) not in allowed_types:
        raise InvalidRequest(
            f"{path} is of type {block_type!r:.100}: {context} it must be one of {', '.join(allowed_types)}."
        )
    block: ContentBlock = _convert(value, ContentBlock, path)
    return block


def _convert(value: Json, block_type: Any, path: str) -> Any:  # noqa: ANN401  # a type, and a value of it
    try:
        return msgspec.convert(value, block_type)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{path} is invalid: {format_validation_error(error, block_type)}.") from None
