"""Options that a page may add to the requests of the Vercel AI SDK's hooks, in `body`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...providers.chat_request import ChatRequest, GenerationParams, Message, Tool, ToolChoice
from ..requested_tools import client_tools

_CHAT_REQUEST_FIELDS = {*ChatRequest.__struct_fields__} - {"model", "messages"}


class ModelOptions(GenerationParams, frozen=True, kw_only=True):
    """The model and its generation parameters.

    Args:
        model: `provider/name`, or an alias. The default model if omitted.
        system: The system prompt, placed before the conversation.
    """

    model: str | None = None
    system: str | None = None

    def to_chat_request(self, messages: Sequence[Message], **overrides: Any) -> ChatRequest:  # noqa: ANN401  # fields of ChatRequest
        """Return the `ChatRequest` of a conversation with these options, without the model.

        Args:
            messages: The conversation, oldest message first.
            overrides: Further fields of the `ChatRequest`.
        """
        system_messages = (Message("system", self.system),) if self.system else ()
        options: dict[str, Any] = {
            name: getattr(self, name) for name in self.__struct_fields__ if name in _CHAT_REQUEST_FIELDS
        }
        if "tools" in options:
            options["tools"] = client_tools(options["tools"])
        # An empty conversation is an error even with a system prompt, so both are dropped.
        return ChatRequest(model="", messages=(*system_messages, *messages) if messages else (), **options, **overrides)


class ChatOptions(ModelOptions, frozen=True, kw_only=True):
    """`ModelOptions` and tools, for a chat whose page can show and answer tool calls.

    Args:
        tools: The tools that the model may call: those that the page runs itself, and names of tools that run here. All
            that run here if omitted.
        tool_choice: Whether the model calls tools: freely, never, at least one, or a named one.
        parallel_tool_calls: Whether one answer may have several tool calls.
        max_steps: How often the model may call tools that run here, at most as often as the service allows.
        max_cost: The most that the answer may cost, at most what the service allows.
    """

    tools: tuple[Tool | str, ...] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_steps: int | None = None
    max_cost: float | None = None
