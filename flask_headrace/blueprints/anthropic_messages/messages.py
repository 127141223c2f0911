"""Turns the conversation of a Messages API request into the messages of a `ChatRequest`. Pure.

Anthropic's tool results are blocks of a user's message; those of a `ChatRequest` are messages of their own. Blocks that
are not read are named in `Untranslated`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ...providers.chat_request import (
    FilePart,
    ImagePart,
    Json,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCall,
)
from ..http.request_body import convert
from .body import (
    BLOCK_TYPES_BY_ROLE,
    BLOCKS,
    RESULT_BLOCK_TYPES,
    SOURCE_TYPES,
    AnthropicMessageParam,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    RedactedThinkingBlock,
    SearchResultBlock,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
)
from .documents import document_parts, image_part, search_result_parts
from .untranslated import Untranslated


def split_message(message: AnthropicMessageParam, path: str, untranslated: Untranslated) -> Iterator[Message]:
    """Yield the messages of a `ChatRequest` that one message becomes.

    Args:
        message: The message.
        path: Its path, for errors.
        untranslated: Receives what is not read.

    Raises:
        InvalidRequest: a block that is read is invalid; the error names its path.
    """
    if isinstance(message.content, str):
        yield Message(message.role, message.content)
        return
    types, is_question = BLOCK_TYPES_BY_ROLE[message.role], message.role == "user"
    blocks = _read_blocks(message.content, f"{path}.content", types, untranslated, is_question=is_question)
    if message.role == "assistant":
        yield _to_answer([block for _, block in blocks])
        return
    parts: list[Part] = []
    for block_path, block in blocks:
        if not isinstance(block, ToolResultBlock):
            parts += _to_parts(block, block_path, untranslated, is_question=is_question)
            continue
        if parts:
            yield Message(message.role, tuple(parts))
            parts = []
        yield _to_tool_message(block, block_path, untranslated)
    if parts or not any(isinstance(block, ToolResultBlock) for _, block in blocks):
        yield Message(message.role, tuple(parts))


def system_content(system: str | list[Json], untranslated: Untranslated) -> str | tuple[Part, ...]:
    """Return the system prompt as the content of a message; see `split_message`."""
    if isinstance(system, str):
        return system
    return _parts_of(system, "system", BLOCK_TYPES_BY_ROLE["system"], untranslated, is_question=True)


def with_cache_control(message: Message, cache_control: Json) -> Message:
    """Return `message` with a cache breakpoint at its last part or call, unless that has one or cannot have one."""
    if message.tool_calls:
        *others, call = message.tool_calls
        call = msgspec.structs.replace(call, cache_control=call.cache_control or cache_control)
        return msgspec.structs.replace(message, tool_calls=(*others, call))
    match message.parts():
        case (*before, TextPart() | ImagePart() | FilePart() as last):
            last = msgspec.structs.replace(last, cache_control=last.cache_control or cache_control)
            return msgspec.structs.replace(message, content=(*before, last))
        case _:
            return message


def _to_answer(blocks: list[ContentBlock]) -> Message:
    calls = tuple(
        ToolCall(block.id, block.name, block.input, block.cache_control)
        for block in blocks
        if isinstance(block, ToolUseBlock)
    )
    parts: list[Part] = []
    for block in blocks:
        match block:
            case TextBlock(text, cache_control):
                parts.append(TextPart(text, cache_control))
            case ThinkingBlock(thinking, signature):
                parts.append(ReasoningPart(thinking, signature or None))
            case RedactedThinkingBlock(data):
                parts.append(ReasoningPart("", data, is_redacted=True))
    return Message("assistant", tuple(parts), calls)


def _to_tool_message(block: ToolResultBlock, path: str, untranslated: Untranslated) -> Message:
    content: str | tuple[Part, ...] = block.content if isinstance(block.content, str) else ""
    if isinstance(block.content, list):
        content = _parts_of(block.content, f"{path}.content", RESULT_BLOCK_TYPES, untranslated, is_question=False)
    result = Message("tool", content, tool_call_id=block.tool_use_id, is_error=bool(block.is_error))
    return result if block.cache_control is None else with_cache_control(result, block.cache_control)


def _to_parts(block: ContentBlock, path: str, untranslated: Untranslated, *, is_question: bool) -> tuple[Part, ...]:
    def read_blocks(blocks: list[Json]) -> tuple[Part, ...]:
        return _parts_of(blocks, f"{path}.content", frozenset({"text", "image"}), untranslated, is_question=is_question)

    match block:
        case TextBlock(text, cache_control):
            return (TextPart(text, cache_control),)
        case ImageBlock():
            return (image_part(block),)
        case DocumentBlock():
            return document_parts(block, read_blocks)
        case SearchResultBlock():
            return search_result_parts(block, read_blocks)
        case _:
            raise TypeError(f"not a content part: {block!r:.200}")


def _parts_of(
    blocks: list[Json], path: str, types: frozenset[str], untranslated: Untranslated, *, is_question: bool
) -> tuple[Part, ...]:
    read = _read_blocks(blocks, path, types, untranslated, is_question=is_question)
    return tuple(
        part for inner, block in read for part in _to_parts(block, inner, untranslated, is_question=is_question)
    )


def _read_blocks(
    blocks: list[Json], path: str, types: frozenset[str], untranslated: Untranslated, *, is_question: bool
) -> list[tuple[str, ContentBlock]]:
    read: list[tuple[str, ContentBlock]] = []
    for number, block in enumerate(blocks):
        here = f"{path}[{number}]"
        block_type = block.get("type")
        if not isinstance(block_type, str) or block_type not in types or _has_unknown_source(block):
            untranslated.add_block(block, here, is_question=is_question)
            continue
        read.append((here, convert(block, BLOCKS[block_type], here)))
        untranslated.add_block_fields(block, here)
    return read


def _has_unknown_source(block: Json) -> bool:
    source, known = block.get("source"), SOURCE_TYPES.get(block["type"])
    if known is None or not isinstance(source, dict):
        return False
    source_type = source.get("type")
    return isinstance(source_type, str) and source_type not in known
