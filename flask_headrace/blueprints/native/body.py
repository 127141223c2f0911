"""The body of `POST /api/chat`. Values only."""

from __future__ import annotations

import msgspec

from ...providers.chat_request import Json, Message, Tool, ToolChoice


class ChatBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/chat`.

    Args:
        messages: The conversation, oldest message first.
        model: `provider/name`, or an alias. The default model if omitted.
        system: The system prompt, placed before the conversation.
        max_tokens: Maximum number of tokens of the answer.
        temperature: Sampling temperature, 0 to 2; 0 is the most deterministic.
        reasoning_effort: How much the model reasons before it answers: one of its `reasoning_efforts`, such as `low`.
        tools: The tools that the model may call: those that the client runs itself, and names of tools that run here.
            All that run here if omitted.
        tool_choice: Whether the model calls tools: freely, never, at least one, or a named one.
        max_steps: How often the model may call tools that run here, at most as often as the service allows.
        max_cost: The most that the answer may cost, at most what the service allows.
        schema: The JSON Schema that the answer must match.
        partials: Whether `partial` frames report the growing arguments of tool calls; with a schema they always do.
        stream: Whether the answer is an event stream.
        resumable: Whether any worker can resume and stop the stream.
        id: A chosen id for a resumable stream: 16 to 64 letters, digits, hyphens and underscores.
    """

    messages: list[Message]
    model: str | None = None
    system: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    reasoning_effort: str | None = None
    tools: list[Tool | str] | None = None
    tool_choice: ToolChoice | None = None
    max_steps: int | None = None
    max_cost: float | None = None
    schema: Json | None = None
    partials: bool = False
    stream: bool = True
    resumable: bool = False
    id: str | None = None
