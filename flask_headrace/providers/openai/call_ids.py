"""The ids of tool calls in requests to OpenAI's APIs: a client may have longer ones from another provider. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

from msgspec.structs import replace

from ..chat_request import Message


def shortened_call_id(sent: str, max_chars: int) -> str:
    """Return the id of a tool call with at most so many characters: the same one for the same id.

    Args:
        sent: The id as the client sent it.
        max_chars: Characters that the provider accepts, up to 69.
    """
    return sent if len(sent) <= max_chars else f"call_{sha256(sent.encode()).hexdigest()}"[:max_chars]


def with_short_call_ids(messages: Sequence[Message], max_chars: int) -> Sequence[Message]:
    """Return messages whose calls and results have ids of at most so many characters; see `shortened_call_id`."""
    if all(len(call.id) <= max_chars for message in messages for call in message.tool_calls):
        return messages
    return [_renamed(message, lambda sent: shortened_call_id(sent, max_chars)) for message in messages]


def _renamed(message: Message, rename: Callable[[str], str]) -> Message:
    if message.tool_calls:
        return replace(message, tool_calls=tuple([replace(call, id=rename(call.id)) for call in message.tool_calls]))
    if message.tool_call_id is not None:
        return replace(message, tool_call_id=rename(message.tool_call_id))
    return message
