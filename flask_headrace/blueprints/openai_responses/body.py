"""The body of a Responses API request in OpenAI's form. Values only.

Unknown fields are rejected, except in items and their parts: clients send output items back with all their fields.
`request.py` turns the known fields into a `ChatRequest`.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from ...providers.chat_request import Json
from ..openai_shared.body import (
    AllowedToolsChoice,
    FunctionDefinition,
    FunctionName,
    JSONObjectFormat,
    JSONSchemaDefinition,
    StrictStruct,
    TextFormat,
)


class InputText(msgspec.Struct, frozen=True, tag_field="type", tag="input_text"):
    """A text part of a message to the model."""

    text: str


class OutputText(msgspec.Struct, frozen=True, tag_field="type", tag="output_text"):
    """A text part of an earlier answer."""

    text: str


class OutputRefusal(msgspec.Struct, frozen=True, tag_field="type", tag="refusal"):
    """A refusal of the model in an earlier answer."""

    refusal: str


class InputImage(msgspec.Struct, frozen=True, tag_field="type", tag="input_image"):
    """An image by its URL. `file_id` is rejected: this service stores no files."""

    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None


ContentPart: TypeAlias = InputText | OutputText | OutputRefusal | InputImage


class SummaryText(msgspec.Struct, frozen=True):
    """A part of the model's reasoning."""

    text: str


class InputItem(msgspec.Struct, frozen=True):
    """One item of the conversation: a message, a function call, its output, reasoning, or a compaction.

    Args:
        type: The type of the item; a message if omitted.
        role: The author of a message.
        content: The content of a message.
        call_id: The id of a call, in the call and in its output.
        name: The function of a call.
        arguments: The JSON text of a call's arguments.
        output: The output of a call.
        summary: The text of reasoning.
        encrypted_content: The provider's signature of reasoning, or the content of a compaction.
        id: The id of an `item_reference`, which is rejected: this service stores no items.
    """

    type: Literal["message", "function_call", "function_call_output", "reasoning", "compaction", "item_reference"] = (
        "message"
    )
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | list[ContentPart] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str = ""
    output: str | list[ContentPart] | None = None
    summary: list[SummaryText] = []
    encrypted_content: str | None = None
    id: str | None = None


class FunctionTool(FunctionDefinition, frozen=True):
    """A function that the model may call; other types of tools are rejected."""

    type: Literal["function"] = "function"


class NamedFunctionChoice(FunctionName, frozen=True, tag_field="type", tag="function"):
    """The one function that the model must call."""


ToolChoiceParam: TypeAlias = Literal["none", "auto", "required"] | NamedFunctionChoice | AllowedToolsChoice


class JSONSchemaFormat(JSONSchemaDefinition, frozen=True, tag_field="type", tag="json_schema"):
    """The answer is JSON that matches a schema."""


class TextConfig(StrictStruct, frozen=True):
    """The format of the answer's text, and its verbosity."""

    format: TextFormat | JSONObjectFormat | JSONSchemaFormat | None = None
    verbosity: str | None = None


class ReasoningConfig(msgspec.Struct, frozen=True):
    """How much the model reasons. Reasoning is always streamed if the provider returns it."""

    effort: str | None = None


class StreamOptions(StrictStruct, frozen=True):
    """Accepted and ignored: frames are never padded."""

    include_obfuscation: bool | None = None


class ResponseBody(StrictStruct, frozen=True):
    """The body of `POST /v1/responses`: OpenAI's fields, and `resumable` and `id`.

    Args:
        input: A text, or the items of the whole conversation, oldest first.
        model: `provider/name`, or a name that a provider lists. The default model if omitted.
        instructions: The system prompt, placed before the conversation.
        stream: Whether the answer is an event stream.
        stream_options: Accepted and ignored.
        max_output_tokens: Maximum number of tokens of the answer.
        temperature: Sampling temperature, 0 to 2; 0 is the most deterministic.
        top_p: Nucleus sampling: the probability mass from which tokens are sampled, 0 to 1.
        tools: The functions that the model may call.
        tool_choice: Whether the model calls tools: freely, never, at least one, or a named one.
        parallel_tool_calls: Whether one answer may have several tool calls.
        text: Whether the answer is text, a JSON object, or JSON that matches a schema; and its verbosity.
        reasoning: How much the model reasons before it answers.
        user: An identifier of the end user, for the provider.
        include: Accepted and ignored: the response includes everything that the provider returns.
        metadata: Echoed in the response, without another effect.
        prompt_cache_key: Accepted and ignored.
        prompt_cache_options: Accepted and ignored.
        prompt_cache_retention: Accepted and ignored.
        safety_identifier: Accepted and ignored.
        store: Accepted and ignored: this service stores no responses.
        background: Rejected except for `false`; use `resumable`.
        context_management: Rejected unless empty.
        conversation: Rejected: send the whole conversation in `input`.
        max_tool_calls: Rejected.
        moderation: Rejected.
        previous_response_id: Rejected: send the whole conversation in `input`.
        prompt: Rejected.
        service_tier: Rejected except for `auto` and `default`.
        top_logprobs: Rejected except for 0.
        truncation: Rejected except for `disabled`.
        resumable: Whether any worker can resume and stop the stream; see `POST /api/chat`.
        id: A chosen id for a resumable stream: 16 to 64 letters, digits, hyphens and underscores.
    """

    input: str | list[InputItem]
    model: str | None = None
    instructions: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    tools: list[FunctionTool] | None = None
    tool_choice: ToolChoiceParam | None = None
    parallel_tool_calls: bool | None = None
    text: TextConfig | None = None
    reasoning: ReasoningConfig | None = None
    user: str | None = None
    # These fields do not change the answer: they concern storage, caching, speed and abuse detection at OpenAI.
    include: Any = None
    metadata: Json | None = None
    prompt_cache_key: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: Any = None
    safety_identifier: Any = None
    store: Any = None
    # These fields would change the answer and are not supported: see `UNSUPPORTED_FIELDS` in `request.py`.
    background: Any = None
    context_management: Any = None
    conversation: Any = None
    max_tool_calls: Any = None
    moderation: Any = None
    previous_response_id: Any = None
    prompt: Any = None
    service_tier: Any = None
    top_logprobs: Any = None
    truncation: Any = None
    resumable: bool = False
    id: str | None = None
