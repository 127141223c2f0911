"""The body of a Messages API request in Anthropic's form. Values only.

Unknown fields are rejected. Clients also send the fields that are marked `ignored`, which do not change the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from ...providers.chat_request import Json

Role: TypeAlias = Literal["user", "assistant", "system"]


class _StrictStruct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base class: unknown fields are rejected."""


class TextBlock(_StrictStruct, frozen=True, tag_field="type", tag="text"):
    """A text block."""

    text: str
    cache_control: Json | None = None
    citations: Any = None  # ignored: the sources of an earlier answer


class Base64ImageSource(_StrictStruct, frozen=True, tag_field="type", tag="base64"):
    """The data of an image, in base64."""

    media_type: str
    data: str


class URLImageSource(_StrictStruct, frozen=True, tag_field="type", tag="url"):
    """The URL of an image."""

    url: str


class ImageBlock(_StrictStruct, frozen=True, tag_field="type", tag="image"):
    """An image block."""

    source: Base64ImageSource | URLImageSource
    cache_control: Json | None = None


class ToolUseBlock(_StrictStruct, frozen=True, tag_field="type", tag="tool_use"):
    """A tool call in an earlier answer."""

    id: str
    name: str
    input: Json
    cache_control: Json | None = None
    caller: Any = None  # ignored: who made the call


class ToolResultBlock(_StrictStruct, frozen=True, tag_field="type", tag="tool_result"):
    """The result of a tool: text, or blocks of text and images."""

    tool_use_id: str
    content: str | list[Json] = ""
    is_error: bool = False
    cache_control: Json | None = None


class ThinkingBlock(_StrictStruct, frozen=True, tag_field="type", tag="thinking"):
    """The model's reasoning in an earlier answer."""

    thinking: str
    signature: str = ""


class RedactedThinkingBlock(_StrictStruct, frozen=True, tag_field="type", tag="redacted_thinking"):
    """Encrypted reasoning in an earlier answer."""

    data: str


ContentBlock: TypeAlias = (
    TextBlock | ImageBlock | ToolUseBlock | ToolResultBlock | ThinkingBlock | RedactedThinkingBlock
)

BLOCK_TYPES_BY_ROLE: Mapping[Role, tuple[str, ...]] = {
    "user": ("text", "image", "tool_result"),
    "assistant": ("text", "tool_use", "thinking", "redacted_thinking"),
    "system": ("text",),
}
"""The block types that messages of each role may contain."""


class MessageParam(_StrictStruct, frozen=True):
    """One message of a conversation.

    Args:
        role: The author.
        content: Text, or blocks of the types that the role allows.
    """

    role: Role
    content: str | list[Json]


class CustomTool(_StrictStruct, frozen=True):
    """A function of the application that the model may call."""

    name: str
    input_schema: Json
    description: str | None = None
    strict: bool | None = None
    cache_control: Json | None = None
    type: str | None = None
    eager_input_streaming: Any = None  # ignored: how finely arguments are streamed


class ToolChoiceParam(_StrictStruct, frozen=True):
    """Whether the model calls tools.

    Args:
        type: `auto`: freely; `any`: at least one; `tool`: the named one; `none`: never.
        name: The tool that the model must call.
        disable_parallel_tool_use: Whether one answer may have at most one call.
    """

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool = False


class OutputFormat(_StrictStruct, frozen=True):
    """The answer is JSON that matches a schema.

    Args:
        type: `json_schema`.
        schema: The JSON Schema.
    """

    type: Literal["json_schema"]
    schema: Json


class OutputConfig(_StrictStruct, frozen=True):
    """The form of the answer.

    Args:
        effort: How much the model reasons before it answers, in the provider's terms, such as `low`.
        format: The JSON format of the answer; None for text.
    """

    effort: str | None = None
    format: OutputFormat | None = None


class Metadata(msgspec.Struct, frozen=True):
    """Metadata for the provider. Other fields are ignored.

    Args:
        user_id: An opaque identifier of the end user.
    """

    user_id: str | None = None


class MessagesBody(_StrictStruct, frozen=True):
    """The body of `POST /v1/messages` and of `POST /v1/messages/count_tokens`.

    Args:
        messages: The conversation, oldest message first.
        model: `provider/name`, an alias, or a name alone. The default model if omitted.
        system: The system prompt: text, or text blocks.
        max_tokens: Maximum number of tokens of the answer.
        temperature: Sampling temperature, 0 to 2; 0 is the most deterministic.
        top_p: Nucleus sampling: the probability mass from which tokens are sampled, 0 to 1.
        top_k: Number of the most likely tokens from which tokens are sampled.
        stop_sequences: Texts at which the answer ends.
        tools: The tools that the model may call, each with `name` and `input_schema`.
        tool_choice: Whether the model calls tools.
        thinking: The reasoning settings of Anthropic's models; other models accept only `{"type": "disabled"}`.
        output_config: The form of the answer.
        cache_control: A cache breakpoint for Anthropic, placed at the last content block of the request.
        metadata: Metadata for the provider.
        service_tier: Accepted and ignored.
        stream: Whether the answer is an event stream.
        resumable: Whether any worker can resume and stop the stream; see `POST /api/chat`.
        id: A chosen id for a resumable stream: 16 to 64 letters, digits, hyphens and underscores.
    """

    messages: list[MessageParam]
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
    service_tier: Any = None
    stream: bool = False
    resumable: bool = False
    id: str | None = None
