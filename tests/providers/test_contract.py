"""The contract tests of each built-in provider, and the requests that it sends."""

from __future__ import annotations

import pytest

from flask_headrace.providers.anthropic.messages import AnthropicMessages
from flask_headrace.providers.base import Provider
from flask_headrace.providers.chat_request import ChatRequest, Message
from flask_headrace.providers.openai.chat import OpenAIChat
from flask_headrace.providers.openai.chat_request_body import build_body
from flask_headrace.providers.openai.responses import OpenAIResponses
from flask_headrace.providers.openai.server import OFFICIAL_BASE_URL, Address
from tests.providers.contract import KEY, MESSAGES, ProviderContract, ReceivedAnswer
from tests.support.upstream import anthropic_wire, openai_wire, responses_wire


class TestOpenAIChat(ProviderContract):
    wire = openai_wire

    def make(self, url: str) -> Provider:
        return OpenAIChat("acme", lambda: Address(url + "/v1", KEY), preferred=("preferred", "missing"))

    def test_sends_the_question_and_its_key(self, own_upstream, provider) -> None:
        own_upstream.answer("m", openai_wire.answer("ok"))
        ReceivedAnswer(provider)
        sent = own_upstream.requests("m")[0]
        assert sent.headers["authorization"] == f"Bearer {KEY}"
        assert (sent.headers["accept"], sent.headers["accept-encoding"]) == ("text/event-stream", "identity")
        assert sent.body == {
            "model": "m",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    def test_follows_its_address_when_that_moves(self, own_upstream) -> None:
        addresses = [Address("http://127.0.0.1:9/v1", KEY), Address(own_upstream.url + "/v1", "sk-new-key-0123")]
        provider = OpenAIChat("acme", lambda: addresses[0])
        own_upstream.answer("m", openai_wire.answer("ok"))
        assert ReceivedAnswer(provider).error.code == "upstream_unreachable"
        addresses.pop(0)
        assert ReceivedAnswer(provider).text == "ok"
        assert own_upstream.requests("m")[0].headers["authorization"] == "Bearer sk-new-key-0123"

    def test_names_the_limit_as_each_server_knows_it(self) -> None:
        request = ChatRequest("m", MESSAGES, max_tokens=7, temperature=0)
        assert build_body(request, is_official=True)["max_completion_tokens"] == 7
        assert build_body(request, is_official=False)["max_tokens"] == 7
        assert build_body(request, is_official=False)["temperature"] == 0

    @pytest.mark.parametrize(
        ("url", "is_openais"),
        [
            (OFFICIAL_BASE_URL, True),
            ("https://acme.openai.azure.com/openai/v1", True),
            ("http://127.0.0.1:11434/v1", False),
        ],
    )
    def test_knows_where_openai_s_own_models_are(self, url: str, is_openais: bool) -> None:
        provider = OpenAIChat("acme", lambda: Address(url, KEY))
        assert Address(url, KEY).is_official is is_openais
        assert ("top_k" in provider.unsupported_features) is is_openais

    def test_goes_by_its_base_url_in_the_price_list(self) -> None:
        assert OpenAIChat("openai", lambda: Address(OFFICIAL_BASE_URL, KEY)).pricing_provider == OFFICIAL_BASE_URL
        assert (
            OpenAIChat("free", lambda: Address(OFFICIAL_BASE_URL, KEY), pricing_provider="free").pricing_provider
            == "free"
        )


class TestOpenAIResponses(ProviderContract):
    wire = responses_wire

    def make(self, url: str) -> Provider:
        return OpenAIResponses("acme", lambda: Address(url + "/v1", KEY), preferred=("preferred", "missing"))

    def test_sends_the_question_and_its_key(self, own_upstream, provider) -> None:
        own_upstream.answer("m", responses_wire.answer("ok"))
        ReceivedAnswer(provider)
        sent = own_upstream.requests("m")[0]
        assert sent.path == "/v1/responses"
        assert sent.headers["authorization"] == f"Bearer {KEY}"
        assert (sent.headers["accept"], sent.headers["accept-encoding"]) == ("text/event-stream", "identity")
        assert sent.body == {
            "model": "m",
            "input": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
            "stream": True,
            "store": False,
        }


class TestAnthropicMessages(ProviderContract):
    wire = anthropic_wire

    def make(self, url: str) -> Provider:
        return AnthropicMessages("acme", base_url=url, api_key=KEY, preferred=("preferred", "missing"))

    def test_sends_the_question_and_its_key(self, own_upstream, provider) -> None:
        own_upstream.answer("m", anthropic_wire.answer("ok"))
        ReceivedAnswer(provider)
        sent = own_upstream.requests("m")[0]
        assert KEY in {sent.headers.get("x-api-key"), sent.headers.get("authorization", "").removeprefix("Bearer ")}
        assert (sent.headers["accept"], sent.headers["accept-encoding"]) == ("text/event-stream", "identity")
        assert sent.body == {
            "model": "m",
            "system": "Be brief.",
            "messages": [{"role": "user", "content": "hi"}],
            "max_tokens": 8192,
            "stream": True,
        }

    def test_joins_what_is_said_for_the_system_at_the_beginning(self, own_upstream, provider) -> None:
        own_upstream.answer("m", anthropic_wire.answer("ok"))
        system = Message("system", "a"), Message("developer", "b")
        turns = (*system, Message("user", "hi"), Message("developer", "c"), Message("assistant", "yes"))
        list(provider.stream(ChatRequest("m", turns, max_tokens=7, temperature=0)))
        body = own_upstream.requests("m")[0].body
        assert (body["system"], body["max_tokens"], body["temperature"]) == ("a\n\nb", 7, 0)
        assert [turn["content"] for turn in body["messages"]] == ["hi", "c", "yes"]
