"""The JSON of Anthropic's API, for the OpenAPI document: messages, models, counts and errors. Values only.

Anthropic's models may add further fields and blocks.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from ...providers.chat_request import Json
from ..openapi.operation import schema_name

PROVIDER_BLOCK_TYPES = (
    "advisor_tool_result", "bash_code_execution_tool_result", "code_execution_tool_result", "compaction",
    "container_upload", "fallback", "mcp_tool_result", "mcp_tool_use", "server_tool_use",
    "text_editor_code_execution_tool_result", "tool_search_tool_result", "web_fetch_tool_result",
    "web_search_tool_result",
)  # fmt: skip
"""The types of blocks that only Anthropic's models send."""


class AnthropicTextBlock(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    """A text of the answer.

    Args:
        text: The text.
        citations: The sources, if the model names any.
    """

    text: str
    citations: list[Json] | UnsetType | None = UNSET


class AnthropicThinkingBlock(msgspec.Struct, frozen=True, tag_field="type", tag="thinking"):
    """The model's reasoning.

    Args:
        thinking: The text of the reasoning.
        signature: The provider's opaque token for the reasoning, for the next request of the conversation.
    """

    thinking: str
    signature: str


class AnthropicRedactedThinkingBlock(msgspec.Struct, frozen=True, tag_field="type", tag="redacted_thinking"):
    """Reasoning whose text the provider withholds.

    Args:
        data: The provider's opaque token for the reasoning.
    """

    data: str


class AnthropicToolUseBlock(msgspec.Struct, frozen=True, tag_field="type", tag="tool_use"):
    """A tool call.

    Args:
        id: The id of the call.
        name: The tool's name.
        input: The parsed arguments.
    """

    id: str
    name: str
    input: Any


AnthropicBlock: TypeAlias = Annotated[
    AnthropicTextBlock | AnthropicThinkingBlock | AnthropicRedactedThinkingBlock | AnthropicToolUseBlock,
    schema_name("AnthropicBlock", PROVIDER_BLOCK_TYPES),
]


class AnthropicOutputTokensDetails(msgspec.Struct, frozen=True):
    """The kinds of tokens of an answer.

    Args:
        thinking_tokens: Tokens that the model spent on reasoning.
    """

    thinking_tokens: int


class AnthropicUsage(msgspec.Struct, frozen=True):
    """The tokens of an answer.

    Args:
        input_tokens: Tokens of the prompt, without those of the cache.
        cache_creation_input_tokens: Tokens that the provider wrote into its cache.
        cache_read_input_tokens: Tokens that the provider read from its cache.
        output_tokens: Tokens of the answer, those of reasoning included.
        output_tokens_details: The kinds of tokens of the answer, if there was reasoning.
    """

    input_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int
    output_tokens_details: AnthropicOutputTokensDetails | UnsetType = UNSET


class AnthropicMessage(msgspec.Struct, frozen=True):
    """The answer of `POST /v1/messages`.

    Args:
        id: `msg_` and the stream's id.
        type: The type of the object.
        role: The author.
        model: The model that answers, `provider/name`.
        content: The blocks of the answer.
        stop_reason: Why the model ended the answer; null at its beginning.
        stop_sequence: The text at which the answer ended; null if there is none.
        usage: The tokens.
    """

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[AnthropicBlock]
    stop_reason: str | None
    stop_sequence: str | None
    usage: AnthropicUsage


class TokenCount(msgspec.Struct, frozen=True):
    """The size of a conversation.

    Args:
        input_tokens: The number of tokens.
    """

    input_tokens: int


class AnthropicModel(msgspec.Struct, frozen=True):
    """An available model, in Anthropic's form.

    Args:
        type: The type of the object.
        id: The model's id, `provider/name` or an alias.
        display_name: The name for people.
        created_at: The beginning of 1970: the date is not known.
        lifecycle: Always `active`.
        max_input_tokens: Tokens of prompt and answer together; null if unknown.
        max_tokens: Maximum tokens of an answer; null if unknown.
        capabilities: The known capabilities; null if none is known.
        context_window: Tokens of prompt and answer together, if known.
    """

    type: Literal["model"]
    id: str
    display_name: str
    created_at: str
    lifecycle: str
    max_input_tokens: int | None
    max_tokens: int | None
    capabilities: Json | None
    context_window: int | UnsetType = UNSET


class AnthropicModelList(msgspec.Struct, frozen=True):
    """A page of the available models, in Anthropic's form.

    Args:
        data: The models.
        has_more: Whether further models follow.
        first_id: The id of the first model; null if there is none.
        last_id: The id of the last model; null if there is none.
    """

    data: list[AnthropicModel]
    has_more: bool
    first_id: str | None
    last_id: str | None


class AnthropicErrorCode(msgspec.Struct, frozen=True):
    """The details of an error.

    Args:
        error_code: Stable, for programs.
    """

    error_code: str


class AnthropicErrorDetails(msgspec.Struct, frozen=True):
    """What went wrong.

    Args:
        type: Anthropic's error type.
        message: For people.
        details: The details.
    """

    type: str
    message: str
    details: AnthropicErrorCode


class AnthropicError(msgspec.Struct, frozen=True, tag_field="type", tag="error"):
    """Why a request failed, in Anthropic's form.

    Args:
        error: What went wrong.
        request_id: The id in the response header `request-id`.
    """

    error: AnthropicErrorDetails
    request_id: str | UnsetType = UNSET
