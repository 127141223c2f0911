"""OpenAI's SDK for Python with what only providers of its own protocol have: custom tools, logprobs, citations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import OpenAI
from pydantic import BaseModel

from tests.blueprints.openai_chat.test_same_protocol import chunk
from tests.support.service import Service
from tests.support.upstream import FINISH, ToolCall, Upstream, anthropic_wire, openai_wire, script

HI = [{"role": "user", "content": "hi"}]
PATCH = {"type": "custom", "custom": {"name": "patch", "description": "Applies a patch."}}
LOGPROB = {"token": "1", "logprob": -0.5, "bytes": None, "top_logprobs": []}


class Number(BaseModel):
    """An answer of the user's own type."""

    value: int


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[OpenAI]:
    with OpenAI(base_url=service.url + "/v1", api_key="any", max_retries=0) as made:
        yield made


@pytest.mark.parametrize(("provider", "wire"), [("openai", openai_wire), ("anthropic", anthropic_wire)])
class TestACustomTool:
    def test_is_called_with_text_and_answered(self, client, upstream, provider, wire) -> None:
        call = ToolCall("c1", "patch", ('{"inp', 'ut": "*** Begin', '\\n"}'))
        upstream.answer("patching", [wire.answer(call, finish=wire.FINISHES[2]), wire.answer("done")])
        asked = {"model": f"{provider}/patching", "tools": [PATCH]}
        message = client.chat.completions.create(messages=HI, **asked).choices[0].message
        (called,) = message.tool_calls
        assert (called.id, called.type, called.custom.name) == ("c1", "custom", "patch")
        assert called.custom.input == "*** Begin\n"
        result = {"role": "tool", "tool_call_id": "c1", "content": "ok"}
        answer = client.chat.completions.create(messages=[*HI, message, result], **asked).choices[0].message
        assert answer.content == "done"

    def test_is_called_in_a_stream(self, client, upstream, provider, wire) -> None:
        call = ToolCall("c1", "patch", ('{"inp', 'ut": "*** Begin', '\\n"}'))
        upstream.answer("patching", wire.answer("Well.", call, finish=wire.FINISHES[2]))
        with client.chat.completions.stream(model=f"{provider}/patching", messages=HI, tools=[PATCH]) as stream:
            chunks = [event.chunk for event in stream if event.type == "chunk"]
        pieces = [piece for each in chunks for piece in each.choices[0].delta.tool_calls or ()]
        assert pieces[0].type == "custom"
        assert "".join(piece.custom["input"] for piece in pieces) == "*** Begin\n"
        assert stream.current_completion_snapshot.choices[0].finish_reason == "tool_calls"


class TestTheHelper:
    @pytest.mark.filterwarnings("ignore:Pydantic serializer")  # the SDK's own, about its own value
    def test_has_logprobs_and_the_fingerprint_and_parses(self, client: OpenAI, upstream: Upstream) -> None:
        pieces = [
            chunk({"content": text}, choice={"logprobs": {"content": [LOGPROB]}}, system_fingerprint="fp_1")
            for text in ('{"value":', "1}")
        ]
        stop = chunk({}, "stop", system_fingerprint="fp_1")
        upstream.answer("scored", script(openai_wire.HEAD, *pieces, stop, FINISH))
        asked = {"model": "openai/scored", "messages": HI, "logprobs": True, "response_format": Number}
        with client.chat.completions.stream(**asked) as stream:
            events = list(stream)
        streamed = stream.get_final_completion()
        whole = client.chat.completions.parse(**asked)
        for completion in (streamed, whole):
            choice = completion.choices[0]
            assert choice.message.parsed == Number(value=1)
            assert [each.token for each in choice.logprobs.content] == ["1", "1"]
            assert completion.system_fingerprint == "fp_1"
        assert len([event for event in events if event.type == "logprobs.content.delta"]) == 2
        back = whole.choices[0].message
        assert client.chat.completions.parse(**{**asked, "messages": [*HI, back, *HI]}).choices[0].message.parsed
        assert upstream.requests("scored")[-1].body["messages"][1] == {"role": "assistant", "content": '{"value":1}'}

    def test_has_the_signature_of_a_call_and_sends_it_back(self, client: OpenAI, upstream: Upstream) -> None:
        extra = {"google": {"thought_signature": "S"}}
        call = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        called = chunk({"tool_calls": [{**call, "extra_content": extra}]})
        signed = script(openai_wire.HEAD, called, chunk({}, "tool_calls"), FINISH)
        upstream.answer("signed", [signed, openai_wire.answer("done")])
        tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
        with client.chat.completions.stream(model="openai/signed", messages=HI, tools=tools) as stream:
            message = stream.get_final_completion().choices[0].message
        assert message.tool_calls[0].extra_content == extra
        result = {"role": "tool", "tool_call_id": "a", "content": "1"}
        client.chat.completions.create(model="openai/signed", messages=[*HI, message, result], tools=tools)
        sent = upstream.requests("signed")[-1].body["messages"][1]
        assert sent["tool_calls"] == [
            {"id": "a", "type": "function", "function": call["function"], "extra_content": extra}
        ]
