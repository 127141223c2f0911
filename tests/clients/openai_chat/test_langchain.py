"""LangChain, for Python and for JavaScript: streams, tools, structured answers, errors, and stop."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from functools import reduce
from typing import Any

import openai
import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from tests.blueprints.openai_chat.test_same_protocol import chunk as chunk_of
from tests.clients.openai_chat.node import Node
from tests.support.service import Service
from tests.support.upstream import (
    FINISH,
    Ended,
    Gate,
    Tokens,
    ToolCall,
    Upstream,
    anthropic_wire,
    cuts,
    openai_wire,
    script,
)

WIRES = pytest.mark.parametrize(("provider", "wire"), [("openai", openai_wire), ("anthropic", anthropic_wire)])
TEXT = ("Grüße, ", "👩‍👩‍👧", " e\u0301 🌊")
SUM = '{"terms": [1, 2], "total": 3}'
CALLS = (ToolCall("c1", "find", tuple('{"q": "ö"}')),)


class Sum(BaseModel):
    """The user's own type."""

    terms: list[int]
    total: int


def find(q: str) -> str:
    """Find something."""
    return f"found {q}"


def chat_of(service: Service, model: str, **fields: Any) -> ChatOpenAI:
    return ChatOpenAI(model=model, base_url=service.url + "/v1", api_key="any", max_retries=0, **fields)


def test_streams_in_five_lines(service: Service, upstream: Upstream, capsys) -> None:
    upstream.answer("five lines", openai_wire.answer(*TEXT))
    base_url, model = service.url + "/v1", "openai/five lines"
    # docs: LangChain
    from langchain_openai import ChatOpenAI

    chat = ChatOpenAI(base_url=base_url, api_key="any", model=model)
    for chunk in chat.stream("hi"):
        print(chunk.text, end="", flush=True)
    # end docs
    assert capsys.readouterr().out == "".join(TEXT)


