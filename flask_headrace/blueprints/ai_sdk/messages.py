"""What is asked where the address does not tell the version: a prompt, or the messages of any `useChat`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ...core.errors import InvalidRequest
from ...providers.chat_request import Json, Message
from ..http.request_body import format_validation_error
from .chat_body import read_chat_body
from .chat_request import question_of
from .options import Options
from .v4_body import Turn
from .v4_request import messages_of


class Asked(Options, frozen=True, kw_only=True):
    """Options, and what is asked.

    Args:
        prompt: A text, as `useCompletion` posts it.
        messages: Instead: a conversation, as `useChat` of any version keeps it.
    """

    prompt: str | None = None
    messages: list[Json] | None = None

    def turns(self) -> tuple[Message, ...]:
        """Return what is asked as a conversation.

        Raises:
            InvalidRequest: there is none, or there are two, or it cannot be asked; 400.
        """
        if (self.prompt is None) == (self.messages is None):
            raise InvalidRequest("prompt and messages are both missing, or both given: give one of them.")
        return _conversation(self.messages) if self.messages is not None else (Message("user", self.prompt or ""),)


class _Older(msgspec.Struct):
    messages: list[Turn]


def _conversation(messages: Sequence[Json]) -> tuple[Message, ...]:
    # From version 5 on, messages have no `content`.
    posted = {"messages": list(messages)}
    try:
        if any("content" in message for message in messages):
            return messages_of(msgspec.convert(posted, _Older).messages)
        return question_of(read_chat_body(posted)).messages
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"The body is not as it should be: {format_validation_error(error)}.") from None
