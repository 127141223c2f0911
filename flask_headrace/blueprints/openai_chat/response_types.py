"""The JSON of OpenAI's chat completions, for the OpenAPI document: whole answers and chunks. Values only.

A provider of the same protocol may add further fields.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from ...providers.chat_request import Json
from ..openai_shared.errors import OpenAIError
from ..openapi.operation import DONE_FRAME, EventStream, Frame, schema_name

ChatCompletionFinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


class PromptTokensDetails(msgspec.Struct, frozen=True):
    """The kinds of tokens of a prompt.

    Args:
        cached_tokens: Tokens that the provider read from its cache.
        cache_write_tokens: Tokens that the provider wrote into its cache, if there are any.
    """

    cached_tokens: int
    cache_write_tokens: int | UnsetType = UNSET


class CompletionTokensDetails(msgspec.Struct, frozen=True):
    """The kinds of tokens of an answer.

    Args:
        reasoning_tokens: Tokens that the model spent on reasoning.
    """

    reasoning_tokens: int


class ChatCompletionUsage(msgspec.Struct, frozen=True):
    """The tokens and the cost of an answer.

    Args:
        prompt_tokens: Tokens of the prompt, cached ones included.
        completion_tokens: Tokens of the answer, those of reasoning included.
        total_tokens: The sum of both.
        prompt_tokens_details: The kinds of tokens of the prompt.
        completion_tokens_details: The kinds of tokens of the answer.
        cost: The price; null if the model's price is unknown. Not a field of OpenAI's.
        estimated: Whether the numbers are derived from the texts. Not a field of OpenAI's.
    """

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails
    completion_tokens_details: CompletionTokensDetails
    cost: float | None
    estimated: bool


class CalledFunction(msgspec.Struct, frozen=True):
    """The function that the model calls.

    Args:
        name: The function's name.
        arguments: The arguments as JSON text.
    """

    name: str
    arguments: str


class CalledCustomTool(msgspec.Struct, frozen=True):
    """The custom tool that the model calls.

    Args:
        name: The tool's name.
        input: The free text with which the tool is called.
    """

    name: str
    input: str


class FunctionToolCall(msgspec.Struct, frozen=True, tag_field="type", tag="function"):
    """A call of a function.

    Args:
        id: The id of the call.
        function: The function and its arguments.
    """

    id: str
    function: CalledFunction


class CustomToolCall(msgspec.Struct, frozen=True, tag_field="type", tag="custom"):
    """A call of a custom tool.

    Args:
        id: The id of the call.
        custom: The tool and its input.
    """

    id: str
    custom: CalledCustomTool


ChatCompletionToolCall: TypeAlias = Annotated[FunctionToolCall | CustomToolCall, schema_name("ChatCompletionToolCall")]


class ChatCompletionMessage(msgspec.Struct, frozen=True):
    """The answer.

    Args:
        role: The author.
        content: The text; null if there are only tool calls.
        refusal: The model's refusal.
        reasoning_content: The model's reasoning, if the provider returns it.
        tool_calls: The tool calls, if there are any.
        function_call: The first call, if the request has `functions`.
        annotations: The provider's annotations of the text.
    """

    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[ChatCompletionToolCall] | UnsetType = UNSET
    function_call: CalledFunction | UnsetType = UNSET
    annotations: list[Json] | UnsetType = UNSET


class ChatCompletionChoice(msgspec.Struct, frozen=True):
    """The one choice of a chat completion.

    Args:
        index: 0.
        message: The answer.
        logprobs: The log probabilities of the tokens, if the provider returns them.
        finish_reason: Why the model ended the answer.
    """

    index: int
    message: ChatCompletionMessage
    logprobs: Json | None
    finish_reason: ChatCompletionFinishReason


class ChatCompletion(msgspec.Struct, frozen=True):
    """A whole answer of `POST /v1/chat/completions`.

    Args:
        id: `chatcmpl-` and the stream's id.
        object: The type of the object.
        created: The time of the request, in seconds since 1970.
        model: The model that answered, `provider/name`.
        choices: One choice.
        usage: The tokens and the cost; null if unknown.
        service_tier: As the provider reports it.
        system_fingerprint: As the provider reports it.
    """

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatCompletionChoice]
    usage: ChatCompletionUsage | None
    service_tier: str | UnsetType | None = UNSET
    system_fingerprint: str | UnsetType | None = UNSET


class FunctionDelta(msgspec.Struct, frozen=True):
    """The next piece of a call of a function.

    Args:
        arguments: The next piece of the JSON text of the arguments.
        name: The function's name, in the first piece.
    """

    arguments: str
    name: str | UnsetType = UNSET


class CustomToolDelta(msgspec.Struct, frozen=True):
    """The next piece of a call of a custom tool.

    Args:
        input: The next piece of the free text.
        name: The tool's name, in the first piece.
    """

    input: str
    name: str | UnsetType = UNSET


class ToolCallDelta(msgspec.Struct, frozen=True):
    """The next piece of a tool call.

    Args:
        index: The number of the call within the answer, from 0.
        id: The id of the call, in the first piece.
        type: The kind of the tool, in the first piece.
        function: The next piece of a function's call.
        custom: The next piece of a custom tool's call.
    """

    index: int
    id: str | UnsetType = UNSET
    type: Literal["function", "custom"] | UnsetType = UNSET
    function: FunctionDelta | UnsetType = UNSET
    custom: CustomToolDelta | UnsetType = UNSET


class ChatCompletionDelta(msgspec.Struct, frozen=True):
    """The next piece of the answer; empty in the last chunk.

    Args:
        role: The author, in the first chunk.
        content: The next piece of the text.
        refusal: The next piece of the model's refusal.
        reasoning_content: The next piece of the model's reasoning.
        tool_calls: The next pieces of tool calls.
        function_call: The next piece of the first call, if the request has `functions`.
        annotations: The next annotations of the text.
    """

    role: Literal["assistant"] | UnsetType = UNSET
    content: str | UnsetType | None = UNSET
    refusal: str | UnsetType | None = UNSET
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[ToolCallDelta] | UnsetType = UNSET
    function_call: FunctionDelta | UnsetType = UNSET
    annotations: list[Json] | UnsetType = UNSET


class ChunkChoice(msgspec.Struct, frozen=True):
    """The one choice of a chunk.

    Args:
        index: 0.
        delta: The next piece of the answer.
        finish_reason: Why the model ended the answer; null before the last chunk.
        logprobs: The log probabilities of the tokens, if the provider returns them.
    """

    index: int
    delta: ChatCompletionDelta
    finish_reason: ChatCompletionFinishReason | None
    logprobs: Json | UnsetType | None = UNSET


class ChatCompletionChunk(msgspec.Struct, frozen=True):
    """A piece of a streamed answer of `POST /v1/chat/completions`.

    Args:
        id: `chatcmpl-` and the stream's id, the same in all chunks.
        object: The type of the object.
        created: The time of the request, in seconds since 1970.
        model: The model that answers, `provider/name`.
        choices: One choice; none in the chunk of the usage.
        usage: The tokens and the cost, in one chunk at the end if the request asks for them; null in the others.
        service_tier: As the provider reports it.
        system_fingerprint: As the provider reports it.
    """

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: ChatCompletionUsage | UnsetType | None = UNSET
    service_tier: str | UnsetType | None = UNSET
    system_fingerprint: str | UnsetType | None = UNSET


CHAT_COMPLETION_STREAM = EventStream(
    "ChatCompletionFrame",
    (
        Frame("ChatCompletionChunkFrame", "A chunk, or the error that ends it.", (ChatCompletionChunk, OpenAIError)),
        DONE_FRAME,
    ),
)
"""The frames of `POST /v1/chat/completions`."""
