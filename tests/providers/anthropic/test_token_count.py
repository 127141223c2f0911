"""Counting the input tokens of a request: the requests that are sent, and the errors that are reported."""

from __future__ import annotations

import pytest

from flask_headrace.core.errors import UpstreamError
from flask_headrace.providers.anthropic.messages import AnthropicMessages
from flask_headrace.providers.base import TokenCounter
from flask_headrace.providers.chat_request import ChatRequest, Message, Tool
from flask_headrace.providers.openai.chat import OpenAIChat
from flask_headrace.providers.openai.server import Address
from tests.providers.contract import KEY
from tests.support.upstream import Upstream, addresses, anthropic_wire, plain

QUESTION = ChatRequest(
    "m",
    (Message("system", "Be brief."), Message("user", "hi")),
    max_tokens=9,
    temperature=0,
    stop=("END",),
    tools=(Tool("find", "Finds."),),
    thinking={"type": "adaptive"},
    reasoning_effort="low",
    user="u1",
)


def provider(url: str) -> AnthropicMessages:
    return AnthropicMessages("acme", base_url=url, api_key=KEY)


def test_tells_the_number_and_sends_what_adds_to_it_alone(own_upstream: Upstream) -> None:
    own_upstream.answer("m", plain.json_body({"input_tokens": 17, "novel": True}))
    asked = provider(own_upstream.url)
    assert [asked.count_tokens(QUESTION) for _ in range(2)] == [17, 17]
    sent = own_upstream.requests("m")[-1]
    assert (sent.method, sent.path) == ("POST", "/v1/messages/count_tokens")
    assert KEY in {sent.headers.get("x-api-key"), sent.headers.get("authorization", "").removeprefix("Bearer ")}
    assert sent.body == {
        "model": "m",
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"name": "find", "description": "Finds.", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "auto"},
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "low"},
    }
    assert own_upstream.connections.accepted == 1


def test_tells_a_number_that_is_written_with_a_fraction_of_nothing(own_upstream: Upstream) -> None:
    own_upstream.answer("m", plain.json_body({"input_tokens": 17.0}))
    count = provider(own_upstream.url).count_tokens(QUESTION)
    assert (count, type(count)) == (17, int)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (anthropic_wire.error(400), "upstream_invalid_request"),
        (anthropic_wire.error(429, retry_after=7), "rate_limited"),
        (anthropic_wire.error(529), "upstream_overloaded"),
        (plain.html(200), "upstream_broken"),
        (plain.json_body({"input_tokens": "many"}), "upstream_broken"),
        (plain.json_body({"input_tokens": 5.5}), "upstream_broken"),
        (plain.json_body({"input_tokens": -5}), "upstream_broken"),
        (plain.empty(502), "upstream_failed"),
    ],
)
def test_fails_as_an_answer_would(own_upstream: Upstream, answer, code: str) -> None:
    own_upstream.answer("m", answer)
    with pytest.raises(UpstreamError) as failed:
        provider(own_upstream.url).count_tokens(QUESTION)
    assert failed.value.code == code
    assert KEY not in failed.value.message
    assert "<" not in failed.value.message


def test_tells_of_a_server_that_is_not_there() -> None:
    with addresses.refusing() as url, pytest.raises(UpstreamError) as failed:
        provider(url).count_tokens(QUESTION)
    assert failed.value.code == "upstream_unreachable"


def test_is_what_some_providers_do_and_others_do_not() -> None:
    assert isinstance(provider("http://x"), TokenCounter)
    assert not isinstance(OpenAIChat("acme", lambda: Address("http://x", KEY)), TokenCounter)
