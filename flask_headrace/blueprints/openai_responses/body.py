"""The body of a request for a response, as OpenAI's clients write it. Values, and no more.

Fields that are not named here are refused, but for those of items and of what is in them: an answer's items come back
with all that they had. See `request.py` for what becomes of those that are named.
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
    """A piece of what the model is told."""

    text: str


class OutputText(msgspec.Struct, frozen=True, tag_field="type", tag="output_text"):
    """A piece of what it said in an earlier answer."""

    text: str


class OutputRefusal(msgspec.Struct, frozen=True, tag_field="type", tag="refusal"):
    """What it said in an earlier answer in place of one."""

    refusal: str


class InputImage(msgspec.Struct, frozen=True, tag_field="type", tag="input_image"):
    """A picture, by its URL. `file_id` is refused: no files are kept here."""

    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None


ContentPart: TypeAlias = InputText | OutputText | OutputRefusal | InputImage


class SummaryText(msgspec.Struct, frozen=True):
    """A part of what the model thought."""

    text: str


class InputItem(msgspec.Struct, frozen=True):
    """One item of the conversation: a turn, a call of a tool, what the tool has returned, or what the model thought.

    Args:
        type: Which of these; a turn where it is left out.
        role: Whose turn it is.
        content: What was said.
        call_id: Of a call and its output: what they know each other by.
        name: Of a call: the function.
        arguments: Of a call: the JSON text of its arguments.
        output: What the tool has returned.
        summary: What the model thought.
        encrypted_content: What its provider knows those thoughts by.
        id: Of an `item_reference`, which is refused: no items are kept here.
    """

    type: Literal["message", "function_call", "function_call_output", "reasoning", "item_reference"] = "message"
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
    """A function that the model may ask to be called; other kinds of tools are refused."""

    type: Literal["function"] = "function"


class NamedFunctionChoice(FunctionName, frozen=True, tag_field="type", tag="function"):
    """The one function that the model must call."""


ToolChoiceParam: TypeAlias = Literal["none", "auto", "required"] | NamedFunctionChoice | AllowedToolsChoice


class JSONSchemaFormat(JSONSchemaDefinition, frozen=True, tag_field="type", tag="json_schema"):
    """That the answer is JSON that fits a schema."""


class TextConfig(StrictStruct, frozen=True):
    """Of what form the answer's text is, and how wordy."""

    format: TextFormat | JSONObjectFormat | JSONSchemaFormat | None = None
    verbosity: str | None = None


class ReasoningConfig(msgspec.Struct, frozen=True):
    """How long the model thinks first. What it thought is told in any case, as far as its provider does."""

    effort: str | None = None


class StreamOptions(StrictStruct, frozen=True):
    """Read by nobody here: nothing is padded."""

    include_obfuscation: bool | None = None


class ResponseBody(StrictStruct, frozen=True):
    """The body of `POST /v1/responses`: OpenAI's, but for the last two.

    Args:
        input: What the model is asked: a text, or the items of the whole conversation, oldest first.
        model: `provider/name`, or a name that a provider lists; the default model where it is left out.
        instructions: What the model is told before all else.
        stream: Whether the answer comes as an event stream.
        stream_options: Accepted, and of no effect here.
        max_output_tokens: Most tokens that the answer may have.
        temperature: 0 for the likeliest words, up to 2 for livelier ones.
        top_p: Share of the likelihood from which words are drawn.
        tools: The functions that the model may ask to be called.
        tool_choice: Whether it calls them: as it likes, not at all, at least one, or that one.
        parallel_tool_calls: Whether one answer may have several calls.
        text: Whether the answer is text, a JSON object, or JSON that fits a schema; and how wordy it is to be.
        reasoning: How long the model thinks first.
        user: Whom the provider is told that it is for.
        include: Accepted, and of no effect here: what can be told always is.
        metadata: Comes back with the response, and has no other effect.
        prompt_cache_key: Accepted, and of no effect here.
        prompt_cache_options: Accepted, and of no effect here.
        prompt_cache_retention: Accepted, and of no effect here.
        safety_identifier: Accepted, and of no effect here.
        store: Accepted, and of no effect here: nothing is kept.
        background: Refused but for `false`; see `resumable`.
        context_management: Refused, unless it is empty.
        conversation: Refused: `input` has the whole of it.
        max_tool_calls: Refused.
        moderation: Refused.
        previous_response_id: Refused: `input` has the whole conversation.
        prompt: Refused.
        service_tier: Refused but for `auto` and `default`.
        top_logprobs: Refused but for 0.
        truncation: Refused but for `disabled`.
        resumable: Whether the stream can be followed and stopped from anywhere; see `POST /api/chat`.
        id: A resumable stream's own id: 16 to 64 letters, digits, hyphens and underscores.
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
    # These cannot change the answer: how it is filed, cached, sped up, and whom OpenAI may hold responsible for it.
    include: Any = None
    metadata: Json | None = None
    prompt_cache_key: Any = None
    prompt_cache_options: Any = None
    prompt_cache_retention: Any = None
    safety_identifier: Any = None
    store: Any = None
    # These can, and nobody here can honour them: see `MEANINGLESS` in `request.py`.
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
