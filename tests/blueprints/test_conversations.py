"""Random conversations of every protocol, for every provider: legal, nothing lost or moved, and the same next time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given, settings

from tests.support.conversations import clients
from tests.support.conversations.drawing import ID_SCHEMES, Abilities, conversations
from tests.support.conversations.providers import provider_body
from tests.support.conversations.reading import READERS, Found
from tests.support.conversations.rules import problems
from tests.support.conversations.turns import Conversation, Reasoning, Result, Text, Turn
from tests.support.conversations.ui_messages import as_sent, ui_messages

EXAMPLES = 60

ALL_ROLES = ("system", "developer")
ALL_MEDIA = ("image/png", "application/pdf", "text/plain")
ALL_REASONING = ("unsigned", "signed", "hidden", "redacted")
ALL_IDS = tuple(ID_SCHEMES)


@dataclass(frozen=True)
class Client:
    """A protocol of clients.

    Args:
        write: Returns a conversation as JSON.
        abilities: What conversations have in it.
        own: The providers that speak it too: they receive all as it was sent.
        legal: What conversations have that these providers take.
    """

    write: Callable[[Conversation], dict[str, Any]]
    abilities: Abilities
    own: tuple[str, ...] = ()
    legal: Abilities | None = None


NATIVE = Abilities(
    ALL_ROLES, media=ALL_MEDIA, reasoning=ALL_REASONING, is_ordered=False, result_media=ALL_MEDIA, has_errors=True,
    has_notes=True, id_schemes=ALL_IDS,
)  # fmt: skip
UI_MESSAGES = Abilities(
    media=("image/png", "text/plain"), reasoning=ALL_REASONING, has_errors=True, id_schemes=ALL_IDS
)
CHAT = Abilities(
    ALL_ROLES, media=ALL_MEDIA, reasoning=ALL_REASONING, is_ordered=False, has_custom_tools=True, id_schemes=ALL_IDS
)
RESPONSES = Abilities(
    ALL_ROLES, media=ALL_MEDIA, reasoning=ALL_REASONING, has_thought_alone=False, has_custom_tools=True,
    result_media=ALL_MEDIA, has_notes=True, id_schemes=ALL_IDS,
)  # fmt: skip
ANTHROPIC = Abilities(
    media=ALL_MEDIA, reasoning=ALL_REASONING, has_thought_alone=False, result_media=ALL_MEDIA, has_errors=True,
    has_notes=True, has_blanks=False, starts_with_answer=False, id_schemes=ALL_IDS,
)  # fmt: skip

CLIENTS = {
    "native": Client(clients.native, NATIVE),
    "ui_messages": Client(ui_messages, UI_MESSAGES),
    "chat": Client(clients.chat, CHAT, ("openai", "compatible"), replace(CHAT, id_schemes=("plain", "long"))),
    "responses": Client(clients.responses, RESPONSES, ("responses",), replace(RESPONSES, id_schemes=("plain",))),
    "anthropic": Client(
        clients.anthropic,
        ANTHROPIC,
        ("anthropic",),
        replace(
            ANTHROPIC, has_system_within=False, has_notes=False, reasoning=ALL_REASONING[1:], id_schemes=("plain",),
            ends_with_answer=False,
        ),
    ),
}  # fmt: skip
PAIRS = [(protocol, provider) for protocol in CLIENTS for provider in READERS]


def expected(conversation: Conversation, provider: str, *, is_own: bool) -> list[tuple[str, str]]:
    """Return the marks of a conversation in their order, each with the role that it has in a provider's request."""
    said: list[tuple[str, str]] = []
    has_begun = all(turn.role in {"system", "developer"} for turn in conversation)
    for turn in conversation:
        has_begun = has_begun or (turn.role not in {"system", "developer"} and any(marks(turn)))
        for part in turn.parts:
            role = {"developer": "system", "results": "tool" if isinstance(part, Result) else "user"}.get(
                turn.role, turn.role
            )
            if provider == "anthropic" and role == "system" and has_begun:
                role = "user"
            for mark in marks(Turn(turn.role, (part,))):
                said.append(("user" if is_moved(mark, provider) else role, mark))
    return said if is_own else ordered(said, provider)


def marks(turn: Turn) -> list[str]:
    """Return the marks of a turn."""
    pieces = [piece for part in turn.parts for piece in (part.parts if isinstance(part, Result) else (part,))]
    return [piece.mark for piece in pieces if piece.mark]


