"""The events of Anthropic's Messages API, for the OpenAPI document. Values only.

Anthropic's models may send events and deltas of further types.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec

from ..openapi.operation import EventStream, Frame, schema_name
from .response_types import AnthropicBlock, AnthropicError, AnthropicMessage, AnthropicUsage


class AnthropicMessageStart(msgspec.Struct, frozen=True, tag_field="type", tag="message_start"):
    """The message begins.

    Args:
        message: The message, without its content.
    """

    message: AnthropicMessage


class AnthropicBlockStart(msgspec.Struct, frozen=True, tag_field="type", tag="content_block_start"):
    """A block begins.

    Args:
        index: The number of the block, from 0.
        content_block: The block, without its content.
    """

    index: int
    content_block: AnthropicBlock


class AnthropicTextDelta(msgspec.Struct, frozen=True, tag_field="type", tag="text_delta"):
    """The next piece of a text."""

    text: str


class AnthropicThinkingDelta(msgspec.Struct, frozen=True, tag_field="type", tag="thinking_delta"):
    """The next piece of the model's reasoning."""

    thinking: str


class AnthropicSignatureDelta(msgspec.Struct, frozen=True, tag_field="type", tag="signature_delta"):
    """The provider's opaque token for the reasoning."""

    signature: str


class AnthropicInputDelta(msgspec.Struct, frozen=True, tag_field="type", tag="input_json_delta"):
    """The next piece of the JSON text of a tool call's arguments."""

    partial_json: str


class AnthropicCitationsDelta(msgspec.Struct, frozen=True, tag_field="type", tag="citations_delta"):
    """A source of a text."""

    citation: Any


AnthropicDelta: TypeAlias = Annotated[
    AnthropicTextDelta
    | AnthropicThinkingDelta
    | AnthropicSignatureDelta
    | AnthropicInputDelta
    | AnthropicCitationsDelta,
    schema_name("AnthropicDelta", None),
]


class AnthropicBlockDelta(msgspec.Struct, frozen=True, tag_field="type", tag="content_block_delta"):
    """A block grows.

    Args:
        index: The number of the block, from 0.
        delta: The next piece.
    """

    index: int
    delta: AnthropicDelta


class AnthropicBlockStop(msgspec.Struct, frozen=True, tag_field="type", tag="content_block_stop"):
    """A block is complete.

    Args:
        index: The number of the block, from 0.
    """

    index: int


class AnthropicStop(msgspec.Struct, frozen=True):
    """Why an answer ended.

    Args:
        stop_reason: Why the model ended it.
        stop_sequence: The text at which it ended; null if there is none.
    """

    stop_reason: str
    stop_sequence: str | None


class AnthropicMessageDelta(msgspec.Struct, frozen=True, tag_field="type", tag="message_delta"):
    """The answer has ended.

    Args:
        delta: Why it ended.
        usage: The tokens.
    """

    delta: AnthropicStop
    usage: AnthropicUsage


class AnthropicMessageStop(msgspec.Struct, frozen=True, tag_field="type", tag="message_stop"):
    """The message is complete."""


class AnthropicPing(msgspec.Struct, frozen=True, tag_field="type", tag="ping"):
    """A heartbeat."""


AnthropicStreamEvent: TypeAlias = Annotated[
    AnthropicMessageStart
    | AnthropicBlockStart
    | AnthropicBlockDelta
    | AnthropicBlockStop
    | AnthropicMessageDelta
    | AnthropicMessageStop
    | AnthropicPing
    | AnthropicError,
    schema_name("AnthropicStreamEvent", None),
]

ANTHROPIC_STREAM = EventStream(
    "AnthropicFrame", (Frame("AnthropicFrame", "An event of a message.", (AnthropicStreamEvent,), None),)
)
"""The frames of `POST /v1/messages`."""
