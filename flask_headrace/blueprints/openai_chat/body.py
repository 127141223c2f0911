"""The body of a chat completion's request, as OpenAI's clients write it. Values, and no more.

Fields that are not named here are refused. See `request.py` for what becomes of those that are.
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
    """A piece of a turn's text."""

    text: str
    cache_control: Json | None = None
    prompt_cache_breakpoint: Any = None


class ImageURL(StrictStruct, frozen=True):
    """Where a picture is."""

    url: str
    detail: str | None = None


class ImageContentPart(StrictStruct, frozen=True, tag_field="type", tag="image_url"):
    """A picture."""

    image_url: ImageURL
    cache_control: Json | None = None
    prompt_cache_breakpoint: Any = None


class RefusalContentPart(StrictStruct, frozen=True, tag_field="type", tag="refusal"):
    """What the model said in an earlier turn in place of an answer."""

    refusal: str


class AudioContentPart(msgspec.Struct, frozen=True, tag_field="type", tag="input_audio"):
    """Sound, which is refused."""


class FileContentPart(msgspec.Struct, frozen=True, tag_field="type", tag="file"):
    """A document, which is refused."""


ContentPart: TypeAlias = TextContentPart | ImageContentPart | RefusalContentPart | AudioContentPart | FileContentPart


class FunctionCall(StrictStruct, frozen=True):
    """The function that an earlier answer called, with the JSON text of its arguments."""

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
    """One message. What an answer had of its own, and comes back with it, makes no difference: see the last fields."""

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
    """A tool; other kinds than functions are refused."""

    function: FunctionDefinition
    type: Literal["function"] = "function"
    cache_control: Json | None = None


class NamedFunctionChoice(StrictStruct, frozen=True, tag_field="type", tag="function"):
    """The one function that the model must call."""

    function: FunctionName


ToolChoiceParam: TypeAlias = Literal["none", "auto", "required"] | NamedFunctionChoice | AllowedToolsChoice


class JSONSchemaFormat(StrictStruct, frozen=True, tag_field="type", tag="json_schema"):
    """That the answer is JSON that fits a schema."""

    json_schema: JSONSchemaDefinition


class StreamOptions(StrictStruct, frozen=True):
    """What a stream has besides the answer. `include_obfuscation` is read by nobody here: nothing is padded."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class ChatCompletionBody(StrictStruct, frozen=True):
    """The body of `POST /v1/chat/completions`: OpenAI's, but for the last two.

    Args:
        messages: The turns so far, oldest first.
        model: `provider/name`, or a name that a provider lists; the default model where it is left out.
        stream: Whether the answer comes as an event stream.
        stream_options: What the stream has besides the answer.
        max_tokens: The older name of `max_completion_tokens`.
        max_completion_tokens: Most tokens that the answer may have.
        temperature: 0 for the likeliest words, up to 2 for livelier ones.
        top_p: Share of the likelihood from which words are drawn.
        top_k: Number of the likeliest words from which one is drawn; many servers know it, OpenAI's do not.
        stop: Where the answer ends: a text, or several.
        seed: Makes answers alike, as far as the provider can.
        frequency_penalty: Above 0, words are repeated less, the more the oftener they came.
        presence_penalty: Above 0, words that came at all are repeated less.
        tools: The functions that the model may ask to be called.
        tool_choice: Whether it calls them: as it likes, not at all, at least one, or that one.
        parallel_tool_calls: Whether one answer may have several calls.
        response_format: Whether the answer is text, a JSON object, or JSON that fits a schema.
        reasoning_effort: How long the model thinks first.
        verbosity: How wordy the answer is to be.
        user: Whom the provider is told that it is for.
        metadata: Accepted, and of no effect here.
        prediction: Accepted, and of no effect here.
        prompt_cache_key: Accepted, and of no effect here.
        prompt_cache_options: Accepted, and of no effect here.
        prompt_cache_retention: Accepted, and of no effect here.
        safety_identifier: Accepted, and of no effect here.
        store: Accepted, and of no effect here.
        audio: Refused.
        function_call: Refused but for `none`: it is now `tool_choice`.
        functions: Refused: they are now `tools`.
        logit_bias: Refused, unless it is empty.
        logprobs: Refused but for `false`.
        modalities: Refused but for `["text"]`.
        moderation: Refused.
        n: Refused but for 1.
        service_tier: Refused but for `auto` and `default`.
        top_logprobs: Refused but for 0.
        web_search_options: Refused.
        resumable: Whether the stream can be followed and stopped from anywhere; see `POST /api/chat`.
        id: A resumable stream's own id: 16 to 64 letters, digits, hyphens and underscores.
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
    # These cannot change the answer: how it is filed, cached, sped up, and whom OpenAI may hold responsible for it.
    metadata: Any = None
    prediction: Any = None
    prompt_cache_key: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: Any = None
    safety_identifier: Any = None
    store: Any = None
    # These can, and nobody here can honour them: see `MEANINGLESS` in `request.py`.
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
