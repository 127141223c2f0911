"""An answer to a client of chat completions breaks off: the model that goes on gets what travels along, if it can."""

from __future__ import annotations

import pytest

from flask_headrace.core.events import Completed, ProviderEvent, TextDelta, ToolCallStarted
from flask_headrace.providers.chat_request import ChatRequest, Message
from flask_headrace.providers.source_request import SourceRequest, SourceTurn
from tests.blueprints.openai_chat.test_same_protocol import chunk
from tests.providers.fallback.routing import WIRES, Chain
from tests.support.upstream import FINISH, Close, Upstream, openai_wire, script

SENT = {"role": "user", "content": "hi", "vendor": 1}
SAID = Message("user", "hi")
REQUEST = ChatRequest(
    "", (SAID,), source=SourceRequest("openai-chat", {"min_p": 0.1}, (SourceTurn((SENT,), (SAID,)),), unread=("min_p",))
)
BEGUN = script(
    openai_wire.HEAD,
    *(chunk({"content": text, "score": 1}, system_fingerprint="fp_a") for text in ("The beginning ", "of it")),
    Close(),
)


@pytest.fixture
def begun(own_upstream: Upstream) -> Upstream:
    own_upstream.answer("a", BEGUN)
    return own_upstream


def test_a_model_of_the_protocol_goes_on_with_all_of_it(begun: Upstream) -> None:
    extra = {"extra_content": {"google": {"thought_signature": "S"}}}
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, **extra}
    rest = [chunk({"content": " goes on", "score": 2}, system_fingerprint="fp_b"), chunk({"tool_calls": [call]})]
    begun.answer("b", script(openai_wire.HEAD, *rest, chunk({}, "tool_calls"), FINISH))
    chain = Chain(begun, "openai/a", "openai/b", deployments={"openai/b": {"supports_prefill": True}})
    reading = chain.ask(REQUEST)
    asked = begun.requests("b")[0].body
    assert asked["min_p"] == 0.1
    assert asked["messages"] == [SENT, {"role": "assistant", "content": "The beginning of it"}]
    assert reading.text == "The beginning of it goes on"
    told = [event for event in reading.events if isinstance(event, ProviderEvent)]
    assert [event.kind for event in told] == ["part", "part", "call"]
    assert "fp_b" not in "".join(event.data for event in told)
    place = reading.events.index(told[-1])
    assert reading.events[place + 1] == ToolCallStarted(0, "c", "f")
    assert reading.events[-1] == Completed("tool_calls")


def test_a_model_of_another_protocol_goes_on_without_it(begun: Upstream) -> None:
    begun.answer("b", WIRES["anthropic"].answer(" goes on"))
    chain = Chain(begun, "openai/a", "anthropic/b", deployments={"anthropic/b": {"supports_prefill": True}})
    reading = chain.ask(REQUEST)
    assert "vendor" not in str(begun.requests("b")[0].body)
    assert [event.text for event in reading.events if isinstance(event, TextDelta)] == [
        "The beginning ", "of it", " goes on"
    ]  # fmt: skip
    assert isinstance(reading.events[-1], Completed)
