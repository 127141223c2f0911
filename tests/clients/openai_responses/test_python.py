"""OpenAI's SDK for Python, and LangChain, over the Responses protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI
from openai import OpenAI
from pydantic import BaseModel

from tests.support.reader import send
from tests.support.service import Service
from tests.support.upstream import Ended, Gate, Reasoning, Tokens, ToolCall, Upstream, anthropic_wire, cuts, openai_wire

WIRES = pytest.mark.parametrize(("provider", "wire"), [("openai", openai_wire), ("anthropic", anthropic_wire)])
TEXT = ("Grüße, ", "👩‍👩‍👧", " e\u0301 🌊")
TOOL = {"type": "function", "name": "find", "parameters": {"type": "object"}}
SUM = '{"terms": [1, 2], "total": 3}'


class Sum(BaseModel):
    """An answer of the user's own type."""

    terms: list[int]
    total: int


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[OpenAI]:
    with OpenAI(base_url=service.url + "/v1", api_key="any", max_retries=0) as made:
        yield made


def test_streams_in_five_lines(service: Service, upstream: Upstream, capsys) -> None:
    upstream.answer("five lines", openai_wire.answer(*TEXT))
    base_url, model = service.url + "/v1", "openai/five lines"
    # docs: OpenAI SDK (Python), responses
    from openai import OpenAI

    client = OpenAI(base_url=base_url, api_key="any")
    for event in client.responses.create(model=model, input="hi", stream=True):
        if event.type == "response.output_text.delta":
            print(event.delta, end="", flush=True)
    # end docs
    client.close()
    assert capsys.readouterr().out == "".join(TEXT)


def text_of(events: list[Any]) -> str:
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


@WIRES
class TestAStream:
    def test_is_whole(self, client: OpenAI, upstream: Upstream, provider, wire) -> None:
        upstream.answer("streamed", cuts.cut(wire.answer(Reasoning("hm"), *TEXT, usage=Tokens(9, 3, cached=4)), 5))
        with client.responses.stream(model=f"{provider}/streamed", input="hi") as stream:
            events = list(stream)
        assert text_of(events) == "".join(TEXT)
        response = stream.get_final_response()
        thought, message = response.output
        assert (thought.summary[0].text, message.content[0].text) == ("hm", "".join(TEXT))
        usage = response.usage
        assert (usage.input_tokens, usage.output_tokens, usage.input_tokens_details.cached_tokens) == (9, 3, 4)
        assert (response.status, response.model) == ("completed", f"{provider}/streamed")

    def test_that_fails_says_so_after_what_was_said(self, client, upstream, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        *events, last = client.responses.create(model=f"{provider}/failing", input="hi", stream=True)
        assert text_of(events) == "0 1 "
        assert (last.type, last.response.status) == ("response.failed", "failed")
        assert last.response.error.code.startswith("upstream_")

    def test_that_is_closed_is_stopped(self, client, upstream, provider, wire) -> None:
        name = f"closed {provider}"
        upstream.answer(name, wire.answer("one", Gate(name), "two"))
        stream = client.responses.create(model=f"{provider}/{name}", input="hi", stream=True)
        assert next(event for event in stream if event.type == "response.output_text.delta").delta == "one"
        stream.close()
        upstream.wait_for(lambda: upstream.requests(name)[0].ended is Ended.ABORTED)

    def test_that_was_cut_short_is_incomplete(self, client, upstream, provider, wire) -> None:
        upstream.answer("short", wire.answer("one", finish=wire.FINISHES[1]))
        response = client.responses.create(model=f"{provider}/short", input="hi")
        assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")
        assert response.output_text == "one"


@WIRES
def test_tools_are_called_and_answered_in_turn(client: OpenAI, upstream: Upstream, provider, wire) -> None:
    calls = ToolCall("c1", "find", ('{"q":', ' "ö"}')), ToolCall("c2", "now", ())
    upstream.answer("in turn", [wire.answer("Well. ", *calls, finish=wire.FINISHES[2]), wire.answer("found")])
    options = {"model": f"{provider}/in turn", "tools": [TOOL, {"type": "function", "name": "now", "parameters": {}}]}
    answered = client.responses.create(input="hi", **options)
    called = [item for item in answered.output if item.type == "function_call"]
    assert [json.loads(call.arguments) for call in called] == [{"q": "ö"}, {}]
    history = [{"role": "user", "content": "hi"}, *answered.output]
    history += [{"type": "function_call_output", "call_id": call.call_id, "output": "x"} for call in called]
    assert client.responses.create(input=history, **options).output_text == "found"
    messages = upstream.requests("in turn")[-1].body["messages"]
    assert [message["role"] for message in messages][:2] == ["user", "assistant"]


def test_thoughts_come_back_to_who_had_them(client: OpenAI, upstream: Upstream) -> None:
    upstream.answer("thinking", [anthropic_wire.answer(Reasoning("hm"), "So."), anthropic_wire.answer("ok")])
    answered = client.responses.create(model="anthropic/thinking", input="hi")
    history = [{"role": "user", "content": "hi"}, *answered.output, {"role": "user", "content": "And?"}]
    client.responses.create(model="anthropic/thinking", input=history)
    message = upstream.requests("thinking")[-1].body["messages"][1]
    assert message["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": anthropic_wire.SIGNATURE},
        {"type": "text", "text": "So."},
    ]


