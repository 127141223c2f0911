"""The body of endpoints that serve several versions of the AI SDK: a prompt, or the messages of any `useChat`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ...core.errors import InvalidRequest
from ...providers.chat_request import Json, Message
from ..http.request_body import format_validation_error
from .chat_body import read_chat_body
from .chat_request import to_chat_request
from .options import ModelOptions
from .v4_body import V4Message
from .v4_request import to_messages


class PromptBody(ModelOptions, frozen=True, kw_only=True):
    """A prompt or a conversation, and options.

    Args:
        prompt: A text, as `useCompletion` sends it.
        messages: A conversation, as `useChat` of any version sends it, instead of `prompt`.
    """

    prompt: str | None = None
    messages: list[Json] | None = None

    def to_messages(self) -> tuple[Message, ...]:
        """Return the prompt or the conversation as messages.

        Raises:
            InvalidRequest: both or neither of `prompt` and `messages` are present, or a message is not supported; 400.
        """
        if (self.prompt is None) == (self.messages is None):
            raise InvalidRequest("prompt and messages are both missing or both present: send one of them.")
        return (
            _messages_of_any_version(self.messages)
            if self.messages is not None
            else (Message("user", self.prompt or ""),)
        )


class _V4Messages(msgspec.Struct):
    messages: list[V4Message]


def _messages_of_any_version(messages: Sequence[Json]) -> tuple[Message, ...]:
    # From version 5 on, messages have no `content` field.
    body = {"messages": list(messages)}
    try:
        if any("content" in message for message in messages):
            return to_messages(msgspec.convert(body, _V4Messages).messages)
        return to_chat_request(read_chat_body(body)).messages
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"The body is invalid: {format_validation_error(error)}.") from None
