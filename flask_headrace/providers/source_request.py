"""A chat request as its client sent it, for providers that speak the client's protocol family. Values, and pure.

A `ChatRequest` holds what all providers understand. A provider of the client's own family also understands the rest, in
the client's words: fields, content parts, items and tools that this package does not know. `SourceRequest` keeps them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from .chat_request import ChatRequest, Message

Family: TypeAlias = Literal["openai-chat", "openai-responses", "anthropic"]
"""A protocol family: OpenAI's chat completions, OpenAI's Responses API, or Anthropic's Messages API."""


@dataclass(frozen=True, slots=True)
class SourceTurn:
    """Consecutive messages or items of a request, and what they were converted to.

    Args:
        values: The JSON objects that the client sent. Numbers keep their digits, see
            `ExactFloat`.
        messages: The messages of the `ChatRequest` that they were converted to. May be empty.
    """

    values: tuple[Any, ...]
    messages: tuple[Any, ...]  # of `Message`, whose module imports this one


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """A request as its client sent it.

    Args:
        family: The protocol family of the request.
        fields: The top-level fields that the client sent, without those that are meant for this service alone (such as
            `model`, `stream` and `resumable`). Numbers keep their digits.
        turns: The conversation, in order.
        headers: Names and values of the request's headers that belong to the protocol, such as `anthropic-beta`.
        unread: What the `ChatRequest` does not contain and other families do without, as paths for people, such as
            `context_management` or `tools[4] (web_search)`.
        essential: What the `ChatRequest` does not contain and the question depends on, as paths, such as
            `messages[0].content[1] (video_url)`: a provider of another family cannot answer the request.
        state: What names a state that the provider's server keeps, as paths, such as `previous_response_id`.
        converted: The `ChatRequest` without its source. A field is sent as the client wrote it as long as the request
            has the same value there: an application may have changed it.
    """

    family: Family
    fields: Mapping[str, Any]
    turns: tuple[SourceTurn, ...]
    headers: tuple[tuple[str, str], ...] = ()
    unread: tuple[str, ...] = ()
    essential: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    converted: Any = None  # a `ChatRequest` or None; its module imports this one


def changed_fields(request: ChatRequest, source: SourceRequest, fields: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the fields of the client's protocol that must be built anew, since an application has changed them.

    Args:
        request: The request now.
        source: The request as the client sent it.
        fields: The fields of the protocol, each with the fields of a `ChatRequest` from which it is built.
    """
    sent = source.converted
    return [
        field
        for field, names in fields.items()
        if sent is not None and any(getattr(request, name) != getattr(sent, name) for name in names)
    ]


def restore_turns(
    messages: Sequence[Message], source: SourceRequest, build: Callable[[Sequence[Message]], list[Any]]
) -> list[Any]:
    """Return a conversation in the client's protocol: turns that are unchanged as the client sent them.

    Args:
        messages: The messages of the request now. A fallback may have added some, and an application may have replaced
            some since the client sent them.
        source: The request as the client sent it.
        build: Returns messages that the client did not send in the protocol's form.
    """
    by_first = {id(turn.messages[0]): (place, turn) for place, turn in enumerate(source.turns) if turn.messages}
    values: list[Any] = []
    changed: list[Message] = []
    next_turn = position = 0
    while position < len(messages):
        place, turn = by_first.get(id(messages[position]), (0, None))
        size = len(turn.messages) if turn else 1
        if turn is None or not _is_same(messages[position : position + size], turn.messages):
            changed.append(messages[position])
            position += 1
            continue
        if changed:
            values += build(changed)
            changed = []
        # Turns without messages have only a place: they stay in front of the turn that followed them.
        values += _values_without_messages(source.turns[next_turn:place])
        values += turn.values
        next_turn, position = max(next_turn, place + 1), position + size
    values += _values_without_messages(source.turns[next_turn:])
    return values + (build(changed) if changed else [])


def _values_without_messages(turns: Sequence[SourceTurn]) -> list[Any]:
    return [value for turn in turns if not turn.messages for value in turn.values]


def _is_same(messages: Sequence[Message], sent: Sequence[Message]) -> bool:
    return len(messages) == len(sent) and all(now is then for now, then in zip(messages, sent, strict=True))
