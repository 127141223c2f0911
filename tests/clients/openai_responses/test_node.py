"""OpenAI's SDK for Node, and the Vercel AI SDK's provider for OpenAI, over the Responses protocol."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.openai_chat.node import Node
from tests.support.service import Service
from tests.support.upstream import Ended, Gate, Reasoning, Tokens, ToolCall, Upstream, anthropic_wire, openai_wire

WIRES = pytest.mark.parametrize(("provider", "wire"), [("openai", openai_wire), ("anthropic", anthropic_wire)])
TEXT = ("Grüße, ", "👩‍👩‍👧", " e\u0301 🌊")


class Clients:
    """The clients with the service's base URL."""

    def __init__(self, node: Node, service: Service) -> None:
        self._node, self._where = node, {"baseURL": service.url + "/v1"}

    def sdk(self, do: str, model: str) -> Any:
        return self._node.ask(do, body={"model": model, "input": "hi"}, **self._where)

    def ai_sdk(self, do: str, model: str) -> Any:
        return self._node.ask(do, model=model, **self._where)


@pytest.fixture
def clients(node: Node, service: Service) -> Clients:
    return Clients(node, service)


def test_streams_in_five_lines(node: Node, service: Service, upstream: Upstream) -> None:
    upstream.answer("five lines", openai_wire.answer(*TEXT))
    assert node.run("openai.mjs", service.url + "/v1", "openai/five lines") == "".join(TEXT)


@WIRES
class TestTheSdk:
    def test_streams_the_whole(self, clients: Clients, upstream: Upstream, provider, wire) -> None:
        upstream.answer("streamed", wire.answer(Reasoning("hm"), *TEXT, usage=Tokens(9, 3, cached=4)))
        got = clients.sdk("stream", f"{provider}/streamed")
        assert got["text"] == "".join(TEXT)
        assert (got["types"][0], got["types"][-1]) == ("response.created", "response.completed")
        assert got["response"]["usage"]["total_tokens"] == 12

    def test_helps_with_a_stream(self, clients: Clients, upstream: Upstream, provider, wire) -> None:
        upstream.answer("helped", wire.answer(*TEXT))
        assert clients.sdk("helper", f"{provider}/helped") == {"text": "".join(TEXT), "whole": "".join(TEXT)}

    def test_that_leaves_stops_the_model(self, clients: Clients, upstream: Upstream, provider, wire) -> None:
        name = f"left {provider}"
        upstream.answer(name, wire.answer("one", Gate(name), "two"))
        assert clients.sdk("leave", f"{provider}/{name}") == "one"
        upstream.wait_for(lambda: upstream.requests(name)[0].ended is Ended.ABORTED)


def test_the_sdk_parses_a_structured_answer(clients: Clients, upstream: Upstream) -> None:
    upstream.answer("structured", openai_wire.answer(*'{"terms": [1, 2], "total": 3}'))
    assert clients.sdk("parsed", "openai/structured") == {"terms": [1, 2], "total": 3}


@WIRES
class TestTheAiSdk:
    def test_calls_tools_and_goes_on(self, clients: Clients, upstream: Upstream, provider, wire) -> None:
        call = ToolCall("c1", "find", tuple('{"q": "ö"}'))
        upstream.answer("stepping", [wire.answer("Well. ", call, finish=wire.FINISHES[2]), wire.answer(*TEXT)])
        got = clients.ai_sdk("aiSdk", f"{provider}/stepping")
        assert (got["text"], got["called"], got["finish"]) == ("".join(TEXT), [{"q": "ö"}], "stop")
        assert "found ö" in str(upstream.requests("stepping")[-1].body["messages"][-1])

    def test_is_told_of_a_failure_after_what_was_said(self, clients: Clients, upstream, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        got = clients.ai_sdk("aiSdkFailing", f"{provider}/failing")
        assert got["text"] == "0 1 "
        assert provider in got["error"]
