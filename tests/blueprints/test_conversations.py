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
from tests.support.conversations.sent_back import items_of
from tests.support.conversations.turns import SIGNED_BY, Call, Conversation, Media, Part, Reasoning, Result, Text, Turn
from tests.support.conversations.ui_messages import as_sent, ui_messages

EXAMPLES = 60

ALL_ROLES = ("system", "developer")
CHAT_PROVIDERS = ("openai", "compatible")
ALL_MEDIA = ("image/png", "application/pdf", "text/plain")
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

    def abilities_for(self, provider: str) -> Abilities:
        """Return what conversations have that are for a provider."""
        return self.legal if self.legal and provider in self.own else self.abilities


NATIVE = Abilities(
    ALL_ROLES, media=ALL_MEDIA, is_ordered=False, result_media=ALL_MEDIA, has_errors=True,
    has_notes=True, id_schemes=ALL_IDS,
)  # fmt: skip
UI_MESSAGES = Abilities(
    media=("image/png", "text/plain"), has_errors=True, id_schemes=ALL_IDS
)
CHAT = Abilities(
    ALL_ROLES, media=ALL_MEDIA, is_ordered=False, has_custom_tools=True, id_schemes=ALL_IDS
)
RESPONSES = Abilities(
    ALL_ROLES, media=ALL_MEDIA, has_thought_alone=False, has_custom_tools=True,
    result_media=ALL_MEDIA, has_notes=True, id_schemes=ALL_IDS,
)  # fmt: skip
ANTHROPIC = Abilities(
    media=ALL_MEDIA, has_thought_alone=False, result_media=ALL_MEDIA, has_errors=True,
    has_notes=True, has_blanks=False, is_system_enough=False, starts_with_answer=False, id_schemes=ALL_IDS,
)  # fmt: skip

CLIENTS = {
    "native": Client(clients.native, NATIVE),
    "ui_messages": Client(ui_messages, UI_MESSAGES),
    "chat": Client(clients.chat, CHAT, ("openai", "compatible"), replace(CHAT, id_schemes=("plain", "long"))),
    "responses": Client(clients.responses, RESPONSES, ("responses",), replace(RESPONSES, thinkers=("nobody", "responses"), id_schemes=("plain",))),
    "anthropic": Client(
        clients.anthropic,
        ANTHROPIC,
        ("anthropic",),
        replace(ANTHROPIC, has_notes=False, ends_with_answer=False),
    ),
}  # fmt: skip
PAIRS = [(protocol, provider) for protocol in CLIENTS for provider in READERS]


def expected(conversation: Conversation, provider: str, *, is_own: bool) -> list[tuple[str, str]]:
    """Return the marks of a conversation in their order, each with the role that it has in a provider's request."""
    said: list[tuple[str, str]] = []
    has_begun = all(turn.role in ALL_ROLES for turn in conversation)
    for turn in conversation:
        has_begun = has_begun or turn.role not in ALL_ROLES
        for part in turn.parts:
            pieces = part.parts if isinstance(part, Result) else (part,)
            said += [(role_of(turn, part, piece, provider, has_begun=has_begun), piece.mark) for piece in pieces]
    said = [item for item in said if item[1]]
    return said if is_own else ordered(said, provider)


def role_of(turn: Turn, part: Part, piece: Part, provider: str, *, has_begun: bool) -> str:
    """Return the role of a piece of a turn's part in a provider's request."""
    if turn.role == "results":
        # Chat completions have results of text alone: pictures stand in the user's turn.
        is_moved = provider in CHAT_PROVIDERS and isinstance(piece, Media) and piece.type != "text/plain"
        return "user" if is_moved or not isinstance(part, Result) else "tool"
    if turn.role in ALL_ROLES:
        # Anthropic has instructions before the conversation alone.
        return "user" if provider == "anthropic" and has_begun else "system"
    return turn.role


def ordered(said: list[tuple[str, str]], provider: str) -> list[tuple[str, str]]:
    """Return marks in the order that the provider's rules, and the values of a `ChatRequest`, leave them in."""
    is_chat = provider in CHAT_PROVIDERS
    ranks = {"assistant": {"C": 2, "A": 1 if is_chat else 0}, "user": {"P": 1, "N": 2}}
    found: list[tuple[str, str]] = []
    for _, group in groupby(said, key=lambda item: "answer" if item[1][0] in "RAC" else item[1][0] in "OPN"):
        found += sorted(group, key=lambda item: ranks.get(item[0], {}).get(item[1][0], 0))
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
            is_known = part.text if provider == "compatible" else part.form in SIGNED_BY.get(provider, ())
            is_kept = is_own and provider != "anthropic"
            if provider == "openai" or not (is_kept or (is_known and (not is_last or provider == "compatible"))):
                found.add(part.mark)
    return found


