"""The body of a chat completion request in OpenAI's form. Values only.

Unknown fields are rejected. `request.py` turns the known fields into a `ChatRequest`.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from ...providers.chat_request import Json, Role
from ..openai_shared.body import (
    AllowedToolsChoice,
    FunctionDefinition,
    FunctionName,
    JSONObjectFormat,
    JSONSchemaDefinition,
    StrictStruct,
    TextFormat,
)


class TextContentPart(StrictStruct, frozen=True, tag_field="type", tag="text"):
    """A text part of a message."""

    text: str
    cache_control: Json | None = None
    prompt_cache_breakpoint: Any = None


class ImageURL(StrictStruct, frozen=True):
    """The URL of an image."""

    url: str
    detail: str | None = None


class ImageContentPart(StrictStruct, frozen=True, tag_field="type", tag="image_url"):
    """An image part of a message."""

    image_url: ImageURL
    cache_control: Json | None = None
    prompt_cache_breakpoint: Any = None


class RefusalContentPart(StrictStruct, frozen=True, tag_field="type", tag="refusal"):
    """A refusal of the model in an earlier answer."""

    refusal: str


class AudioContentPart(msgspec.Struct, frozen=True, tag_field="type", tag="input_audio"):
    """An audio part; rejected."""


class FileContentPart(msgspec.Struct, frozen=True, tag_field="type", tag="file"):
    """A file part; rejected."""


ContentPart: TypeAlias = TextContentPart | ImageContentPart | RefusalContentPart | AudioContentPart | FileContentPart


class FunctionCall(StrictStruct, frozen=True):
    """The function that an earlier answer called; `arguments` is JSON text."""

    name: str
    arguments: str = ""
    parsed_arguments: Any = None


class ToolCallParam(StrictStruct, frozen=True):
    """A tool call in an earlier answer."""

    id: str
    function: FunctionCall
    type: Literal["function"] = "function"
    index: int | None = None


class MessageParam(StrictStruct, frozen=True):
    """One message. Response-only fields that clients send back are accepted and ignored."""

    role: Role
    content: str | list[ContentPart] | None = None
    name: str | None = None
    tool_calls: list[ToolCallParam] | None = None
    tool_call_id: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    function_call: Any = None
    audio: Any = None
    annotations: Any = None
    parsed: Any = None


class FunctionTool(StrictStruct, frozen=True):
    """A function tool; other types of tools are rejected."""

    function: FunctionDefinition
    type: Literal["function"] = "function"
    cache_control: Json | None = None


class NamedFunctionChoice(StrictStruct, frozen=True, tag_field="type", tag="function"):
    """The one function that the model must call."""

    function: FunctionName


ToolChoiceParam: TypeAlias = Literal["none", "auto", "required"] | NamedFunctionChoice | AllowedToolsChoice


class JSONSchemaFormat(StrictStruct, frozen=True, tag_field="type", tag="json_schema"):
    """The answer is JSON that matches a schema."""

    json_schema: JSONSchemaDefinition


class StreamOptions(StrictStruct, frozen=True):
    """Options of the stream. `include_obfuscation` is ignored: frames are never padded."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class ChatCompletionBody(StrictStruct, frozen=True):
    """The body of `POST /v1/chat/completions`: OpenAI's fields, and `resumable` and `id`.

    Args:
        messages: The conversation, oldest message first.
        model: `provider/name`, or a name that a provider lists. The default model if omitted.
        stream: Whether the answer is an event stream.
        stream_options: Options of the stream, such as `include_usage`.
        max_tokens: The deprecated name of `max_completion_tokens`.
        max_completion_tokens: Maximum number of tokens of the answer.
        temperature: Sampling temperature, 0 to 2; 0 is the most deterministic.
        top_p: Nucleus sampling: the probability mass from which tokens are sampled, 0 to 1.
        top_k: Number of the most likely tokens from which tokens are sampled. Not a field of OpenAI's own API, but of
            many compatible servers.
        stop: One or several texts at which the answer ends.
        seed: Seed for reproducible answers, if the provider supports it.
        frequency_penalty: Positive values make the repetition of a token less likely with each occurrence.
        presence_penalty: Positive values make tokens less likely that have occurred.
        tools: The functions that the model may call.
        tool_choice: Whether the model calls tools: freely, never, at least one, or a named one.
        parallel_tool_calls: Whether one answer may have several tool calls.
        response_format: Whether the answer is text, a JSON object, or JSON that matches a schema.
        reasoning_effort: How much the model reasons before it answers, such as `low`.
        verbosity: How long the answer is, such as `low`.
        user: An identifier of the end user, for the provider.
        metadata: Accepted and ignored.
        prediction: Accepted and ignored.
        prompt_cache_key: Accepted and ignored.
        prompt_cache_options: Accepted and ignored.
        prompt_cache_retention: Accepted and ignored.
        safety_identifier: Accepted and ignored.
        store: Accepted and ignored.
        audio: Rejected.
        function_call: Rejected except for `none`; use `tool_choice`.
        functions: Rejected unless empty; use `tools`.
        logit_bias: Rejected unless empty.
        logprobs: Rejected except for `false`.
        modalities: Rejected except for `["text"]`.
        moderation: Rejected.
        n: Rejected except for 1.
        service_tier: Rejected except for `auto` and `default`.
        top_logprobs: Rejected except for 0.
        web_search_options: Rejected.
        resumable: Whether any worker can resume and stop the stream; see `POST /api/chat`.
        id: A chosen id for a resumable stream: 16 to 64 letters, digits, hyphens and underscores.
    """

    messages: list[MessageParam]
    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    tools: list[FunctionTool] | None = None
    tool_choice: ToolChoiceParam | None = None
    parallel_tool_calls: bool | None = None
    response_format: TextFormat | JSONObjectFormat | JSONSchemaFormat | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    user: str | None = None
    # These fields do not change the answer: they concern storage, caching, speed and abuse detection at OpenAI.
    metadata: Any = None
    prediction: Any = None
    prompt_cache_key: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: Any = None
    safety_identifier: Any = None
    store: Any = None
    # These fields would change the answer and are not supported: see `UNSUPPORTED_FIELDS` in `request.py`.
    audio: Any = None
    function_call: Any = None
    functions: Any = None
    logit_bias: Any = None
    logprobs: Any = None
    modalities: Any = None
    moderation: Any = None
    n: Any = None
    service_tier: Any = None
    top_logprobs: Any = None
    web_search_options: Any = None
    resumable: bool = False
    id: str | None = None
