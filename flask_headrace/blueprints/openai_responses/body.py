"""The body of a Responses API request in OpenAI's form. Values only.

Fields that are not named here are allowed everywhere. `request.py` turns the known fields into a `ChatRequest`, and the
others travel along as the client sent them. For items, parts and tools see `input_items.py`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ...providers.chat_request import Json


class TextConfig(msgspec.Struct, frozen=True):
    """The format of the answer's text (`text`, `json_object` or `json_schema`), and its verbosity."""

    format: Json | None = None
    verbosity: str | None = None


class ReasoningConfig(msgspec.Struct, frozen=True):
    """How much the model reasons. Reasoning is always streamed if the provider returns it."""

    effort: str | None = None


class ResponseBody(msgspec.Struct, frozen=True):
    """The body of `POST /v1/responses`: OpenAI's fields, and `resumable` and `id`.

    A provider of the Responses API receives all fields as they are, also those that are not listed here. For other
    providers those without a counterpart are left out; the response's header `Headrace-Ignored` names them.

    Args:
        input: A text, or the items of the whole conversation, oldest first.
        model: `provider/name`, or a name that a provider lists. The default model if omitted.
        instructions: The system prompt, placed before the conversation.
        stream: Whether the answer is an event stream.
        max_output_tokens: Maximum number of tokens of the answer.
        temperature: Sampling temperature, 0 to 2; 0 is the most deterministic.
        top_p: Nucleus sampling: the probability mass from which tokens are sampled, 0 to 1.
        tools: The tools that the model may call: functions, custom tools, and namespaces of them. Tools of other types,
            such as `web_search`, are the provider's own.
        tool_choice: Whether the model calls tools: freely, never, at least one, a named one, or some of them.
        parallel_tool_calls: Whether one answer may have several tool calls.
        text: Whether the answer is text, a JSON object, or JSON that matches a schema; and its verbosity.
        reasoning: How much the model reasons before it answers.
        user: An identifier of the end user, for the provider.
        safety_identifier: The newer name of `user`.
        metadata: Echoed in the response.
        store: Whether a provider of the Responses API stores the response; `false` if omitted. With `background`, this
            service stores it, and `false` is rejected.
        background: Whether the answer goes on without a reader; see `GET /v1/responses/resp_{stream_id}`.
        previous_response_id: The id of a response that the provider stores; rejected unless the upstream has
            `state = true`. Send the whole conversation in `input`.
        conversation: Likewise, of a conversation.
        prompt: Likewise, of a prompt.
        resumable: Whether any worker can resume and stop the stream; see `POST /api/chat`.
        id: A chosen id for a resumable stream: 16 to 64 letters, digits, hyphens and underscores.
    """

    input: str | list[Json] | None = None
    model: str | None = None
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    tools: list[Json] | None = None
    tool_choice: Literal["none", "auto", "required"] | Json | None = None
    parallel_tool_calls: bool | None = None
    text: TextConfig | None = None
    reasoning: ReasoningConfig | None = None
    user: str | None = None
    safety_identifier: str | None = None
    metadata: Json | None = None
    store: bool | None = None
    background: bool | None = None
    previous_response_id: str | None = None
    conversation: Any = None
    prompt: Any = None
    resumable: bool = False
    id: str | None = None
