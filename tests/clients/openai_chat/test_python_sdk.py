"""OpenAI's SDK for Python: streams, its helper, tools, structured answers, errors and their classes, and stop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionChunk
from pydantic import BaseModel

from tests.support.reader import Reading
from tests.support.service import Service
from tests.support.upstream import (
    Ended,
    Gate,
    Reasoning,
    Refusal,
    Tokens,
    ToolCall,
    Upstream,
    anthropic_wire,
    cuts,
    openai_wire,
)

WIRES = pytest.mark.parametrize(("provider", "wire"), [("openai", openai_wire), ("anthropic", anthropic_wire)])
HI = [{"role": "user", "content": "hi"}]
TEXT = ("Grüße, ", "👩‍👩‍👧", " e\u0301 🌊")
TOOLS = [{"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}]


class Sum(BaseModel):
    """An answer, or a tool's arguments, of the user's own type."""

    terms: list[int]
    total: int


SUM = '{"terms": [1, 2], "total": 3}'


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[OpenAI]:
    with OpenAI(base_url=service.url + "/v1", api_key="any", max_retries=0) as made:
        yield made


def test_streams_in_five_lines(service: Service, upstream: Upstream, capsys) -> None:
    upstream.answer("five lines", openai_wire.answer(*TEXT))
    base_url, model = service.url + "/v1", "openai/five lines"
    # docs: OpenAI SDK (Python)
    from openai import OpenAI

    client = OpenAI(base_url=base_url, api_key="any")
    messages = [{"role": "user", "content": "hi"}]
    for chunk in client.chat.completions.create(model=model, messages=messages, stream=True):
        print(chunk.choices[0].delta.content or "", end="", flush=True)
    # end docs
    client.close()
    assert capsys.readouterr().out == "".join(TEXT)


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


@WIRES
class TestAStream:
    def test_is_whole(self, client: OpenAI, upstream: Upstream, provider, wire) -> None:
        upstream.answer("streamed", wire.answer(Reasoning("hm"), *TEXT, usage=Tokens(9, 3, cached=4)))
        chunks = list(
            client.chat.completions.create(
                model=f"{provider}/streamed", messages=HI, stream=True, stream_options={"include_usage": True}
            )
        )
        assert text_of(chunks) == "".join(TEXT)
        assert chunks[1].choices[0].delta.reasoning_content == "hm"
        assert chunks[-2].choices[0].finish_reason == "stop"
        usage = chunks[-1].usage
        assert (usage.prompt_tokens, usage.completion_tokens, usage.prompt_tokens_details.cached_tokens) == (9, 3, 4)
        assert {chunk.model for chunk in chunks} == {f"{provider}/streamed"}

    def test_cut_at_every_byte_on_its_way_is_whole(self, client, upstream, provider, wire) -> None:
        upstream.answer("cut", cuts.cut(wire.answer(*TEXT), 1))
        assert text_of(list(client.chat.completions.create(model=f"{provider}/cut", messages=HI, stream=True))) == (
            "".join(TEXT)
        )

    def test_that_fails_raises_after_what_was_said(self, client, upstream, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        chunks = []
        with pytest.raises(openai.APIError) as caught:
            chunks.extend(client.chat.completions.create(model=f"{provider}/failing", messages=HI, stream=True))
        assert text_of(chunks) == "0 1 "
        assert caught.value.code.startswith("upstream_")
        assert caught.value.type == "server_error"
        assert provider in caught.value.message

    def test_that_is_closed_is_stopped(self, client, upstream, provider, wire) -> None:
        name = f"closed {provider}"
        upstream.answer(name, wire.answer("one", Gate(name), "two"))
        stream = client.chat.completions.create(model=f"{provider}/{name}", messages=HI, stream=True)
        assert next(chunk for chunk in stream if chunk.choices[0].delta.content).choices[0].delta.content == "one"
        stream.close()
        upstream.wait_for(lambda: upstream.requests(name)[0].ended is Ended.ABORTED)


@WIRES
class TestTheHelper:
    def test_tells_events_and_the_whole_completion(self, client, upstream, provider, wire) -> None:
        upstream.answer("helped", wire.answer(Reasoning("hm"), *TEXT, usage=(9, 3)))
        asked = {"model": f"{provider}/helped", "messages": HI, "stream_options": {"include_usage": True}}
        with client.chat.completions.stream(**asked) as stream:
            events = list(stream)
        assert "".join(event.delta for event in events if event.type == "content.delta") == "".join(TEXT)
        assert next(event.content for event in events if event.type == "content.done") == "".join(TEXT)
        completion = stream.get_final_completion()
        assert completion.choices[0].message.content == "".join(TEXT)
        assert completion.choices[0].message.reasoning_content == "hm"
        assert completion.usage.total_tokens == 12

    def test_parses_the_arguments_of_calls(self, client, upstream, provider, wire) -> None:
        pieces = tuple(SUM)  # one character each
        calls = ToolCall("c1", "Sum", pieces), ToolCall("c2", "Sum", (SUM,))
        upstream.answer("calling", wire.answer("Well. ", *calls, finish=wire.FINISHES[2]))
        tools = [openai.pydantic_function_tool(Sum)]
        with client.chat.completions.stream(model=f"{provider}/calling", messages=HI, tools=tools) as stream:
            done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        assert [event.parsed_arguments for event in done] == [Sum(terms=[1, 2], total=3)] * 2
        choice = stream.get_final_completion().choices[0]
        assert choice.finish_reason == "tool_calls"
        assert [call.id for call in choice.message.tool_calls] == ["c1", "c2"]


class TestTools:
    @WIRES
    def test_are_called_and_answered_in_turn(self, client, upstream, provider, wire) -> None:
        call = ToolCall("c1", "find", ('{"q":', ' "ö"}')), ToolCall("c2", "now", ())
        upstream.answer("in turn", [wire.answer(*call, finish=wire.FINISHES[2]), wire.answer("found")])
        asked = {"model": f"{provider}/in turn", "tools": [*TOOLS, {"type": "function", "function": {"name": "now"}}]}
        messages = [*HI]
        answered = client.chat.completions.create(messages=messages, **asked).choices[0].message
        assert [json.loads(call.function.arguments) for call in answered.tool_calls] == [{"q": "ö"}, {}]
        messages.append(answered)
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "x"} for call in answered.tool_calls]
        assert client.chat.completions.create(messages=messages, **asked).choices[0].message.content == "found"

    def test_reach_the_model_with_their_results(self, client: OpenAI, upstream: Upstream) -> None:
        upstream.answer("told", [openai_wire.answer(ToolCall("c1", "find", ("{}",))), openai_wire.answer("ok")])
        asked = {"model": "openai/told", "tools": TOOLS, "tool_choice": "required"}
        answered = client.chat.completions.create(messages=HI, **asked).choices[0].message
        result = {"role": "tool", "tool_call_id": "c1", "content": "found"}
        client.chat.completions.create(messages=[*HI, answered, result], **asked)
        sent = upstream.requests("told")[-1].body
        call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
        assert sent["messages"] == [*HI, {"role": "assistant", "content": None, "tool_calls": [call]}, result]
        assert sent["tool_choice"] == "required"


class TestAStructuredAnswer:
    @pytest.mark.filterwarnings("ignore:Pydantic serializer")  # the SDK's own, about its own value
    def test_is_parsed_and_can_be_sent_back(self, client: OpenAI, upstream: Upstream) -> None:
        upstream.answer("structured", openai_wire.answer(*SUM))
        asked = {"model": "openai/structured", "response_format": Sum}
        message = client.chat.completions.parse(messages=HI, **asked).choices[0].message
        assert message.parsed == Sum(terms=[1, 2], total=3)
        wanted = upstream.requests("structured")[-1].body["response_format"]["json_schema"]
        assert (wanted["name"], wanted["strict"], wanted["schema"]["required"]) == ("Sum", True, ["terms", "total"])
        assert client.chat.completions.parse(messages=[*HI, message, *HI], **asked).choices[0].message.parsed
        assert upstream.requests("structured")[-1].body["messages"][1] == {"role": "assistant", "content": SUM}

    def test_is_parsed_as_it_streams(self, client: OpenAI, upstream: Upstream) -> None:
        upstream.answer("structured", openai_wire.answer(*SUM))
        with client.chat.completions.stream(model="openai/structured", messages=HI, response_format=Sum) as stream:
            parsed = [event.parsed for event in stream if event.type == "content.delta"]
        assert parsed[-1] == {"terms": [1, 2], "total": 3}
        assert stream.get_final_completion().choices[0].message.parsed == Sum(terms=[1, 2], total=3)

    def test_that_was_cut_raises_what_the_sdk_raises_for_it(self, client: OpenAI, upstream: Upstream) -> None:
        upstream.answer("cut short", openai_wire.answer('{"terms": [1', finish="length"))
        with pytest.raises(openai.LengthFinishReasonError):
            client.chat.completions.parse(model="openai/cut short", messages=HI, response_format=Sum)

    def test_that_is_refused_is_text(self, client: OpenAI, upstream: Upstream) -> None:
        upstream.answer("refusing", openai_wire.answer(Refusal("No.")))
        answered = client.chat.completions.create(model="openai/refusing", messages=HI)
        assert answered.choices[0].message.content == "No."


def test_an_async_client_streams_and_stops_like_any_other(service: Service, upstream: Upstream) -> None:
    upstream.answer("async", openai_wire.answer(*TEXT))
    upstream.answer("async left", openai_wire.answer("one", Gate("async left"), "two"))

    async def read() -> None:
        async with AsyncOpenAI(base_url=service.url + "/v1", api_key="any", max_retries=0) as client:
            stream = await client.chat.completions.create(model="openai/async", messages=HI, stream=True)
            assert text_of([chunk async for chunk in stream]) == "".join(TEXT)
            async with client.chat.completions.stream(model="openai/async left", messages=HI) as left:
                deltas = (event.delta async for event in left if event.type == "content.delta" and event.delta)
                assert await anext(deltas) == "one"

    asyncio.run(read())
    upstream.wait_for(lambda: upstream.requests("async left")[0].ended is Ended.ABORTED)


def test_models_are_listed_and_looked_up(client: OpenAI) -> None:
    assert "openai/default" in [model.id for model in client.models.list()]
    assert client.models.retrieve("openai/default").owned_by == "openai"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody/x")


def test_a_resumable_stream_is_read_across_heartbeats(guarded: Service, upstream: Upstream) -> None:
    upstream.answer("beaten", openai_wire.answer("one ", Gate("beaten"), "two"))
    with OpenAI(base_url=guarded.url + "/v1", api_key="mine", max_retries=0) as client:
        create = client.chat.completions.with_raw_response.create
        raw = create(model="openai/beaten", messages=HI, stream=True, extra_body={"resumable": True})
        stream = raw.parse()
        heard = [next(stream), next(stream)]
        own = f"{guarded.url}/api/streams/{raw.headers['headrace-stream-id']}?last_event_id=2"
        with Reading(own, method="GET", headers={"Authorization": "Bearer mine"}) as beside:
            beside.until(b": keep-alive\n\n: keep-alive\n\n")
            upstream.open_gate("beaten")
            assert b'"delta":"two"' in beside.until(b"[DONE]")
        assert text_of([*heard, *stream]) == "one two"
