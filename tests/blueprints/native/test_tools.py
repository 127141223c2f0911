"""Tools, images and earlier reasoning over the native protocol: what clients receive, and what the model is sent."""

from __future__ import annotations

import json

import pytest

from tests.support.reader import QUESTION, ask
from tests.support.service import Service
from tests.support.upstream import ToolCall, Upstream, anthropic_wire, openai_wire

WIRES = [("openai", openai_wire), ("anthropic", anthropic_wire)]
TOOLS = [{"name": "find", "description": "Finds.", "parameters": {"type": "object"}}, {"name": "now"}]
CALLS = (ToolCall("c1", "find", ('{"q":', ' "ö"}')), ToolCall("c2", "now", ()))
CALLED = [{"id": "c1", "name": "find", "arguments": {"q": "ö"}}, {"id": "c2", "name": "now", "arguments": {}}]
AGAIN = [
    *QUESTION,
    {"role": "assistant", "content": "Well.", "tool_calls": CALLED},
    {"role": "tool", "tool_call_id": "c1", "content": "found"},
    {"role": "tool", "tool_call_id": "c2", "content": "no clock", "is_error": True},
]
PICTURE = [{"type": "text", "text": "What is it?"}, {"type": "image", "url": "data:image/png;base64,AAAA"}]


@pytest.mark.parametrize(("provider", "wire"), WIRES)
class TestCalls:
    def test_come_in_frames_of_their_own(self, service: Service, upstream: Upstream, provider, wire) -> None:
        upstream.answer("calling", wire.answer("Well. ", *CALLS, finish=wire.FINISHES[2]))
        answer = ask(service.url, f"{provider}/calling", tools=TOOLS)
        first, second = ([frame for frame in answer.named("tool") if frame["call"] == call] for call in (0, 1))
        assert first == [
            {"call": 0, "id": "c1", "name": "find"}, {"call": 0, "delta": '{"q":'}, {"call": 0, "delta": ' "ö"}'},
            {"call": 0, "arguments": {"q": "ö"}},
        ]  # fmt: skip
        assert second == [{"call": 1, "id": "c2", "name": "now"}, {"call": 1, "arguments": {}}]
        assert answer.is_done

    def test_stand_in_a_whole_answer(self, service, upstream, provider, wire) -> None:
        upstream.answer("calling", wire.answer("Well. ", *CALLS, finish=wire.FINISHES[2]))
        answer = ask(service.url, f"{provider}/calling", tools=TOOLS, stream=False).json
        assert (answer["text"], answer["tool_calls"], answer["finish_reason"]) == ("Well. ", CALLED, "tool_calls")

    def test_that_are_cut_end_the_stream_with_an_error(self, service, upstream, provider, wire) -> None:
        upstream.answer("cut-call", wire.answer(ToolCall("c1", "find", ('{"q":',)), finish=wire.FINISHES[1]))
        answer = ask(service.url, f"{provider}/cut-call", tools=TOOLS)
        assert [frame["code"] for frame in answer.named("error")] == ["tool_arguments_invalid"]
        assert answer.named("usage")[0]["output_tokens"] == 2
        assert not answer.is_done


def sent(upstream: Upstream, name: str) -> dict:
    return upstream.requests(name)[-1].body


