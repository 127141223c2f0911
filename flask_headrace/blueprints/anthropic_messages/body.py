"""The body of a Messages API request in Anthropic's form. Values only.

The types are open: fields, blocks and tools that they do not name are no error. `request.py` says what becomes of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from ...providers.chat_request import Json

Role: TypeAlias = Literal["user", "assistant", "system"]


class _Block(msgspec.Struct, frozen=True, tag_field="type"):
    """Base class of content blocks. Unknown fields are ignored."""


class TextBlock(_Block, frozen=True, tag="text"):
    """A text block."""

    text: str
    cache_control: Json | None = None


class Base64Source(_Block, frozen=True, tag="base64"):
    """The data of an image or a document, in base64."""

    media_type: str
    data: str


class URLSource(_Block, frozen=True, tag="url"):
    """The URL of an image or a document."""

    url: str


class TextSource(_Block, frozen=True, tag="text"):
    """The text of a document."""

    data: str
    media_type: str = "text/plain"


class ContentSource(_Block, frozen=True, tag="content"):
    """The content of a document: text, or blocks of text and images."""

    content: str | list[Json]


class ImageBlock(_Block, frozen=True, tag="image"):
    """An image block."""

    source: Base64Source | URLSource
    cache_control: Json | None = None


class DocumentBlock(_Block, frozen=True, tag="document"):
    """A document, such as a PDF, with its title and what else the model is told about it."""

    source: Base64Source | URLSource | TextSource | ContentSource
    title: str | None = None
    context: str | None = None
    cache_control: Json | None = None


class SearchResultBlock(_Block, frozen=True, tag="search_result"):
    """A result of the application's own search: its text, title and address."""

    source: str
    title: str
    content: list[Json]
    cache_control: Json | None = None


class ToolUseBlock(_Block, frozen=True, tag="tool_use"):
    """A tool call in an earlier answer."""

    id: str
    name: str
    input: Json
    cache_control: Json | None = None


class ToolResultBlock(_Block, frozen=True, tag="tool_result"):
    """The result of a tool: text, or blocks."""

    tool_use_id: str
    content: str | list[Json] | None = None
    is_error: bool | None = None
    cache_control: Json | None = None


class ThinkingBlock(_Block, frozen=True, tag="thinking"):
    """The model's reasoning in an earlier answer."""

    thinking: str
    signature: str | None = None


class RedactedThinkingBlock(_Block, frozen=True, tag="redacted_thinking"):
    """Encrypted reasoning in an earlier answer."""

    data: str


ContentBlock: TypeAlias = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | SearchResultBlock
    | ToolUseBlock
    | ToolResultBlock
    | ThinkingBlock
    | RedactedThinkingBlock
)

BLOCKS: Mapping[str, type[_Block]] = {
    block_type.__struct_config__.tag: block_type for block_type in ContentBlock.__args__
}
"""The types of the blocks that are read, by their `type`."""

BLOCK_TYPES_BY_ROLE: Mapping[Role, frozenset[str]] = {
    "user": frozenset({"text", "image", "document", "search_result", "tool_result"}),
    "assistant": frozenset({"text", "tool_use", "thinking", "redacted_thinking"}),
    "system": frozenset({"text"}),
}
"""The block types that are read in messages of each role."""

SOURCE_TYPES: Mapping[str, frozenset[str]] = {
    "image": frozenset({"base64", "url"}),
    "document": frozenset({"base64", "url", "text", "content"}),
}
"""The types of the sources that are read, by the type of their block."""

RESULT_BLOCK_TYPES = frozenset({"text", "image", "document", "search_result"})
"""The block types that are read in the result of a tool."""


class AnthropicMessageParam(msgspec.Struct, frozen=True):
    """One message of a conversation.

    Args:
        role: The author.
        content: Text, or blocks.
    """

    role: Role
    content: str | list[Json]


class CustomTool(msgspec.Struct, frozen=True):
    """A function of the application that the model may call."""

    name: str
    input_schema: Json
    description: str | None = None
    strict: bool | None = None
    cache_control: Json | None = None


class ToolChoiceParam(msgspec.Struct, frozen=True):
    """Whether the model calls tools.

    Args:
        type: `auto`: freely; `any`: at least one; `tool`: the named one; `none`: never.
        name: The tool that the model must call.
        disable_parallel_tool_use: Whether one answer may have at most one call.
    """

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class OutputFormat(msgspec.Struct, frozen=True):
    """The answer is JSON that matches a schema.

    Args:
        type: `json_schema`.
        schema: The JSON Schema.
    """

    type: Literal["json_schema"]
    schema: Json


class OutputConfig(msgspec.Struct, frozen=True):
    """The form of the answer.

    Args:
        effort: How much the model reasons before it answers, in the provider's terms, such as `low`.
        format: The JSON format of the answer; None for text.
    """

    effort: str | None = None
    format: OutputFormat | None = None


class Metadata(msgspec.Struct, frozen=True):
    """Metadata for the provider.

    Args:
        user_id: An opaque identifier of the end user.
    """

    user_id: str | None = None


class MessagesBody(msgspec.Struct, frozen=True):
    """The body of `POST /v1/messages` and of `POST /v1/messages/count_tokens`.

    All other fields of Anthropic's API go on to Anthropic's models; for other models they are left out.

    Args:
        messages: The conversation, oldest message first.
        model: `provider/name`, an alias, or a name alone. The default model if omitted.
        system: The system prompt: text, or text blocks.
        max_tokens: Maximum number of tokens of the answer.
        temperature: Sampling temperature, 0 to 2; 0 is the most deterministic.
        top_p: Nucleus sampling: the probability mass from which tokens are sampled, 0 to 1.
        top_k: Number of the most likely tokens from which tokens are sampled.
        stop_sequences: Texts at which the answer ends.
        tools: The tools that the model may call. Those with `name` and `input_schema` go to every model, all others to
            Anthropic's models alone.
        tool_choice: Whether the model calls tools.
        thinking: The reasoning settings of Anthropic's models; other models receive a reasoning effort instead.
        output_config: The form of the answer.
        cache_control: A cache breakpoint for Anthropic, placed at the last content block of the request.
        metadata: Metadata for the provider.
        stream: Whether the answer is an event stream.
        resumable: Whether any worker can resume and stop the stream; see `POST /api/chat`.
        id: A chosen id for a resumable stream: 16 to 64 letters, digits, hyphens and underscores.
    """

    messages: list[AnthropicMessageParam]
    model: str | None = None
    system: str | list[Json] | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    tools: list[Json] | None = None
    tool_choice: ToolChoiceParam | None = None
    thinking: Json | None = None
    output_config: OutputConfig | None = None
    cache_control: Json | None = None
    metadata: Metadata | None = None
    stream: bool | None = None
    resumable: bool = False
    id: str | None = None
