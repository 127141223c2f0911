"""The reasoning of an answer that its provider wants back with the next turn, as one text for clients to store. Pure.

The text is opaque to clients: `r1.` and the base64 of JSON. It names the provider and the model that made it, and only
they receive it. Whether its signatures are genuine is for the provider to judge.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from ..core import exact_json
from .chat_request import ChatRequest, Message, Part, ReasoningPart, TextPart
from .source_request import Family

MAX_STATE_CHARS = 512 * 1024
"""Characters of a state. A longer one is not made: the next turn then does without."""

MAX_RUNS = 1000
"""Runs of reasoning, and tool calls, in one state."""

MESSAGE_FIELDS = frozenset({
    "extra_content", "reasoning", "reasoning_content", "reasoning_details", "reasoning_opaque", "reasoning_text",
})  # fmt: skip
"""The fields of a chat completion's message that contain reasoning, under the names of different servers."""

CALL_FIELDS = frozenset({"index", "id", "type", "function", "custom", "name", "arguments", "input"})
"""The fields of a chat completion's tool call that say what is called; all others belong to the reasoning."""

_VERSION = re.compile(r"r(\d{1,9})\.", re.ASCII)


class SignedReasoning(msgspec.Struct, frozen=True, omit_defaults=True):
    """A run of reasoning.

    Args:
        text: See `ReasoningPart`.
        signature: See `ReasoningPart`.
        is_redacted: See `ReasoningPart`.
        place: The number of characters of the answer's text before it.
    """

    text: str
    signature: str | None = None
    is_redacted: bool = False
    place: int = 0


class ReasoningState(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The reasoning of one answer.

    Args:
        family: The protocol of the provider.
        provider: The provider's name.
        model: The provider's own name of the model.
        text_size: The number of characters of the answer's text.
        runs: The reasoning, where the protocol has signatures for it.
        fields: The fields of the message, where the protocol is chat completions.
        calls: The fields of the tool calls, by the id of the call, where the protocol is chat completions.
    """

    family: Family
    provider: str
    model: str
    text_size: int = 0
    runs: tuple[SignedReasoning, ...] = ()
    fields: dict[str, msgspec.Raw] = {}  # msgspec gives each value one of its own
    calls: dict[str, dict[str, msgspec.Raw]] = {}


_encode = exact_json.encode
_decode = msgspec.json.Decoder(ReasoningState).decode


def encode_state(state: ReasoningState) -> str | None:
    """Return a state as text; None if it is too long."""
    text = "r1." + urlsafe_b64encode(_encode(state)).decode()
    return text if len(text) <= MAX_STATE_CHARS and _is_consistent(state) else None


def decode_state(text: str) -> ReasoningState | None:
    """Return the state in a text; None if another version of this package has written it.

    Raises:
        ValueError: the text is no state.
    """
    version = _VERSION.match(text)
    if version is None or len(text) > MAX_STATE_CHARS:
        raise ValueError(f"{text!r:.100} is no state")
    if version[1] != "1":
        return None
    try:
        state = _decode(urlsafe_b64decode(text[version.end() :]))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"{text!r:.100} is no state: {error}") from error
    if not _is_consistent(state):
        raise ValueError(f"{text!r:.100} has other fields than a state")
    return state


def _is_consistent(state: ReasoningState) -> bool:
    names = [name for fields in state.calls.values() for name in fields]
    is_bounded = len(state.runs) <= MAX_RUNS and len(state.calls) <= MAX_RUNS
    return is_bounded and MESSAGE_FIELDS.issuperset(state.fields) and CALL_FIELDS.isdisjoint(names)


def own_states(request: ChatRequest, family: Family | None, provider: str) -> dict[str, ReasoningState]:
    """Return the states of a conversation that a provider's model has made, by their texts.

    Args:
        request: The request; its `model` is the provider's own name of the model.
        family: The protocol of the provider; None if the provider makes no states.
        provider: The provider's name.
    """
    made_by = (family, provider, request.model)
    texts = {text for message in request.messages if (text := message.reasoning_state) is not None}
    states = {text: state for text in texts if (state := decode_state(text)) is not None}
    return {text: state for text, state in states.items() if (state.family, state.provider, state.model) == made_by}


def with_reasoning_parts(request: ChatRequest, family: Family | None, provider: str) -> ChatRequest:
    """Return a request whose messages contain the reasoning of their states as parts.

    States that the provider's model has not made are dropped; for the arguments see `own_states`.
    """
    if all(message.reasoning_state is None for message in request.messages):
        return request
    states = own_states(request, family, provider)
    return replace(request, messages=tuple([_with_parts(message, states) for message in request.messages]))


def _with_parts(message: Message, states: Mapping[str, ReasoningState]) -> Message:
    if message.reasoning_state is None:
        return message
    state = states.get(message.reasoning_state)
    if state is None:
        return replace(message, reasoning_state=None)
    others = [part for part in message.parts() if not isinstance(part, ReasoningPart)]
    text = message.text()
    is_as_written = len(text) == state.text_size and all(type(part) is TextPart for part in others)
    content = _placed(state.runs, text) if is_as_written else [*map(_part, state.runs), *others]
    return replace(message, reasoning_state=None, content=tuple(content))


def _placed(runs: tuple[SignedReasoning, ...], text: str) -> list[Part]:
    parts: list[Part] = []
    done = 0
    for run in sorted(runs, key=_place):
        place = max(0, min(run.place, len(text)))
        parts += [TextPart(text[done:place])] if place > done else []
        parts.append(_part(run))
        done = place
    return [*parts, TextPart(text[done:])] if text[done:] else parts


def _place(run: SignedReasoning) -> int:
    return run.place


def _part(run: SignedReasoning) -> ReasoningPart:
    return ReasoningPart(run.text, run.signature, run.is_redacted)


def raw(value: Any) -> msgspec.Raw:  # noqa: ANN401  # any JSON
    """Return a JSON value as it is kept in a state."""
    return msgspec.Raw(_encode(value))
