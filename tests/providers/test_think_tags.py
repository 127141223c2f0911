"""Which providers tell thoughts from text: those of all servers but OpenAI's and Anthropic's own, unless told else."""

from __future__ import annotations

import pytest

from flask_headrace.core.events import Event, ReasoningDelta, TextDelta
from flask_headrace.providers.anthropic import messages
from flask_headrace.providers.anthropic.messages import AnthropicMessages
from flask_headrace.providers.chat_request import ChatRequest, Message
from flask_headrace.providers.decoding.think_tags import DEFAULT_TAGS, ThinkTags
from flask_headrace.providers.openai import server
from flask_headrace.providers.openai.chat import OpenAIChat
from flask_headrace.providers.openai.responses import OpenAIResponses
from flask_headrace.providers.openai.server import Address
from tests.providers.decoding.thoughts import END, answer_stream

REQUEST = ChatRequest("m", (Message("user", "hi"),))
AS_IT_IS: list[Event] = [TextDelta("<think>a</think>b")]
TOLD: list[Event] = [ReasoningDelta("a"), TextDelta("b")]

OPENAI = "https://api.openai.com/v1"
AZURE = "https://acme.openai.azure.com/openai/v1"
ANTHROPIC = "https://api.anthropic.com"
OTHER = "https://llm.example/v1"
LOOKALIKES = ("https://anthropic.com.example", "https://notanthropic.com")


def provider_of(kind: str, base_url: str | None, tags: ThinkTags) -> OpenAIChat | OpenAIResponses | AnthropicMessages:
    if kind == "anthropic":
        return AnthropicMessages("x", base_url=base_url, api_key="sk-test-0123", think_tags=tags)
    provider = OpenAIChat if kind == "openai" else OpenAIResponses
    return provider("x", lambda: Address(base_url or OPENAI, "sk-test-0123"), think_tags=tags)


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch):  # a function that returns what a provider makes of an answer's events
    for module in (server, messages):
        monkeypatch.setattr(module, "AnswerStream", lambda *given: answer_stream([*AS_IT_IS, *END], thoughts=given[-1]))
    monkeypatch.setattr(server.OpenAIServer, "_send", lambda *_: None)
    monkeypatch.setattr(AnthropicMessages, "_send_request", lambda *_: ())

    def events(kind: str, base_url: str | None, tags: ThinkTags) -> list[Event]:
        return [
            event for batch in provider_of(kind, base_url, tags).stream(REQUEST) for event in batch if event not in END
        ]

    return events


@pytest.mark.parametrize(
    ("kind", "base_url", "expected"),
    [
        ("openai", OPENAI, AS_IT_IS),
        ("openai", AZURE, AS_IT_IS),
        ("openai", OTHER, TOLD),
        ("openai-responses", OPENAI, AS_IT_IS),
        ("openai-responses", OTHER, TOLD),
        ("anthropic", None, AS_IT_IS),
        ("anthropic", ANTHROPIC, AS_IT_IS),
        ("anthropic", OTHER, TOLD),
        ("anthropic", LOOKALIKES[0], TOLD),
        ("anthropic", LOOKALIKES[1], TOLD),
    ],
)
def test_an_own_server_s_text_stays_as_it_is(answered, kind: str, base_url: str | None, expected: list[Event]) -> None:
    assert answered(kind, base_url, ThinkTags()) == expected
    assert answered(kind, base_url, ThinkTags(())) == AS_IT_IS
    assert answered(kind, base_url, ThinkTags(DEFAULT_TAGS)) == TOLD
