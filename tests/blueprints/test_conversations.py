"""Random conversations of every protocol, for every provider: legal, nothing lost or moved, and the same next time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from tests.support.conversations.clients import anthropic_block, output_item
from tests.support.conversations.drawing import conversations
from tests.support.conversations.expectations import (
    ANTHROPIC,
    RESPONSES,
    Said,
    expected,
    is_system_alone,
    optional,
    ordered,
)
from tests.support.conversations.protocols import PROTOCOLS
from tests.support.conversations.providers import provider_body
from tests.support.conversations.reading import READERS, Found, offered_tools
from tests.support.conversations.rules import problems
from tests.support.conversations.sent_back import PROTOCOLS_OF_ANSWERS, with_answer
from tests.support.conversations.turns import SIGNED_BY, Conversation, Reasoning, Text, outline

PAIRS = [(protocol, provider) for protocol in PROTOCOLS for provider in READERS]
PAIRS_WITH_ANSWERS = [pair for pair in PAIRS if pair[0] in PROTOCOLS_OF_ANSWERS]

fixed_examples = settings(max_examples=25, derandomize=True, database=None)


@pytest.mark.parametrize(("protocol", "provider"), PAIRS)
def test_a_conversation_is_legal_for_the_provider_whole_and_the_same_next_time(protocol: str, provider: str) -> None:
    client = PROTOCOLS[protocol]

    @fixed_examples
    @given(conversations(client.abilities_for(provider)))
    def property_holds(drawn: tuple[Conversation, Conversation]) -> None:
        conversation, following = drawn
        before = check(protocol, provider, conversation, client.write(conversation))
        if not has_ended(conversation):
            longer = conversation + following
            after = check(protocol, provider, longer, client.write(longer))
            assert after[: len(before)] == before, outline(longer)

    property_holds()


@pytest.mark.parametrize(("protocol", "provider"), PAIRS_WITH_ANSWERS)
def test_an_answer_of_this_service_goes_back_to_its_provider(protocol: str, provider: str) -> None:
    client = PROTOCOLS[protocol]

    @fixed_examples
    @given(conversations(client.abilities_for(provider)))
    def property_holds(drawn: tuple[Conversation, Conversation]) -> None:
        conversation, following = drawn
        if has_ended(conversation):
            return
        before = check(protocol, provider, conversation, client.write(conversation))
        longer, fields = conversation + following, with_answer(protocol, conversation, following)
        after = check(protocol, provider, longer, fields, has_signatures=protocol != "chat")
        assert after[: len(before)] == before, outline(longer)

    property_holds()


def has_ended(conversation: Conversation) -> bool:
    """Return whether nothing can follow a conversation: the model continues its last turn, or nobody has asked it."""
    return conversation[-1].role == "assistant" or is_system_alone(conversation)


def check(
    protocol: str, provider: str, conversation: Conversation, fields: dict[str, Any], *, has_signatures: bool = True
) -> list[Any]:
    """Check what a provider receives of a conversation, and return it in pieces.

    Args:
        protocol: The client's protocol.
        provider: The provider.
        conversation: The conversation.
        fields: The body of the client's request.
        has_signatures: Whether the client receives the signatures of reasoning: chat completions have no place for it.
    """
    client = PROTOCOLS[protocol]
    is_own = provider in client.own
    body = provider_body(protocol, fields, provider)
    shown = f"{outline(conversation)}\n{body}"
    assert problems(provider, body) == [], shown
    conversation = client.as_sent(conversation)
    found = READERS[provider](body)
    left_out = optional(conversation, provider, is_own=is_own)
    if not has_signatures:
        left_out |= {part.mark for part in thoughts(conversation) if not (provider == "compatible" and part.text)}
    said = found.said if is_own else ordered(found.said, provider)
    wanted = expected(conversation, provider, is_own=is_own)
    assert without(said, left_out) == without(wanted, left_out), shown
    assert found.called <= offered_tools(body)
    check_results(conversation, found, provider)
    check_signatures(conversation, found, provider)
    return pieces(body, provider)


def without(said: Said, left_out: set[str]) -> Said:
    """Return marks without some."""
    return [item for item in said if item[1] not in left_out]


def thoughts(conversation: Conversation) -> list[Reasoning]:
    """Return the reasoning of a conversation."""
    return [part for turn in conversation for part in turn.parts if isinstance(part, Reasoning)]


def check_results(conversation: Conversation, found: Found, provider: str) -> None:
    """Check that each result is the result of its call, and whether the tool failed."""
    results = [part for turn in conversation for part in turn.results]
    assert found.results == {
        result.call.mark: [part.mark for part in result.parts if isinstance(part, Text) and part.mark]
        for result in results
    }
    if provider in ANTHROPIC:
        assert found.failed == {result.call.mark for result in results if result.is_error}


def check_signatures(conversation: Conversation, found: Found, provider: str) -> None:
    """Check that a provider receives only reasoning that it has signed itself, and as it has signed it."""
    if provider in {"anthropic", "responses"}:
        write = output_item if provider == "responses" else anthropic_block
        signed = [write(part) for part in thoughts(conversation) if part.form in SIGNED_BY[provider]]
        assert all(block in signed for block in found.reasoning), outline(conversation)


def pieces(body: dict[str, Any], provider: str) -> list[Any]:
    """Return the conversation of a request in pieces: Anthropic joins consecutive turns of one role."""
    if provider not in ANTHROPIC:
        return list(body["input"] if provider in RESPONSES else body["messages"])
    blocks: list[Any] = [body.get("system")]
    for message in body["messages"]:
        content = message["content"]
        content = [{"type": "text", "text": content}] if isinstance(content, str) else content
        blocks += [(message["role"], block) for block in content]
    return blocks
