"""The conversation of a request to Anthropic's Messages API: the system prompt, and the turns. Pure.

The API has system prompts beside the turns, and no tool messages. It refuses empty turns, blank texts, and anything
before the results of the calls in the turn before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import takewhile
from typing import Any, NamedTuple, TypeAlias

from ...core.errors import InvalidRequest
from ..chat_request import Json, Message
from ..source_request import SourceRequest, restore_turns
from .call_ids import with_accepted_ids
from .parts import blocks_of, content_blocks, without_unsigned

Content: TypeAlias = str | list[Any]
"""The content of a turn or of the system prompt: text, or blocks."""

OPENING = "(The assistant begins the conversation.)"
"""What the user says in a conversation that begins with an answer, such as a greeting."""

_SYSTEM_ROLES = {"system", "developer"}


class Conversation(NamedTuple):
    """The fields `system` (None for none) and `messages` of a request."""

    system: Content | None
    messages: list[Any]


def build_conversation(
    messages: Sequence[Message], source: SourceRequest | None = None, *, keeps_unsigned: bool = False
) -> Conversation:
    """Return a conversation in the API's form.

    System messages at the beginning become the system prompt; later ones become text of the user, in their place.

    Args:
        messages: The messages of the request.
        source: The request as a client of the same API sent it: unchanged turns stay as they came. None for others.
        keeps_unsigned: See `blocks_of`.

    Raises:
        InvalidRequest: the conversation has no text at all.
    """
    if source is None:
        leading, rest = _split(messages, {})
        turns = _complete(build_turns(rest, keeps_unsigned=keeps_unsigned))
        system, turns = _built_system(leading), with_accepted_ids(turns)
    else:
        system, turns = _restore(messages, source, keeps_unsigned=keeps_unsigned)
    if turns:
        return Conversation(system, turns)
    if not system:
        raise InvalidRequest("The conversation has no text: add a user's message with text.")
    return Conversation(None, [{"role": "user", "content": system}])


def build_turns(messages: Sequence[Message], *, keeps_unsigned: bool = False) -> list[Any]:
    """Return messages as turns: text of the system becomes text of the user, and empty turns are left out."""
    turns: list[Json] = []
    has_results = False  # whether the last turn has results of tools
    for message in messages:
        if not (blocks := blocks_of(message, keeps_unsigned=keeps_unsigned)):
            continue
        role, is_result = "assistant" if message.role == "assistant" else "user", message.role == "tool"
        # The API requires all calls of an answer in one turn, and all of their results in the next.
        if turns and turns[-1]["role"] == role and (role == "assistant" or has_results or is_result):
            turns[-1]["content"] = joined = _as_blocks(turns[-1]["content"])
            joined += blocks
        else:
            is_text = isinstance(message.content, str) and not message.tool_calls and not is_result
            turns.append({"role": role, "content": message.content if is_text else blocks})
            has_results = False
        has_results |= is_result
    return [{**turn, "content": _results_first(turn["content"])} for turn in turns]


def _complete(turns: list[Any]) -> list[Any]:
    """Return turns as the API requires: the user's is the first, and the assistant's does not end with white space."""
    if turns and turns[0]["role"] == "assistant":
        turns.insert(0, {"role": "user", "content": OPENING})
    if turns and turns[-1]["role"] == "assistant":
        content = turns[-1]["content"]
        if isinstance(content, str):
            turns[-1]["content"] = content.rstrip()
        elif content[-1]["type"] == "text":
            content[-1]["text"] = content[-1]["text"].rstrip()
    return turns


def _restore(
    messages: Sequence[Message], source: SourceRequest, *, keeps_unsigned: bool
) -> tuple[Content | None, list[Any]]:
    system: Content | None = None
    prompt = source.turns[0] if source.turns and not source.turns[0].values else None
    if prompt and messages and messages[0] == prompt.messages[0]:
        system, messages = source.fields["system"], messages[1:]
    turn_of = {
        id(message): place for place, turn in enumerate(source.turns) if turn.values for message in turn.messages
    }
    leading, rest = _split(messages, turn_of)
    if leading:
        system = _joined(system, _built_system(leading))
    build = partial(build_turns, keeps_unsigned=keeps_unsigned)
    restored = restore_turns(_notes_after_results(rest, turn_of), source, build)
    if keeps_unsigned:
        return system, restored
    signed = [(turn, without_unsigned(turn)) for turn in with_accepted_ids(restored)]
    # A turn of nothing but another provider's reasoning is empty, which the API refuses.
    return system, [kept for turn, kept in signed if kept is turn or kept["content"]]


def _split(messages: Sequence[Message], turn_of: Mapping[int, int]) -> tuple[list[Message], Sequence[Message]]:
    leading = list(
        takewhile(lambda message: message.role in _SYSTEM_ROLES and id(message) not in turn_of, messages),
    )
    return leading, messages[len(leading) :]


def _notes_after_results(messages: Sequence[Message], turn_of: Mapping[int, int]) -> list[Message]:
    """Return messages with those of the system that are built anew behind the results that they precede.

    Args:
        messages: The messages.
        turn_of: The number of the turn in which a client sent a message, by the message's identity.
    """
    ordered: list[Message] = []
    notes: list[Message] = []
    turn: int | None = None
    for message in messages:
        if message.role in _SYSTEM_ROLES and id(message) not in turn_of:
            notes.append(message)
            continue
        is_continued = turn is not None and turn == turn_of.get(id(message))
        if message.role != "tool" and not is_continued:
            ordered += notes
            notes = []
        ordered.append(message)
        turn = turn_of.get(id(message))
    return [*ordered, *notes]


def _built_system(messages: Sequence[Message]) -> Content | None:
    if all(isinstance(message.content, str) for message in messages):
        return "\n\n".join([text for message in messages if (text := message.text()).strip()]) or None
    return [block for message in messages for block in content_blocks(message.parts())] or None


def _joined(first: Content | None, second: Content | None) -> Content | None:
    if not first or not second:
        return first or second
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return [*_as_blocks(first), *_as_blocks(second)]


def _results_first(content: Content) -> Content:
    if isinstance(content, str):
        return content
    return sorted(content, key=lambda block: block["type"] != "tool_result")


def _as_blocks(content: Content) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
