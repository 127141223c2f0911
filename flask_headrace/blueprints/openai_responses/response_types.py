"""The JSON of OpenAI's Responses API, for the OpenAPI document: the response object and its items. Values only.

A provider of the same API may add further fields.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from ...providers.chat_request import Json
from ..openapi.operation import schema_name
from .output_items import Status

PROVIDER_ITEM_TYPES = (
    "apply_patch_call", "apply_patch_call_output", "code_interpreter_call", "compaction", "computer_call",
    "computer_call_output", "file_search_call", "image_generation_call", "local_shell_call", "local_shell_call_output",
    "mcp_approval_request", "mcp_approval_response", "mcp_call", "mcp_list_tools", "shell_call", "shell_call_output",
    "tool_search_call", "tool_search_output", "web_search_call",
)  # fmt: skip
"""The types of items that only providers send."""

PROVIDER_PART_TYPES = ("output_audio",)
"""The types of parts of an item that only providers send."""


class OutputTextPart(msgspec.Struct, frozen=True, tag_field="type", tag="output_text"):
    """A text in a message.

    Args:
        text: The text.
        annotations: The provider's annotations of the text.
        logprobs: The log probabilities of the tokens, if the provider returns them.
    """

    text: str
    annotations: list[Json]
    logprobs: list[Json]


class RefusalPart(msgspec.Struct, frozen=True, tag_field="type", tag="refusal"):
    """A refusal of the model in a message.

    Args:
        refusal: What the model says.
    """

    refusal: str


class ReasoningTextPart(msgspec.Struct, frozen=True, tag_field="type", tag="reasoning_text"):
    """A text of the model's reasoning.

    Args:
        text: The text.
    """

    text: str


class SummaryTextPart(msgspec.Struct, frozen=True, tag_field="type", tag="summary_text"):
    """A summary of the model's reasoning.

    Args:
        text: The summary.
    """

    text: str


OutputPart: TypeAlias = Annotated[
    OutputTextPart | RefusalPart | ReasoningTextPart, schema_name("OutputPart", PROVIDER_PART_TYPES)
]


class OutputMessage(msgspec.Struct, frozen=True, tag_field="type", tag="message"):
    """A message of the model.

    Args:
        id: The id of the item.
        status: Whether the message is complete.
        role: The author.
        content: The parts of the message.
    """

    id: str
    status: Status
    role: Literal["assistant"]
    content: list[OutputPart]


class OutputReasoning(msgspec.Struct, frozen=True, tag_field="type", tag="reasoning"):
    """The model's reasoning.

    Args:
        id: The id of the item.
        summary: The summary, if the provider returns one.
        content: The text itself, if the provider returns it.
        encrypted_content: The provider's opaque token for the reasoning, for the next request of the conversation.
        status: As the provider reports it.
    """

    id: str
    summary: list[SummaryTextPart]
    content: list[ReasoningTextPart] | UnsetType | None = UNSET
    encrypted_content: str | UnsetType | None = UNSET
    status: str | UnsetType | None = UNSET


class OutputFunctionCall(msgspec.Struct, frozen=True, tag_field="type", tag="function_call"):
    """A call of a function.

    Args:
        id: The id of the item.
        status: Whether the call is complete.
        call_id: The id of the call, which its output repeats.
        name: The function's name.
        arguments: The arguments as JSON text.
        namespace: The namespace of the function, if it has one.
    """

    id: str
    status: Status
    call_id: str
    name: str
    arguments: str
    namespace: str | UnsetType = UNSET


class OutputCustomToolCall(msgspec.Struct, frozen=True, tag_field="type", tag="custom_tool_call"):
    """A call of a custom tool.

    Args:
        id: The id of the item.
        status: Whether the call is complete.
        call_id: The id of the call, which its output repeats.
        name: The tool's name.
        input: The free text with which the tool is called.
        namespace: The namespace of the tool, if it has one.
    """

    id: str
    status: Status
    call_id: str
    name: str
    input: str
    namespace: str | UnsetType = UNSET


OutputItem: TypeAlias = Annotated[
    OutputMessage | OutputReasoning | OutputFunctionCall | OutputCustomToolCall,
    schema_name("OutputItem", PROVIDER_ITEM_TYPES),
]


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