@WIRES
class TestPython:
    def test_streams_the_whole_with_its_usage(self, service: Service, upstream: Upstream, provider, wire) -> None:
        upstream.answer("chained", cuts.cut(wire.answer(*TEXT, usage=Tokens(9, 3, cached=4)), 5))
        whole = None
        for chunk in chat_of(service, f"{provider}/chained", stream_usage=True).stream("hi"):
            whole = chunk if whole is None else whole + chunk
        assert whole.text == "".join(TEXT)
        assert (whole.usage_metadata["input_tokens"], whole.usage_metadata["output_tokens"]) == (9, 3)
        assert whole.usage_metadata["input_token_details"]["cache_read"] == 4
        assert whole.response_metadata["model_name"] == f"{provider}/chained"
        assert whole.response_metadata["finish_reason"] == "stop"

    def test_calls_tools_and_goes_on(self, service: Service, upstream: Upstream, provider, wire) -> None:
        upstream.answer("bound", [wire.answer("Well. ", *CALLS, finish=wire.FINISHES[2]), wire.answer("found")])
        chat = chat_of(service, f"{provider}/bound").bind_tools([find])
        called = None
        for chunk in chat.stream("hi"):
            called = chunk if called is None else called + chunk
        assert [(call["id"], call["name"], call["args"]) for call in called.tool_calls] == [("c1", "find", {"q": "ö"})]
        turns = [HumanMessage("hi"), called, ToolMessage(find(**called.tool_calls[0]["args"]), tool_call_id="c1")]
        assert chat.invoke(turns).text == "found"
        assert "found ö" in str(upstream.requests("bound")[-1].body["messages"][-1])

    def test_raises_what_the_sdk_raises(self, service: Service, upstream: Upstream, provider, wire) -> None:
        upstream.answer("refused", wire.error(429))
        with pytest.raises(openai.RateLimitError):
            chat_of(service, f"{provider}/refused").invoke("hi")

    def test_raises_after_what_was_said(self, service: Service, upstream: Upstream, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        texts = []
        with pytest.raises(openai.APIError):
            texts.extend(chunk.text for chunk in chat_of(service, f"{provider}/failing").stream("hi"))
        assert "".join(texts) == "0 1 "

    def test_that_leaves_stops_the_model(self, service: Service, upstream: Upstream, provider, wire) -> None:
        name = f"chain left {provider}"
        upstream.answer(name, wire.answer("one", Gate(name), "two"))
        chunks = chat_of(service, f"{provider}/{name}").stream("hi")
        assert next(chunk.text for chunk in chunks if chunk.text) == "one"
        chunks.close()
        upstream.wait_for(lambda: upstream.requests(name)[0].ended is Ended.ABORTED)


def test_python_has_structured_answers(service: Service, upstream: Upstream) -> None:
    upstream.answer("structured", openai_wire.answer(*SUM))
    chat = chat_of(service, "openai/structured").with_structured_output(Sum)
    assert chat.invoke("hi") == Sum(terms=[1, 2], total=3)


def test_python_has_structured_answers_of_claude_by_a_tool(service: Service, upstream: Upstream) -> None:
    upstream.answer("structured", anthropic_wire.answer(ToolCall("c1", "Sum", (SUM,)), finish="tool_use"))
    chat = chat_of(service, "anthropic/structured").with_structured_output(Sum, method="function_calling")
    assert chat.invoke("hi") == Sum(terms=[1, 2], total=3)


def test_python_names_who_speaks(service: Service, upstream: Upstream) -> None:
    upstream.answer("named", openai_wire.answer("ok"))
    chat_of(service, "openai/named").invoke([HumanMessage("hi", name="ann")])
    assert upstream.requests("named")[-1].body["messages"] == [{"role": "user", "content": "hi", "name": "ann"}]


@pytest.mark.parametrize("is_streamed", [True, False])
def test_python_sends_the_settings_of_its_server_and_has_logprobs(service, upstream, is_streamed: bool) -> None:
    logprob = {"token": "a", "logprob": -0.5, "bytes": None, "top_logprobs": []}
    frames = [chunk_of({"content": "a"}, choice={"logprobs": {"content": [logprob]}}, system_fingerprint="fp_1")] * 2
    upstream.answer(
        "set up", script(openai_wire.HEAD, *frames, chunk_of({}, "stop", system_fingerprint="fp_1"), FINISH)
    )
    settings = {"chat_template_kwargs": {"enable_thinking": False}, "min_p": 0.05}
    chat = chat_of(service, "openai/set up", extra_body=settings, logprobs=True, service_tier="flex")
    answer = chat.invoke("hi") if not is_streamed else sum_of(chat.stream("hi"))
    assert upstream.requests("set up")[-1].body.items() >= {**settings, "service_tier": "flex"}.items()
    assert (answer.text, answer.response_metadata["logprobs"]["content"]) == ("aa", [logprob] * 2)
    assert answer.response_metadata["system_fingerprint"] == "fp_1"


def sum_of(chunks: Iterable[AIMessageChunk]) -> AIMessageChunk:
    return reduce(operator.add, chunks)


def test_javascript_streams_in_five_lines(node: Node, service: Service, upstream: Upstream) -> None:
    upstream.answer("five lines", openai_wire.answer(*TEXT))
    assert node.run("langchain.mjs", service.url + "/v1", "openai/five lines") == "".join(TEXT)


@WIRES
class TestJavaScript:
    def test_streams_the_whole_with_its_usage(self, node, service, upstream, provider, wire) -> None:
        upstream.answer("chained", cuts.cut(wire.answer(*TEXT, usage=Tokens(9, 3)), 5))
        got = node.ask("langchainStream", baseURL=service.url + "/v1", model=f"{provider}/chained")
        assert (got["text"], got["finish"], got["usage"]["total_tokens"]) == ("".join(TEXT), "stop", 12)

    def test_calls_tools_and_goes_on(self, node, service, upstream, provider, wire) -> None:
        upstream.answer("bound", [wire.answer("Well. ", *CALLS, finish=wire.FINISHES[2]), wire.answer("found")])
        got = node.ask("langchainTools", baseURL=service.url + "/v1", model=f"{provider}/bound")
        assert [(call["id"], call["name"], call["args"]) for call in got["calls"]] == [("c1", "find", {"q": "ö"})]
        assert got["text"] == "found"
        assert "found ö" in str(upstream.requests("bound")[-1].body["messages"][-1])

    def test_throws_what_the_sdk_throws(self, node, service, upstream, provider, wire) -> None:
        upstream.answer("refused", wire.error(429))
        got = node.ask("langchainRefused", baseURL=service.url + "/v1", model=f"{provider}/refused")
        assert (got["status"], got["code"]) == (429, "rate_limited")

    def test_throws_after_what_was_said(self, node, service, upstream, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        got = node.ask("langchainFailing", baseURL=service.url + "/v1", model=f"{provider}/failing")
        assert got["text"] == "0 1 "
        assert got["error"]["code"].startswith("upstream_")

    def test_that_leaves_stops_the_model(self, node, service, upstream, provider, wire) -> None:
        name = f"chain.js left {provider}"
        upstream.answer(name, wire.answer("one", Gate(name), "two"))
        assert node.ask("langchainLeave", baseURL=service.url + "/v1", model=f"{provider}/{name}") == "one"
        upstream.wait_for(lambda: upstream.requests(name)[0].ended is Ended.ABORTED)


def test_javascript_has_structured_answers(node: Node, service: Service, upstream: Upstream) -> None:
    upstream.answer("structured", openai_wire.answer(*SUM))
    got = node.ask("langchainParsed", baseURL=service.url + "/v1", model="openai/structured")
    assert got == {"terms": [1, 2], "total": 3}
