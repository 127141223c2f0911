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
        tools: The tools that the model may call.
        tool_choice: Whether the model calls tools: freely, never, at least one, or a named one.
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
    tools: list[Tool] = []
    tool_choice: ToolChoice | None = None
    schema: Json | None = None
    partials: bool = False
    stream: bool = True
    resumable: bool = False
    id: str | None = None
