"""The body of a chat completion request in OpenAI's form. Values only.

Fields that are not named here are allowed everywhere. `request.py` turns the known fields into a `ChatRequest`, and the
others travel along as the client sent them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from ...providers.chat_request import Json, Role
from ..openai_shared.body import FunctionDefinition, FunctionName, JSONObjectFormat, JSONSchemaDefinition, TextFormat


class TextContentPart(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    """A text part of a message."""

    text: str
    cache_control: Json | None = None


class ImageURL(msgspec.Struct, frozen=True):
    """The URL of an image."""

    url: str
    detail: str | None = None


class ImageContentPart(msgspec.Struct, frozen=True, tag_field="type", tag="image_url"):
    """An image part of a message."""

    image_url: ImageURL
    cache_control: Json | None = None


class RefusalContentPart(msgspec.Struct, frozen=True, tag_field="type", tag="refusal"):
    """A refusal of the model in an earlier answer."""

    refusal: str


class InputAudio(msgspec.Struct, frozen=True):
    """A recording: its base64 text, and its format such as `wav`."""

    data: str
    format: str


class AudioContentPart(msgspec.Struct, frozen=True, tag_field="type", tag="input_audio"):
    """An audio part of a message."""

    input_audio: InputAudio


class FileContent(msgspec.Struct, frozen=True):
    """A document: a `data:` URL, or the id of a file that the provider's server keeps."""

    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class FileContentPart(msgspec.Struct, frozen=True, tag_field="type", tag="file"):
    """A document in a message, such as a PDF."""

    file: FileContent
    cache_control: Json | None = None


ContentPart: TypeAlias = TextContentPart | ImageContentPart | RefusalContentPart | AudioContentPart | FileContentPart

CONTENT_PARTS: Mapping[str, Any] = {
    "text": TextContentPart,
    "image_url": ImageContentPart,
    "refusal": RefusalContentPart,
    "input_audio": AudioContentPart,
    "file": FileContentPart,
}
"""The known types of content parts, each with the type of its value."""


class FunctionCall(msgspec.Struct, frozen=True):
    """The function that an earlier answer called; `arguments` is JSON text."""

    name: str
    arguments: str = ""


class CustomCall(msgspec.Struct, frozen=True):
    """The custom tool that an earlier answer called with free text."""

    name: str
    input: str = ""


class ToolCallParam(msgspec.Struct, frozen=True):
    """A tool call in an earlier answer: of a function or of a custom tool."""

    id: str
    type: Literal["function", "custom"] = "function"
    function: FunctionCall | None = None
    custom: CustomCall | None = None


class ChatCompletionMessageParam(msgspec.Struct, frozen=True):
    """One message.

    Args:
        role: The author; `function` is the older API's `tool`.
        content: Text, or parts of the types `text`, `image_url`, `input_audio`, `file` and `refusal`. Parts of other
            types go to providers of chat completions alone.
        name: Tells the model which of several authors with the same role wrote the message.
        tool_calls: The tool calls of an assistant message.
        tool_call_id: For the role `tool`: the id of the tool call whose result the message is.
        refusal: The model's refusal, in an assistant message.
        reasoning_content: The reasoning before the answer, in an assistant message.
        reasoning: Another name of `reasoning_content`.
        reasoning_details: The reasoning in OpenRouter's form.
        thinking_blocks: The reasoning in Anthropic's form, with its signatures.
        function_call: The older API's single call.
        audio: An earlier answer's recording, which the provider's server keeps.
    """

    role: Literal[Role, "function"]
    content: str | list[Json] | None = None
    name: str | None = None
    tool_calls: list[ToolCallParam] | None = None
    tool_call_id: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: Any = None
    reasoning_details: Any = None
    thinking_blocks: Any = None
    function_call: FunctionCall | None = None
    audio: Any = None


class FunctionTool(msgspec.Struct, frozen=True):
    """A function that the model may call."""

    function: FunctionDefinition
    cache_control: Json | None = None