class TestAStructuredAnswer:
    def test_is_parsed(self, client: OpenAI, upstream: Upstream) -> None:
        upstream.answer("structured", openai_wire.answer(*SUM))
        parsed = client.responses.parse(model="openai/structured", input="hi", text_format=Sum)
        assert parsed.output_parsed == Sum(terms=[1, 2], total=3)
        wanted = upstream.requests("structured")[-1].body["response_format"]["json_schema"]
        assert (wanted["name"], wanted["strict"], wanted["schema"]["required"]) == ("Sum", True, ["terms", "total"])

    def test_is_parsed_at_the_end_of_its_stream(self, client: OpenAI, upstream: Upstream) -> None:
        upstream.answer("structured", openai_wire.answer(*SUM))
        with client.responses.stream(model="openai/structured", input="hi", text_format=Sum) as stream:
            assert stream.get_final_response().output_parsed == Sum(terms=[1, 2], total=3)


class TestARefusal:
    def test_is_what_the_sdk_raises_for_it(self, client: OpenAI, upstream: Upstream) -> None:
        upstream.answer("limited", openai_wire.error(429))
        with pytest.raises(openai.RateLimitError):
            client.responses.create(model="openai/limited", input="hi")
        with pytest.raises(openai.NotFoundError):
            client.responses.create(model="nobody/x", input="hi", stream=True)

    @pytest.mark.parametrize(
        ("options", "wrong"),
        [
            ({"previous_response_id": "resp_1"}, "send the whole conversation"),
            ({"background": True, "store": False}, "background is true and store is false"),
            ({"input": [{"role": "user", "content": [{"type": "input_video"}]}]}, "input[0].content[0] (input_video)"),
            ({"input": []}, "input is empty"),
        ],
    )
    def test_says_what_cannot_be_asked(self, client: OpenAI, options: dict[str, Any], wrong: str) -> None:
        with pytest.raises(openai.BadRequestError) as caught:
            client.responses.create(**{"model": "openai/default", "input": "hi", **options})
        assert wrong in caught.value.message


def test_a_resumable_stream_is_followed_from_where_it_was_left(service: Service, upstream: Upstream) -> None:
    upstream.answer("resumed", openai_wire.answer("one ", "two ", "three"))
    with OpenAI(base_url=service.url + "/v1", api_key="any", max_retries=0) as client:
        create = client.responses.with_raw_response.create
        raw = create(model="openai/resumed", input="hi", stream=True, extra_body={"resumable": True})
        heard = list(raw.parse())
    own = f"{service.url}/api/streams/{raw.headers['headrace-stream-id']}?protocol=openai-responses"
    frames = send(own, method="GET").frames
    assert [data["sequence_number"] for _, data in frames] == [event.sequence_number for event in heard]
    rest = send(own + "&last_event_id=3", method="GET").frames
    assert rest == frames[-len(rest) :]
    assert "".join(data["delta"] for _, data in rest if "delta" in data) == "three"


class TestLangChain:
    def chat(self, service: Service, model: str) -> ChatOpenAI:
        where = {"base_url": service.url + "/v1", "api_key": "any", "max_retries": 0}
        return ChatOpenAI(model=model, use_responses_api=True, output_version="responses/v1", **where)

    @WIRES
    def test_streams_the_whole_with_its_usage(self, service: Service, upstream: Upstream, provider, wire) -> None:
        upstream.answer("chained", wire.answer(*TEXT, usage=Tokens(9, 3, cached=4)))
        whole = None
        for chunk in self.chat(service, f"{provider}/chained").stream("hi"):
            whole = chunk if whole is None else whole + chunk
        assert whole.text == "".join(TEXT)
        assert (whole.usage_metadata["input_tokens"], whole.usage_metadata["output_tokens"]) == (9, 3)

    @WIRES
    def test_calls_tools_and_goes_on(self, service: Service, upstream: Upstream, provider, wire) -> None:
        call = ToolCall("c1", "find", tuple('{"q": "ö"}'))
        upstream.answer("bound", [wire.answer(call, finish=wire.FINISHES[2]), wire.answer("found")])
        chat = self.chat(service, f"{provider}/bound").bind_tools([{**TOOL, "description": "Finds."}])
        called = chat.invoke("hi")
        assert [(made["id"], made["name"], made["args"]) for made in called.tool_calls] == [("c1", "find", {"q": "ö"})]
        messages = [HumanMessage("hi"), called, ToolMessage("found ö", tool_call_id="c1")]
        assert chat.invoke(messages).text == "found"
        assert "found ö" in str(upstream.requests("bound")[-1].body["messages"][-1])
