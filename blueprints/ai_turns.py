"""The messages of a `useChat` whose version its address does not tell."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..providers.request import Json, Message
from ..streaming.errors import InvalidRequest
from .ai_sdk_body import read_chat_body
from .ai_sdk_request import question_of
from .ai_v4_messages import Turn
from .ai_v4_turns import messages_of
from .body import readable


class _Older(msgspec.Struct):
    messages: list[Turn]


def conversation_of(messages: Sequence[Json]) -> tuple[Message, ...]:
    """Return a conversation as a model is asked it. From version 5 on, messages have no `content`.

    Raises:
        InvalidRequest: it is not one; 400, with the field's path.
    """
    posted = {"messages": list(messages)}
    try:
        if any("content" in message for message in messages):
            return messages_of(msgspec.convert(posted, _Older).messages)
        return question_of(read_chat_body(posted)).messages
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"The body is not as it should be: {readable(error)}.") from None
