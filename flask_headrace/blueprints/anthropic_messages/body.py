"""The body of a request of Anthropic's messages API. Values, and no more.

A field that is `unread` is sent by its clients and cannot change the answer; any other that is not here is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from ...providers.chat_request import Json

Role: TypeAlias = Literal["user", "assistant", "system"]


class _StrictStruct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all values of a request have in common."""


class TextBlock(_StrictStruct, frozen=True, tag_field="type", tag="text"):
    """A piece of text."""

    text: str
    cache_control: Json | None = None
    citations: Any = None  # unread: where an earlier answer had it from


class Base64ImageSource(_StrictStruct, frozen=True, tag_field="type", tag="base64"):
    """A picture itself."""

    media_type: str
    data: str


class URLImageSource(_StrictStruct, frozen=True, tag_field="type", tag="url"):
    """Where a picture is."""

    url: str


class ImageBlock(_StrictStruct, frozen=True, tag_field="type", tag="image"):
    """A picture."""

    source: Base64ImageSource | URLImageSource
    cache_control: Json | None = None


class ToolUseBlock(_StrictStruct, frozen=True, tag_field="type", tag="tool_use"):
    """A call that the model made in an earlier answer."""

    id: str
    name: str
    input: Json
    cache_control: Json | None = None
    caller: Any = None  # unread: that it was the model itself


class ToolResultBlock(_StrictStruct, frozen=True, tag_field="type", tag="tool_result"):
    """What a tool has returned: text, or blocks of text and pictures."""

    tool_use_id: str
    content: str | list[Json] = ""
    is_error: bool = False
    cache_control: Json | None = None


class ThinkingBlock(_StrictStruct, frozen=True, tag_field="type", tag="thinking"):
    """What a model thought before an earlier answer."""

    thinking: str
    signature: str = ""


class RedactedThinkingBlock(_StrictStruct, frozen=True, tag_field="type", tag="redacted_thinking"):
    """What a model thought and its provider keeps to itself."""

    data: str


ContentBlock: TypeAlias = (
    TextBlock | ImageBlock | ToolUseBlock | ToolResultBlock | ThinkingBlock | RedactedThinkingBlock
)

BLOCK_TYPES_BY_ROLE: Mapping[Role, tuple[str, ...]] = {
    "user": ("text", "image", "tool_result"),
    "assistant": ("text", "tool_use", "thinking", "redacted_thinking"),
    "system": ("text",),
}
"""The kinds of block that each one's turns may hold."""


class MessageParam(_StrictStruct, frozen=True):
    """One turn of a conversation.

    Args:
        role: Whose turn it is.
        content: Text, or blocks of the kinds that such a turn may hold.
    """

    role: Role
    content: str | list[Json]


class CustomTool(_StrictStruct, frozen=True):
    """A function of the application's that the model may ask to be called."""

    name: str
    input_schema: Json
    description: str | None = None
    strict: bool | None = None
    cache_control: Json | None = None
    type: str | None = None
    eager_input_streaming: Any = None  # unread: how small the pieces of its arguments are


class ToolChoiceParam(_StrictStruct, frozen=True):
    """Whether the model calls tools.

    Args:
        type: As it likes, at least one, the named one, or none.
        name: The one that it must call.
        disable_parallel_tool_use: Whether one answer may have one call at the most.
    """

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool = False


class OutputFormat(_StrictStruct, frozen=True):
    """That the answer is to be JSON.

    Args:
        type: `json_schema`.
        schema: The JSON Schema that it is to fit.
    """

    type: Literal["json_schema"]
    schema: Json


class OutputConfig(_StrictStruct, frozen=True):
    """How the answer is to be.

    Args:
        effort: How long the model thinks first, in the provider's own words, such as `low`.
        format: That it is to be JSON.
    """

    effort: str | None = None
    format: OutputFormat | None = None


class Metadata(msgspec.Struct, frozen=True):
    """What the provider is told of a request. Whatever else stands in it is unread.

    Args:
        user_id: Whom it is for, by a name that tells nothing.
    """

    user_id: str | None = None


class MessagesBody(_StrictStruct, frozen=True):
    """The body of `POST /v1/messages` and of `POST /v1/messages/count_tokens`.

    Args:
        messages: The turns so far, oldest first.
        model: `provider/name`, an alias, or a name alone; the default model where it is left out.
        system: What the model is told before the conversation: text, or blocks of text.
        max_tokens: Most tokens that the answer may have.
        temperature: 0 for the likeliest words, higher for livelier ones.
        top_p: Share of the likelihood from which words are drawn.
        top_k: Number of the likeliest words from which one is drawn.
        stop_sequences: Texts at which the answer ends.
        tools: What the model may ask to be called, each with `name` and `input_schema`.
        tool_choice: Whether it calls tools.
        thinking: How Anthropic's models think first; others take `{"type": "disabled"}` alone.
        output_config: How the answer is to be.
        cache_control: A mark for Anthropic's cache, put on the last piece of the request.
        metadata: What the provider is told of the request.
        service_tier: Unread.
        stream: Whether the answer comes as an event stream.
        resumable: Whether the stream can be followed and stopped from anywhere.
        id: A resumable stream's own id: 16 to 64 letters, digits, hyphens and underscores.
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