def is_moved(mark: str, provider: str) -> bool:
    """Return whether a mark is of a picture in a result, which stands in the user's turn in chat completions."""
    return mark.startswith("P") and provider in {"openai", "compatible"}


def ordered(said: list[tuple[str, str]], provider: str) -> list[tuple[str, str]]:
    """Return marks in the order that the provider's rules, and the values of a `ChatRequest`, leave them in."""
    is_chat = provider in {"openai", "compatible"}
    ranks = {"C": 2, "N": 2, "P": 1 if is_chat else 0, "A": 1 if is_chat else 0}
    found = []
    for _, group in groupby(said, key=lambda item: "answer" if item[1][0] in "RAC" else item[1][0] in "OPN"):
        found += sorted(group, key=lambda item: ranks.get(item[1][0], 0))
    return found


def optional(conversation: Conversation, provider: str, *, is_own: bool) -> set[str]:
    """Return the marks that a provider need not receive: of reasoning that it does not know, or that it refuses."""
    found: set[str] = set()
    for turn in conversation:
        rest = [part for part in turn.parts if isinstance(part, Reasoning) or getattr(part, "mark", "")]
        for place, part in enumerate(rest):
            if not isinstance(part, Reasoning):
                continue
            is_last = all(isinstance(after, Reasoning) for after in rest[place:])
            is_known = part.text if provider == "compatible" else part.signature
            if not is_own and (not is_known or (is_last and provider != "compatible")):
                found.add(part.mark)
            if provider == "openai":
                found.add(part.mark)
    return found


def check(protocol: str, provider: str, conversation: Conversation) -> list[Any]:
    """Check the request to a provider, and return its turns."""
    client = CLIENTS[protocol]
    is_own = provider in client.own
    body = provider_body(protocol, client.write(conversation), provider)
    shown = f"\n{conversation}\n{body}"
    assert problems(provider, body) == [], shown
    if protocol == "ui_messages":
        conversation = as_sent(conversation)
    found = READERS[provider](body)
    left_out = optional(conversation, provider, is_own=is_own)
    said = found.said if is_own else ordered(found.said, provider)
    wanted = expected(conversation, provider, is_own=is_own)
    assert _without(said, left_out) == _without(wanted, left_out), shown
    check_results(conversation, found, provider)
    if provider == "anthropic" and not is_own:
        check_reasoning(conversation, found)
    return body["input"] if provider == "responses" else turns_of(body, provider)


def _without(said: list[tuple[str, str]], left_out: set[str]) -> list[tuple[str, str]]:
    return [item for item in said if item[1] not in left_out]


def turns_of(body: dict[str, Any], provider: str) -> list[Any]:
    """Return what a provider sees as the turns of a request: Anthropic joins those of one role."""
    if provider != "anthropic":
        return body["messages"]
    blocks: list[Any] = [body.get("system")]
    for message in body["messages"]:
        content = message["content"]
        content = [{"type": "text", "text": content}] if isinstance(content, str) else content
        blocks += [(message["role"], block) for block in content]
    return blocks


def check_results(conversation: Conversation, found: Found, provider: str) -> None:
    """Check that each result is the result of its call."""
    results = [part for turn in conversation for part in turn.results]
    texts = {
        result.call.mark: [part.mark for part in result.parts if isinstance(part, Text) and part.mark]
        for result in results
    }
    assert found.results == texts
    if provider == "anthropic":
        assert found.failed == {result.call.mark for result in results if result.is_error}


def check_reasoning(conversation: Conversation, found: Found) -> None:
    """Check that the blocks of reasoning are as Anthropic signed them."""
    sent = [clients._anthropic_block(part) for turn in conversation for part in turn.parts if isinstance(part, Reasoning)]
    assert all(block in sent for block in found.reasoning)


@pytest.mark.parametrize(("protocol", "provider"), PAIRS)
def test_a_conversation_is_legal_for_the_provider_whole_and_the_same_next_time(protocol: str, provider: str) -> None:
    client = CLIENTS[protocol]
    abilities = client.legal if provider in client.own and client.legal else client.abilities

    @settings(max_examples=EXAMPLES, derandomize=True, database=None)
    @given(conversations(abilities))
    def property_holds(drawn: tuple[Conversation, Conversation]) -> None:
        conversation, following = drawn
        before = check(protocol, provider, conversation)
        if conversation[-1].role != "assistant":
            after = check(protocol, provider, conversation + following)
            assert after[: len(before)] == before

    property_holds()
