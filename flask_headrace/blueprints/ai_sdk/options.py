"""What the hooks of the Vercel AI SDK may send beside their own fields, in `body`: whom to ask, and how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...providers.chat_request import ChatRequest, GenerationParams, Message, Tool, ToolChoice

_CHAT_REQUEST_FIELDS = {*ChatRequest.__struct_fields__} - {"model", "messages"}


class ModelOptions(GenerationParams, frozen=True, kw_only=True):
    """Whom to ask, and how.

    Args:
        model: `provider/name`, or an alias; the default model where it is left out.
        system: What the model is told before the conversation.
    """

    model: str | None = None
    system: str | None = None

    def to_chat_request(self, messages: Sequence[Message], **overrides: Any) -> ChatRequest:  # noqa: ANN401  # a question's fields
        """Return a conversation as a question that is asked so; `more` are its further fields."""
        system_messages = (Message("system", self.system),) if self.system else ()
        options: dict[str, Any] = {
            name: getattr(self, name) for name in self.__struct_fields__ if name in _CHAT_REQUEST_FIELDS
        }
        # An empty conversation is a mistake, whatever the system prompt.
        return ChatRequest(model="", messages=(*system_messages, *messages) if messages else (), **options, **overrides)


class ChatOptions(ModelOptions, frozen=True, kw_only=True):
    """The same of a chat, whose page can show and answer the calls of tools.

    Args:
        tools: What the model may ask to be called.
        tool_choice: Whether it calls them: as it likes, not at all, at least one, or that one.
        parallel_tool_calls: Whether one answer may have several calls.
    """

    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