class CustomToolDefinition(msgspec.Struct, frozen=True):
    """A tool that the model calls with free text."""

    name: str
    description: str | None = None
    format: Json | None = None


class CustomToolParam(msgspec.Struct, frozen=True):
    """A custom tool."""

    custom: CustomToolDefinition


TOOLS: Mapping[str, Any] = {"function": FunctionTool, "custom": CustomToolParam}
"""The known types of tools, each with the type of its value."""


class NamedFunctionChoice(msgspec.Struct, frozen=True, tag_field="type", tag="function"):
    """The one function that the model must call."""

    function: FunctionName


class NamedCustomChoice(msgspec.Struct, frozen=True, tag_field="type", tag="custom"):
    """The one custom tool that the model must call."""

    custom: FunctionName


class AllowedTool(msgspec.Struct, frozen=True):
    """One of the tools: a function, a custom tool, or one of another type."""

    function: FunctionName | None = None
    custom: FunctionName | None = None


class AllowedTools(msgspec.Struct, frozen=True):
    """Some of the tools, and whether the model must call one of them."""

    tools: list[AllowedTool]
    mode: Literal["auto", "required"] = "auto"


class AllowedToolsChoice(msgspec.Struct, frozen=True, tag_field="type", tag="allowed_tools"):
    """A tool choice of some of the tools."""

    allowed_tools: AllowedTools


TOOL_CHOICES: Mapping[str, Any] = {
    "function": NamedFunctionChoice,
    "custom": NamedCustomChoice,
    "allowed_tools": AllowedToolsChoice,
}
"""The known types of tool choices, each with the type of its value."""


class JSONSchemaFormat(msgspec.Struct, frozen=True, tag_field="type", tag="json_schema"):
    """The answer is JSON that matches a schema."""

    json_schema: JSONSchemaDefinition


RESPONSE_FORMATS: Mapping[str, Any] = {
    "text": TextFormat,
    "json_object": JSONObjectFormat,
    "json_schema": JSONSchemaFormat,
}
"""The known types of response formats, each with the type of its value."""


class StreamOptions(msgspec.Struct, frozen=True):
    """Options of the stream."""

    include_usage: bool | None = None


class ChatCompletionBody(msgspec.Struct, frozen=True):
    """The body of `POST /v1/chat/completions`: OpenAI's fields, and `resumable` and `id`.

    Other fields go to providers of chat completions as they are; `Headrace-Ignored` names them for other providers.

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
        tools: Functions and custom tools that the model may call. Tools of other types go to providers of chat
            completions alone.
        tool_choice: `auto`, `none` or `required`, or an object: one function or custom tool, or `allowed_tools`.
        parallel_tool_calls: Whether one answer may have several tool calls.
        response_format: Whether the answer is text, a JSON object, or JSON that matches a schema.
        reasoning_effort: How much the model reasons before it answers, such as `low`.
        reasoning: OpenRouter's form of `reasoning_effort`: an object with `effort`.
        thinking: Anthropic's `thinking` object, for Anthropic's models.
        verbosity: How long the answer is, such as `low`.
        user: An identifier of the end user, for the provider.
        safety_identifier: The newer name of `user`.
        functions: The older API's `tools`.
        function_call: The older API's `tool_choice`.
        modalities: Rejected if it contains `audio`.
        n: Rejected except for 1.
        resumable: Whether any worker can resume and stop the stream; see `POST /api/chat`.
        id: A chosen id for a resumable stream: 16 to 64 letters, digits, hyphens and underscores.
    """

    messages: list[ChatCompletionMessageParam]
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
    tools: list[Json] | None = None
    tool_choice: Literal["none", "auto", "required"] | Json | None = None
    parallel_tool_calls: bool | None = None
    response_format: Json | None = None
    reasoning_effort: str | None = None
    reasoning: Any = None
    thinking: Any = None
    verbosity: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    functions: list[FunctionDefinition] | None = None
    function_call: Literal["none", "auto"] | FunctionName | None = None
    modalities: list[str] | None = None
    n: Any = None
    resumable: bool = False
    id: str | None = None