def short(conversation: Conversation) -> str:
    """Return a conversation in one line."""
    return "; ".join(f"{turn.role}[{', '.join(map(_short, turn.parts))}]/{turn.style}" for turn in conversation)


def _short(part: Any) -> str:
    match part:
        case Text():
            return repr(part.text)
        case Media():
            return f"{part.mark} {part.type}" + " link" * part.is_linked
        case Reasoning():
            return f"{part.mark} {part.form}"
        case Call():
            return f"{part.mark} {part.id[:20]}" + " custom" * part.is_custom
        case _:
            return f"{part.call.mark} -> [{', '.join(map(_short, part.parts))}]" + " error" * part.is_error


def check(
    protocol: str, provider: str, conversation: Conversation, fields: dict[str, Any], *, has_signatures: bool = True
) -> list[Any]:
    """Check the request to a provider for a conversation that a client sends as these fields; return its turns."""
    is_own = provider in CLIENTS[protocol].own
    body = provider_body(protocol, fields, provider)
    shown = f"\n{short(conversation)}\n{body.get('messages') or body.get('input')}"
    assert problems(provider, body) == [], f'assert {problems(provider, body)} == []{shown}'
    if protocol == "ui_messages":
        conversation = as_sent(conversation)
    found = READERS[provider](body)
    left_out = optional(conversation, provider, is_own=is_own)
    if not has_signatures:
        left_out |= {thought.mark for thought in thoughts_of(conversation) if provider != "compatible" or not thought.text}
    said = found.said if is_own else ordered(found.said, provider)
    wanted = expected(conversation, provider, is_own=is_own)
    assert _without(said, left_out) == _without(wanted, left_out), f"SAID\n{said}\n{wanted}{shown}"
    check_results(conversation, found, provider)
    if provider == "anthropic" or (provider == "responses" and not is_own):
        check_reasoning(conversation, found, provider)
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


def check_reasoning(conversation: Conversation, found: Found, provider: str) -> None:
    """Check that a provider receives reasoning that it has signed itself, and as it has signed it."""
    write = clients.output_item if provider == "responses" else clients.anthropic_block
    signed = [write(thought) for thought in thoughts_of(conversation) if thought.form in SIGNED_BY[provider]]
    for thought in found.reasoning:
        assert {name: value for name, value in thought.items() if name != "id"} in signed


def thoughts_of(conversation: Conversation) -> list[Reasoning]:
    """Return the reasoning of a conversation."""
    return [part for turn in conversation for part in turn.parts if isinstance(part, Reasoning)]


@pytest.mark.parametrize(("protocol", "provider"), PAIRS)
def test_a_conversation_is_legal_for_the_provider_whole_and_the_same_next_time(protocol: str, provider: str) -> None:
    client = CLIENTS[protocol]

    @settings(max_examples=EXAMPLES, derandomize=True, database=None)
    @given(conversations(client.abilities_for(provider)))
    def property_holds(drawn: tuple[Conversation, Conversation]) -> None:
        conversation, following = drawn
        before = check(protocol, provider, conversation, client.write(conversation))
        if not ends_for_good(conversation):
            longer = conversation + following
            assert check(protocol, provider, longer, client.write(longer))[: len(before)] == before

    property_holds()


@pytest.mark.parametrize(
    ("protocol", "provider"), [pair for pair in PAIRS if pair[0] in {"chat", "responses", "anthropic"}]
)
def test_an_answer_of_this_service_goes_back_to_its_provider(protocol: str, provider: str) -> None:
    client = CLIENTS[protocol]

    @settings(max_examples=EXAMPLES, derandomize=True, database=None)
    @given(conversations(client.abilities_for(provider)))
    def property_holds(drawn: tuple[Conversation, Conversation]) -> None:
        conversation, (answer, *rest) = drawn
        if ends_for_good(conversation):
            return
        fields, following = client.write(conversation), client.write(tuple(rest))
        name = "input" if protocol == "responses" else "messages"
        fields[name] += items_of(protocol, answer) + following[name]
        before = check(protocol, provider, conversation, client.write(conversation))
        after = check(protocol, provider, conversation + drawn[1], fields, has_signatures=protocol != "chat")
        assert after[: len(before)] == before

    property_holds()


def ends_for_good(conversation: Conversation) -> bool:
    """Return whether nothing can follow a conversation: the model continues its last turn, or is asked nothing."""
    return conversation[-1].role == "assistant" or all(turn.role in ALL_ROLES for turn in conversation)
