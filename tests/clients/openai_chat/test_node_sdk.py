"""OpenAI's SDK for Node: streams, its helper, tools that it calls by itself, structured answers, errors, and stop."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.openai_chat.node import Node
from tests.support.service import Service
from tests.support.upstream import Ended, Gate, Reasoning, Tokens, ToolCall, Upstream, anthropic_wire, cuts, openai_wire

WIRES = pytest.mark.parametrize(("provider", "wire"), [("openai", openai_wire), ("anthropic", anthropic_wire)])
TEXT = ("Grüße, ", "👩‍👩‍👧", " e\u0301 🌊")
SUM = '{"terms": [1, 2], "total": 3}'


class Sdk:
    """The SDK with the service's base URL."""

    def __init__(self, node: Node, service: Service) -> None:
        self._node, self._where = node, {"baseURL": service.url + "/v1"}

    def ask(self, do: str, model: str, **fields: Any) -> Any:
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **fields}
        return self._node.ask(do, body=body, **self._where)

    def models(self) -> Any:
        return self._node.ask("models", **self._where)


@pytest.fixture
def sdk(node: Node, service: Service) -> Sdk:
    return Sdk(node, service)


def test_streams_in_five_lines(node: Node, service: Service, upstream: Upstream) -> None:
    upstream.answer("five lines", openai_wire.answer(*TEXT))
    assert node.run("openai.mjs", service.url + "/v1", "openai/five lines") == "".join(TEXT)


@WIRES
class TestAStream:
    def test_is_whole(self, sdk: Sdk, upstream: Upstream, provider, wire) -> None:
        upstream.answer("streamed", wire.answer(Reasoning("hm"), *TEXT, usage=Tokens(9, 3, cached=4)))
        got = sdk.ask("stream", f"{provider}/streamed", stream_options={"include_usage": True})
        assert (got["text"], got["reasoning"], got["finish"]) == ("".join(TEXT), "hm", "stop")
        assert (got["usage"]["total_tokens"], got["usage"]["prompt_tokens_details"]["cached_tokens"]) == (12, 4)
        assert got["models"] == [f"{provider}/streamed"]

    def test_cut_at_every_byte_on_its_way_is_whole(self, sdk: Sdk, upstream: Upstream, provider, wire) -> None:
        upstream.answer("cut", cuts.cut(wire.answer(*TEXT), 1))
        assert sdk.ask("stream", f"{provider}/cut")["text"] == "".join(TEXT)

    def test_that_fails_throws_after_what_was_said(self, sdk: Sdk, upstream: Upstream, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        got = sdk.ask("stream", f"{provider}/failing")
        assert got["text"] == "0 1 "
        assert got["error"]["kind"] == "APIError"
        assert got["error"]["code"].startswith("upstream_")

    def test_that_is_left_is_stopped(self, sdk: Sdk, upstream: Upstream, provider, wire) -> None:
        name = f"node left {provider}"
        upstream.answer(name, wire.answer("one", Gate(name), "two"))
        assert sdk.ask("leave", f"{provider}/{name}") == "one"
        upstream.wait_for(lambda: upstream.requests(name)[0].ended is Ended.ABORTED)

    def test_has_calls_piece_by_piece(self, sdk: Sdk, upstream: Upstream, provider, wire) -> None:
        calls = ToolCall("c1", "find", tuple('{"q": "ö"}')), ToolCall("c2", "now", ())
        upstream.answer("calling", wire.answer("Well. ", *calls, finish=wire.FINISHES[2]))
        tools = [{"type": "function", "function": {"name": name}} for name in ("find", "now")]
        got = sdk.ask("stream", f"{provider}/calling", tools=tools)
        assert got["calls"] == [
            {"id": "c1", "name": "find", "arguments": '{"q": "ö"}'},
            {"id": "c2", "name": "now", "arguments": "{}"},
        ]
        assert got["finish"] == "tool_calls"


@WIRES
def test_the_helper_streams_and_puts_the_completion_together(sdk: Sdk, upstream, provider, wire) -> None:
    upstream.answer("helped", wire.answer(*TEXT, usage=(9, 3)))
    got = sdk.ask("helper", f"{provider}/helped", stream_options={"include_usage": True})
    assert got["text"] == got["completion"]["choices"][0]["message"]["content"] == "".join(TEXT)
    assert got["completion"]["usage"]["total_tokens"] == 12


@WIRES
def test_the_runner_calls_tools_by_itself(sdk: Sdk, upstream: Upstream, provider, wire) -> None:
    call = ToolCall("c1", "find", ('{"q":', ' "ö"}'))
    upstream.answer("run", [wire.answer(call, finish=wire.FINISHES[2]), wire.answer("found")])
    assert sdk.ask("tools", f"{provider}/run") == {"text": "found", "called": [{"q": "ö"}]}


def test_a_structured_answer_is_parsed(sdk: Sdk, upstream: Upstream) -> None:
    upstream.answer("structured", openai_wire.answer(*SUM))
    assert sdk.ask("parsed", "openai/structured") == {"terms": [1, 2], "total": 3}


@WIRES
def test_an_answer_in_one_piece_is_whole(sdk: Sdk, upstream: Upstream, provider, wire) -> None:
    upstream.answer("whole", wire.answer(*TEXT))
    got = sdk.ask("whole", f"{provider}/whole")
    assert (got["object"], got["choices"][0]["message"]["content"]) == ("chat.completion", "".join(TEXT))


@WIRES
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
    ],
)
def test_an_error_has_its_class(sdk: Sdk, upstream: Upstream, provider, wire, status: int, kind: str) -> None:
    upstream.answer("refused", wire.error(status, retry_after=7 if status == 429 else None))
    for is_streamed in (True, False):
        got = sdk.ask("refused", f"{provider}/refused", stream=is_streamed)
        assert got["kind"] == kind
        assert got["code"]
        assert got["retryAfter"] == ("7" if status == 429 else None)


def test_models_are_listed_and_looked_up(sdk: Sdk) -> None:
    got = sdk.models()
    assert "openai/default" in got["listed"]
    assert got["one"]["id"] == got["listed"][0]
