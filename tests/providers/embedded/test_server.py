"""The embedded model with every provider, because llama.cpp serves all their APIs; and its answers in JSON.

In chat completions a grammar enforces a schema; llama.cpp ignores schemas in its other APIs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from flask_headrace.core.events import Completed, TextDelta, Usage
from flask_headrace.providers.anthropic.messages import AnthropicMessages
from flask_headrace.providers.base import Provider
from flask_headrace.providers.chat_request import ChatRequest, Message, ResponseFormat
from flask_headrace.providers.embedded import supervisor
from flask_headrace.providers.embedded.provider import EmbeddedProvider
from flask_headrace.providers.openai.chat import OpenAIChat
from flask_headrace.providers.openai.responses import OpenAIResponses
from flask_headrace.providers.openai.server import Address
from flask_headrace.testing import check_answer

COLOURS = ["red", "green", "blue"]
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "colours": {"type": "array", "items": {"enum": COLOURS}, "minItems": 2, "maxItems": 3},
        "age": {"type": "integer", "minimum": 1, "maximum": 99},
    },
    "required": ["name", "colours", "age"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def served() -> Iterator[supervisor.Endpoint]:
    """Start the model once, and restore the environment afterwards."""
    reason = supervisor.unavailable_reason()
    if reason and not os.environ.get("REQUIRE_ALL_TESTS"):
        pytest.skip(reason)
    before = os.environ.pop(supervisor.STATE_VARIABLE, None)
    model = supervisor.EmbeddedModelSupervisor()
    model.start()
    yield supervisor.wait_until_ready()
    model.stop()
    os.environ.pop(supervisor.STATE_VARIABLE, None)
    if before is not None:
        os.environ[supervisor.STATE_VARIABLE] = before


def ask(provider: Provider, prompt: str, **fields) -> list:
    question = ChatRequest("smollm2", (Message("user", prompt),), **fields)
    return check_answer(provider.stream(question))


def made(kind: type, served: supervisor.Endpoint) -> Provider:
    if kind is AnthropicMessages:
        return AnthropicMessages("llama", base_url=served.base_url.removesuffix("/v1"), api_key=served.api_key)
    return kind("llama", lambda: Address(served.base_url, served.api_key))


@pytest.mark.parametrize("kind", [OpenAIChat, OpenAIResponses, AnthropicMessages])
def test_every_provider_reads_a_real_server(served: supervisor.Endpoint, kind: type) -> None:
    *deltas, usage, done = ask(made(kind, served), "Say hello.", max_tokens=8, temperature=0.0)
    words = [event for event in deltas if isinstance(event, TextDelta)]
    assert len(words) > 2
    assert isinstance(usage, Usage)
    assert usage.input_tokens > 0
    assert 0 < usage.output_tokens <= 8
    assert isinstance(done, Completed)


@pytest.mark.usefixtures("served")
def test_a_schema_is_enforced_and_its_answer_streams() -> None:
    wanted = ResponseFormat(SCHEMA)
    events = ask(EmbeddedProvider(), "Describe a parrot.", response_format=wanted, max_tokens=200, temperature=0.0)
    words = [event.text for event in events if isinstance(event, TextDelta)]
    assert len(words) > 5
    answer = json.loads("".join(words))
    assert list(answer) == ["name", "colours", "age"]
    assert len(answer["name"]) <= 12
    assert 2 <= len(answer["colours"]) <= 3
    assert set(answer["colours"]) <= set(COLOURS)
    assert 1 <= answer["age"] <= 99
    assert events[-1] == Completed("stop")


@pytest.mark.usefixtures("served")
def test_an_object_of_any_kind_is_one() -> None:
    wanted = ResponseFormat(None)
    events = ask(EmbeddedProvider(), "Say hello in JSON.", response_format=wanted, max_tokens=40, temperature=0.0)
    text = "".join([event.text for event in events if isinstance(event, TextDelta)])
    assert text.strip().startswith("{")
