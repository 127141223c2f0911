"""The JSON of OpenAI's Responses API, for the OpenAPI document: the response object and others. Values only.

A provider of the same API may add further fields.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET

from ...providers.chat_request import Json
from .item_types import OutputItem
from .output_items import Status


class InputTokensDetails(msgspec.Struct, frozen=True):
    """The kinds of tokens of a prompt.

    Args:
        cached_tokens: Tokens that the provider read from its cache.
        cache_write_tokens: Tokens that the provider wrote into its cache.
    """

    cached_tokens: int
    cache_write_tokens: int


class OutputTokensDetails(msgspec.Struct, frozen=True):
    """The kinds of tokens of an answer.

    Args:
        reasoning_tokens: Tokens that the model spent on reasoning.
    """

    reasoning_tokens: int


class ResponseUsage(msgspec.Struct, frozen=True):
    """The tokens and the cost of an answer.

    Args:
        input_tokens: Tokens of the prompt, cached ones included.
        input_tokens_details: The kinds of tokens of the prompt.
        output_tokens: Tokens of the answer, those of reasoning included.
        output_tokens_details: The kinds of tokens of the answer.
        total_tokens: The sum of both.
        cost: The price; null if the model's price is unknown. Not a field of OpenAI's.
        estimated: Whether the numbers are derived from the texts. Not a field of OpenAI's.
    """

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int
    cost: float | None
    estimated: bool


class ResponseError(msgspec.Struct, frozen=True):
    """Why a response failed.

    Args:
        code: Stable, for programs.
        message: For people.
    """

    code: str
    message: str


class IncompleteDetails(msgspec.Struct, frozen=True):
    """Why a response is incomplete.

    Args:
        reason: The limit or the filter that ended the answer.
    """

    reason: Literal["max_output_tokens", "content_filter"]


class ResponseObject(msgspec.Struct, frozen=True):
    """A response of `POST /v1/responses`. The fields below `usage` are those of the request, or their defaults.

    Args:
        id: `resp_` and the stream's id.
        object: The type of the object.
        created_at: The time of the request, in seconds since 1970.
        completed_at: When the answer was complete, in seconds since 1970; null before that.
        status: The status of the response.
        error: Why the response failed; null if it has not.
        incomplete_details: Why the response is incomplete; null if it is not.
        model: The model that answers, `provider/name`.
        output: The items of the answer.
        store: Whether this service stores the response.
        usage: The tokens and the cost; null if they are not known yet.
        background: Whether the answer goes on without a reader.
        frequency_penalty: Above 0, the more often a token has occurred, the less it is repeated.
        instructions: The system prompt.
        max_output_tokens: Maximum number of tokens of the answer.
        max_tool_calls: Maximum number of calls of the provider's tools.
        metadata: The request's own data.
        parallel_tool_calls: Whether one answer may have several tool calls.
        presence_penalty: Above 0, tokens that have occurred are repeated less.
        previous_response_id: The id of a response that the provider stores.
        prompt_cache_key: The provider's cache of the prompt.
        reasoning: How much the model reasons.
        safety_identifier: An identifier of the end user.
        service_tier: The provider's service tier.
        temperature: Sampling temperature.
        text: The format of the answer's text.
        tool_choice: Whether the model calls tools.
        tools: The tools that the model may call.
        top_logprobs: The number of log probabilities at each position.
        top_p: Nucleus sampling.
        truncation: What the provider does with a conversation that is too long.
        user: The older name of `safety_identifier`.
        conversation: The conversation that the provider stores, if the request names one.
        prompt: The prompt that the provider stores, if the request names one.
        prompt_cache_options: As the request has it.
        prompt_cache_retention: As the request has it.
    """

    id: str
    object: Literal["response"]
    created_at: int
    completed_at: int | None
    status: Status
    error: ResponseError | None
    incomplete_details: IncompleteDetails | None
    model: str
    output: list[OutputItem]
    store: bool | None
    usage: ResponseUsage | None
    background: bool | None
    frequency_penalty: float | None
    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    metadata: Json
    parallel_tool_calls: bool
    presence_penalty: float | None
    previous_response_id: str | None
    prompt_cache_key: str | None
    reasoning: Json | None
    safety_identifier: str | None
    service_tier: str | None
    temperature: float | None
    text: Json
    tool_choice: str | Json
    tools: list[Json]
    top_logprobs: int | None
    top_p: float | None
    truncation: str | None
    user: str | None
    conversation: Any = UNSET
    prompt: Any = UNSET
    prompt_cache_options: Any = UNSET
    prompt_cache_retention: Any = UNSET


class CompactionOutput(msgspec.Struct, frozen=True, tag_field="type", tag="compaction"):
    """What replaces the conversation in the input of the next request.

    Args:
        id: The id of the item.
        encrypted_content: The opaque content.
    """

    id: str
    encrypted_content: str


class CompactedResponse(msgspec.Struct, frozen=True):
    """A compacted conversation.

    Args:
        id: `resp_` and the stream's id.
        object: The type of the object.
        created_at: The time of the request, in seconds since 1970.
        output: One item.
        usage: The tokens and the cost.
    """

    id: str
    object: Literal["response.compaction"]
    created_at: int
    output: list[CompactionOutput]
    usage: ResponseUsage


class DeletedResponse(msgspec.Struct, frozen=True):
    """A response that is deleted.

    Args:
        id: The response's id.
        object: The type of the object.
        deleted: True.
    """

    id: str
    object: Literal["response"]
    deleted: bool