class TestWhatOpenAIIsSent:
    def test_has_the_tools_and_the_choice(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("tools-o", openai_wire.answer("ok"))
        ask(service.url, "openai/tools-o", tools=TOOLS, tool_choice={"name": "find"})
        body = sent(upstream, "tools-o")
        assert [tool["function"]["name"] for tool in body["tools"]] == ["find", "now"]
        assert body["tools"][0]["function"]["description"] == "Finds."
        assert body["tool_choice"] == {"type": "function", "function": {"name": "find"}}

    def test_has_earlier_calls_and_their_results(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("again-o", openai_wire.answer("ok"))
        ask(service.url, "openai/again-o", tools=TOOLS, messages=AGAIN)
        _, assistant, found, failed = sent(upstream, "again-o")["messages"]
        assert assistant["content"] == "Well."
        assert [call["function"]["name"] for call in assistant["tool_calls"]] == ["find", "now"]
        assert json.loads(assistant["tool_calls"][0]["function"]["arguments"]) == {"q": "ö"}
        assert found == {"role": "tool", "tool_call_id": "c1", "content": "found"}
        assert failed["tool_call_id"] == "c2"

    def test_has_the_picture(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("picture-o", openai_wire.answer("a mill"))
        ask(service.url, "openai/picture-o", messages=[{"role": "user", "content": PICTURE}])
        text, image = sent(upstream, "picture-o")["messages"][0]["content"]
        assert text == {"type": "text", "text": "What is it?"}
        assert image == {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


class TestWhatAnthropicIsSent:
    def test_has_the_tools_and_the_choice(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("tools-a", anthropic_wire.answer("ok"))
        ask(service.url, "anthropic/tools-a", tools=TOOLS, tool_choice="required")
        body = sent(upstream, "tools-a")
        assert body["tools"][0] == {"name": "find", "description": "Finds.", "input_schema": {"type": "object"}}
        assert body["tool_choice"] == {"type": "any"}

    def test_has_earlier_calls_and_all_their_results_in_one_turn(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("again-a", anthropic_wire.answer("ok"))
        ask(service.url, "anthropic/again-a", tools=TOOLS, messages=[*AGAIN, {"role": "user", "content": "So?"}])
        _, assistant, results = sent(upstream, "again-a")["messages"]
        assert assistant["content"][0] == {"type": "text", "text": "Well."}
        assert assistant["content"][1] == {"type": "tool_use", "id": "c1", "name": "find", "input": {"q": "ö"}}
        assert results["role"] == "user"
        assert results["content"] == [
            {"type": "tool_result", "tool_use_id": "c1", "content": "found"},
            {"type": "tool_result", "tool_use_id": "c2", "content": "no clock", "is_error": True},
            {"type": "text", "text": "So?"},
        ]

    def test_has_what_it_thought_with_its_signature(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("claude-thoughts", anthropic_wire.answer("ok"))
        thoughts = [{"type": "reasoning", "text": "hm", "signature": "s"}, {"type": "reasoning", "text": "foreign"}]
        turns = [*QUESTION, {"role": "assistant", "content": [*thoughts, {"type": "text", "text": "So."}]}, *QUESTION]
        ask(service.url, "anthropic/claude-thoughts", messages=turns)
        assert sent(upstream, "claude-thoughts")["messages"][1]["content"] == [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "text", "text": "So."},
        ]

    def test_has_the_picture(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("picture-a", anthropic_wire.answer("a mill"))
        ask(service.url, "anthropic/picture-a", messages=[{"role": "user", "content": PICTURE}])
        source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
        assert sent(upstream, "picture-a")["messages"][0]["content"][1] == {"type": "image", "source": source}


class TestRefused:
    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            (
                {"messages": [{"role": "tool", "tool_call_id": "c9", "content": "x"}]},
                "messages[0] has the tool_call_id",
            ),
            ({"messages": [{"role": "user", "content": "x", "tool_calls": CALLED}]}, "only an assistant message"),
            ({"messages": [{"role": "user", "content": "x", "tool_call_id": "c"}]}, "only a tool message"),
            ({"tools": [{"name": "a"}, {"name": "a"}]}, "'a' twice"),
            ({"tool_choice": "required"}, "tools is empty"),
            ({"tools": TOOLS, "tool_choice": {"name": "lose"}}, "must be one of find, now"),
            ({"tools": [{"name": "a", "paramters": {}}]}, "paramters"),
        ],
    )
    def test_is_what_makes_no_sense(self, service: Service, fields: dict, says: str) -> None:
        answer = ask(service.url, "openai/never-asked", **fields)
        assert (answer.status, answer.error["code"]) == (400, "invalid_request")
        assert says in answer.error["message"]


@pytest.mark.parametrize(("provider", "wire"), WIRES)
def test_a_schema_s_answer_is_text(service: Service, upstream: Upstream, provider, wire) -> None:
    content = '{"q":1}' if provider == "openai" else ToolCall("t1", "answer", ('{"q":', "1}"))
    upstream.answer("json", wire.answer(content, finish=wire.FINISHES[0 if provider == "openai" else 2]))
    answer = ask(service.url, f"{provider}/json", schema={"type": "object"})
    assert (answer.text, answer.is_done, answer.named("tool")) == ('{"q":1}', True, [])
