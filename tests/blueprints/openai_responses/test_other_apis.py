"""A client of the Responses API whose model's provider speaks another API: what has a counterpart is translated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.reader import Answer, send
from tests.support.service import Service
from tests.support.upstream import Reasoning, ToolCall, Upstream, anthropic_wire, openai_wire

WIRES = pytest.mark.parametrize(("provider", "wire"), [("openai", openai_wire), ("anthropic", anthropic_wire)])
USER = {"role": "user", "content": "q"}
PATCH = {"type": "custom", "name": "patch", "description": "d"}
AGENTS = {
    "type": "namespace",
    "name": "agents",
    "description": "d",
    "tools": [{"type": "function", "name": "close"}, {**PATCH, "name": "edit"}],
}
INPUT = 'a "quoted"\n\\ line 🌊 ö'


def call(name: str, arguments: str, id: str = "c1") -> ToolCall:  # noqa: A002
    return ToolCall(id, name, tuple([arguments[place : place + 3] for place in range(0, len(arguments), 3)]))


def ask(service: Service, model: str, **body: Any) -> Answer:
    return send(service.url + "/v1/responses", {"model": model, "input": "hi", **body})


def tool_names(request: Any) -> list[str]:
    return [tool.get("name") or tool["function"]["name"] for tool in request.body["tools"]]


@WIRES
class TestACustomTool:
    ANSWER = (call("patch", json.dumps({"input": INPUT})), call("find", '{"q": 1}', "c2"))
    TOOLS = ({"type": "function", "name": "find", "parameters": {"type": "object"}}, PATCH)

    def test_is_called_with_free_text(self, service: Service, upstream: Upstream, provider, wire) -> None:
        upstream.answer("custom", wire.answer(*self.ANSWER, finish=wire.FINISHES[2]))
        answer = ask(service, f"{provider}/custom", tools=self.TOOLS, stream=True)
        assert tool_names(upstream.requests("custom")[-1]) == ["find", "patch"]
        frames = [data for _, data in answer.frames]
        assert [frame["sequence_number"] for frame in frames] == list(range(len(frames)))
        deltas = [frame["delta"] for frame in frames if frame["type"] == "response.custom_tool_call_input.delta"]
        assert "".join(deltas) == INPUT
        assert len(deltas) > 3
        (done,) = [frame for frame in frames if frame["type"] == "response.custom_tool_call_input.done"]
        assert done["input"] == INPUT
        custom, function = frames[-1]["response"]["output"]
        assert (custom["type"], custom["call_id"], custom["name"], custom["input"]) == (
            "custom_tool_call", "c1", "patch", INPUT,
        )  # fmt: skip
        assert (function["type"], function["arguments"]) == ("function_call", '{"q": 1}')

    def test_is_called_so_in_one_piece_and_read_again(self, service, upstream, provider, wire) -> None:
        upstream.answer("whole", wire.answer(*self.ANSWER, finish=wire.FINISHES[2]))
        whole = ask(service, f"{provider}/whole", tools=self.TOOLS).json["output"]
        resumable = ask(service, f"{provider}/whole", tools=self.TOOLS, stream=True, resumable=True)
        stream_id = resumable.headers["headrace-stream-id"]
        again = send(f"{service.url}/api/streams/{stream_id}?protocol=openai-responses", method="GET")
        assert again.frames == resumable.frames
        outputs = [whole, again.frames[-1][1]["response"]["output"]]
        for output in outputs:
            assert [(item["type"], item.get("input")) for item in output] == [
                ("custom_tool_call", INPUT), ("function_call", None),
            ]  # fmt: skip

    def test_whose_call_comes_back_is_one_again(self, service, upstream, provider, wire) -> None:
        upstream.answer("back", [wire.answer(*self.ANSWER, finish=wire.FINISHES[2]), wire.answer("So.")])
        called = ask(service, f"{provider}/back", tools=self.TOOLS).json["output"]
        outputs = [
            {"type": "custom_tool_call_output", "call_id": "c1", "output": "1"},
            {"type": "function_call_output", "call_id": "c2", "output": "2"},
        ]
        assert ask(service, f"{provider}/back", tools=self.TOOLS, input=[USER, *called, *outputs]).status == 200
        assistant = upstream.requests("back")[-1].body["messages"][1]
        calls = assistant.get("tool_calls") or [block for block in assistant["content"] if block["type"] == "tool_use"]
        sent = calls[0].get("input") or json.loads(calls[0]["function"]["arguments"])
        assert sent == {"input": INPUT}


@WIRES
class TestANamespace:
    def test_has_its_functions_under_flat_names_and_back(self, service, upstream, provider, wire) -> None:
        calls = call("agents__close", "{}"), call("agents__edit", '{"input": "x"}', "c2")
        upstream.answer("spaced", [wire.answer(*calls, finish=wire.FINISHES[2]), wire.answer("So.")])
        called = ask(service, f"{provider}/spaced", tools=[AGENTS]).json["output"]
        assert tool_names(upstream.requests("spaced")[-1]) == ["agents__close", "agents__edit"]
        assert [(item["type"], item["namespace"], item["name"]) for item in called] == [
            ("function_call", "agents", "close"), ("custom_tool_call", "agents", "edit"),
        ]  # fmt: skip
        outputs = [
            {"type": "function_call_output", "call_id": "c1", "output": "1"},
            {"type": "custom_tool_call_output", "call_id": "c2", "output": "2"},
        ]
        assert ask(service, f"{provider}/spaced", tools=[AGENTS], input=[USER, *called, *outputs]).status == 200
        assistant = json.dumps(upstream.requests("spaced")[-1].body["messages"][1])
        assert "agents__close" in assistant
        assert "agents__edit" in assistant

    def test_of_an_item_of_the_conversation_is_called_and_back_as_well(self, service, upstream, provider, wire) -> None:
        upstream.answer("item", wire.answer(call("agents__edit", '{"input": "x"}'), finish=wire.FINISHES[2]))
        added = {"type": "additional_tools", "role": "developer", "tools": [AGENTS]}
        answer = ask(service, f"{provider}/item", input=[added, USER])
        assert tool_names(upstream.requests("item")[-1]) == ["agents__close", "agents__edit"]
        assert [(item["type"], item["namespace"], item["name"]) for item in answer.json["output"]] == [
            ("custom_tool_call", "agents", "edit"),
        ]  # fmt: skip
        assert "headrace-ignored" not in answer.headers


@WIRES
class TestWhatIsLeftOut:
    def test_is_told(self, service: Service, upstream: Upstream, provider, wire) -> None:
        upstream.answer("left out", wire.answer("So."))
        tools = [{"type": "function", "name": "find"}, {"type": "web_search"}, {"type": "image_generation"}]
        answer = ask(
            service, f"{provider}/left out", tools=tools, tool_choice={"type": "web_search"}, client_metadata={"a": 1}
        )  # fmt: skip
        assert answer.headers["headrace-ignored"] == (
            "client_metadata, tools[1] (web_search), tools[2] (image_generation), tool_choice (web_search)"
        )
        assert tool_names(upstream.requests("left out")[-1]) == ["find"]
        assert [tool["type"] for tool in answer.json["tools"]] == ["function"]

    def test_is_nothing_if_all_of_it_is_harmless(self, service, upstream, provider, wire) -> None:
        upstream.answer("harmless", wire.answer("So."))
        asked = {"truncation": "auto", "max_tool_calls": 3, "store": False, "include": ["reasoning.encrypted_content"]}
        answer = ask(service, f"{provider}/harmless", **asked)
        assert answer.status == 200
        assert "headrace-ignored" not in answer.headers

    def test_is_no_part_of_the_question(self, service, upstream, provider, wire) -> None:
        video = {"type": "input_video", "video_url": "https://a/b.mp4"}
        answer = ask(service, f"{provider}/video", input=[{"role": "user", "content": [video]}])
        assert answer.status == 400
        assert "input[0].content[0] (input_video)" in answer.error["message"]


def test_calls_with_text_between_them_stay_together(service: Service, upstream: Upstream) -> None:
    upstream.answer("between", openai_wire.answer("So."))
    called = [{"type": "function_call", "call_id": id_, "name": "f", "arguments": "{}"} for id_ in ("a", "b")]
    said = {"role": "assistant", "content": "Well."}
    outputs = [{"type": "function_call_output", "call_id": id_, "output": id_} for id_ in ("a", "b")]
    ask(service, "openai/between", input=[USER, called[0], said, called[1], *outputs])
    messages = upstream.requests("between")[-1].body["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool"]
    assert [each["id"] for each in messages[1]["tool_calls"]] == ["a", "b"]
    assert messages[1]["content"] == "Well."


def test_the_service_tier_is_asked_for_and_told(service: Service, upstream: Upstream) -> None:
    upstream.answer("tier", openai_wire.answer("So."))
    answer = ask(service, "openai/tier", service_tier="priority")
    assert upstream.requests("tier")[-1].body["service_tier"] == "priority"
    assert "headrace-ignored" not in answer.headers


def test_reasoning_goes_round(service: Service, upstream: Upstream) -> None:
    upstream.answer("round", openai_wire.answer(Reasoning("hm"), "So."))
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "t"}]}
    called = {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}
    returned = {"type": "function_call_output", "call_id": "a", "output": "1"}
    assert ask(service, "openai/round", input=[USER, thought, called, returned]).status == 200
    assert upstream.requests("round")[-1].body["messages"][1]["tool_calls"][0]["id"] == "a"


def test_a_document_is_one(service: Service, upstream: Upstream) -> None:
    pdf = "data:application/pdf;base64,JVBERi0xLjQ="
    parts = [{"type": "input_text", "text": "q"}, {"type": "input_file", "filename": "a.pdf", "file_data": pdf}]
    for provider, wire in (("openai", openai_wire), ("anthropic", anthropic_wire)):
        upstream.answer("document", wire.answer("So."))
        assert ask(service, f"{provider}/document", input=[{"role": "user", "content": parts}]).status == 200
    first, second = [request.body["messages"][0]["content"][1] for request in upstream.requests("document")]
    assert first == {"type": "file", "file": {"filename": "a.pdf", "file_data": pdf}}
    assert (second["type"], second["source"]["data"]) == ("document", "JVBERi0xLjQ=")
