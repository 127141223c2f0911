"""JSON answers of Anthropic's API: by a forced tool call, or by the API's output format."""

from __future__ import annotations

from typing import Any

import anthropic
import pydantic
import pytest
from anthropic.types.message_create_params import MessageCreateParamsStreaming

from flask_headrace.core.errors import InvalidRequest, UpstreamStatusError
from flask_headrace.core.events import Completed, TextDelta, ToolCallCompleted, ToolCallDelta, ToolCallStarted
from flask_headrace.providers.anthropic.decoder import MessageDecoder
from flask_headrace.providers.anthropic.json_output import answer_tool_name
from flask_headrace.providers.anthropic.messages import AnthropicMessages
from flask_headrace.providers.anthropic.request_body import build_body
from flask_headrace.providers.chat_request import ChatRequest, Message, NamedTool, ResponseFormat, Tool
from tests.providers.decoding.decoding import Answer
from tests.support.upstream import Gate, ToolCall, Upstream, anthropic_wire, script

HI = (Message("user", "hi"),)
SCHEMA = {"type": "object", "properties": {"q": {"type": "string", "minLength": 1}}, "required": ["q"]}
CLOSED = anthropic.transform_schema(SCHEMA)
THINKING = {"type": "adaptive"}
FIND = Tool("find")
REFUSES_FORCE = "tool_choice forces tool use is not compatible with this model."


def json_request(schema: dict[str, Any] | None = SCHEMA, **fields: Any) -> ChatRequest:
    return ChatRequest("m", HI, response_format=ResponseFormat(schema), **fields)


def sent(request: ChatRequest) -> dict[str, Any]:
    """Return the body of a request, after a check by the SDK's type."""
    body = build_body(request, answer_tool_name(request, may_force=True))
    pydantic.TypeAdapter(MessageCreateParamsStreaming).validate_python(body)
    return body


class TestRequest:
    def test_is_by_a_tool_that_must_be_called(self) -> None:
        body = sent(json_request())
        (tool,) = body["tools"]
        assert (tool["name"], tool["input_schema"], tool["eager_input_streaming"]) == ("answer", SCHEMA, True)
        assert body["tool_choice"] == {"type": "tool", "name": "answer", "disable_parallel_tool_use": True}
        assert "output_config" not in body

    @pytest.mark.parametrize(
        ("schema", "given"),
        [(None, {"type": "object"}), ({"properties": {}}, {"type": "object", "properties": {}})],
        ids=["any JSON", "no type"],
    )
    def test_is_for_an_object(self, schema: Any, given: dict[str, Any]) -> None:
        assert sent(json_request(schema))["tools"][0]["input_schema"] == given

    def test_holds_the_model_to_the_schema_where_that_is_asked(self) -> None:
        strict = ChatRequest("m", HI, response_format=ResponseFormat(CLOSED, "reply", strict=True))
        (tool,) = sent(strict)["tools"]
        assert (tool["name"], tool["strict"]) == ("reply", True)

    @pytest.mark.parametrize("way", [{}, {"thinking": THINKING}], ids=["tool", "format"])
    def test_tells_what_the_answer_is_for(self, way: dict[str, Any]) -> None:
        body = sent(ChatRequest("m", HI, response_format=ResponseFormat(SCHEMA, description="For a form."), **way))
        target = body["tools"][0] if "tools" in body else body["output_config"]["format"]["schema"]
        assert target["description"].endswith("For a form.")

    @pytest.mark.parametrize(("parallel", "is_alone"), [(None, True), (False, True), (True, False)])
    def test_beside_other_tools_is_for_any_of_them(self, parallel: bool | None, is_alone: bool) -> None:
        body = sent(json_request(tools=(FIND,), parallel_tool_calls=parallel))
        assert [tool["name"] for tool in body["tools"]] == ["find", "answer"]
        assert body["tool_choice"] == {"type": "any", "disable_parallel_tool_use": is_alone}

    def test_beside_tools_that_must_not_be_called_is_for_the_answer(self) -> None:
        body = sent(json_request(tools=(FIND,), tool_choice="none"))
        assert [tool["name"] for tool in body["tools"]] == ["find", "answer"]
        assert body["tool_choice"]["name"] == "answer"

    @pytest.mark.parametrize(
        ("choice", "written"), [("required", {"type": "any"}), (NamedTool("find"), {"type": "tool", "name": "find"})]
    )
    def test_beside_tools_one_of_which_must_be_called_waits(self, choice: Any, written: dict[str, Any]) -> None:
        body = sent(json_request(tools=(FIND,), tool_choice=choice))
        assert ([tool["name"] for tool in body["tools"]], body["tool_choice"]) == (["find"], written)
        assert "output_config" not in body

    def test_finds_a_name_that_no_other_tool_has(self) -> None:
        body = sent(json_request(tools=(Tool("answer"), Tool("answer_"))))
        assert body["tools"][-1]["name"] == "answer__"

    def test_is_by_the_format_where_the_model_is_to_think(self) -> None:
        body = sent(json_request(thinking=THINKING, reasoning_effort="low", tools=(FIND,)))
        assert body["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": CLOSED}}
        assert ([tool["name"] for tool in body["tools"]], body["tool_choice"]) == (["find"], {"type": "auto"})

    def test_is_by_the_tool_where_the_model_is_not_to_think(self) -> None:
        assert sent(json_request(thinking={"type": "disabled"}))["tool_choice"]["type"] == "tool"

    def test_is_by_the_format_where_the_answer_is_no_object(self) -> None:
        schema = {"type": "array", "items": {"type": "string"}}
        body = sent(json_request(schema))
        assert (body["output_config"]["format"]["schema"], "tools" in body) == (schema, False)

    @pytest.mark.parametrize("schema", [{"type": ["string", "null"]}, {"type": "array", "items": {}}])
    def test_gives_a_schema_as_it_is_where_the_sdk_cannot_rewrite_it(self, schema: dict[str, Any]) -> None:
        assert sent(json_request(schema))["output_config"]["format"]["schema"] == schema

    def test_for_any_json_of_a_model_that_thinks_says_what_to_do(self) -> None:
        with pytest.raises(InvalidRequest, match="only by a schema"):
            sent(json_request(None, thinking=THINKING))


def decode(*pieces: bytes) -> Answer:
    return Answer(MessageDecoder("acme", "m", "http://acme", "answer"), *pieces)


class TestReading:
    def test_takes_the_tool_s_input_for_text_wherever_it_is_cut(self) -> None:
        answer = ToolCall("t1", "answer", ('{"q":', ' "ö🌊"}'))
        body = anthropic_wire.answer(answer, finish="tool_use", usage=None).body
        expected = [TextDelta('{"q":'), TextDelta(' "ö🌊"}'), Completed("stop")]
        for place in range(len(body)):
            assert decode(body[:place], body[place:]).events == expected

    def test_keeps_the_calls_of_other_tools_apart(self) -> None:
        calls = (ToolCall("t1", "find", ('{"a":1}',)), ToolCall("t2", "answer", ('{"q":2}',)))
        assert decode(anthropic_wire.answer(*calls, finish="tool_use", usage=None).body).events == [
            ToolCallStarted(0, "t1", "find"), ToolCallDelta(0, '{"a":1}'), ToolCallCompleted(0, {"a": 1}),
            TextDelta('{"q":2}'), Completed("tool_calls"),
        ]  # fmt: skip

    def test_takes_the_first_answer(self) -> None:
        twice = [ToolCall(name, "answer", ("{", "}")) for name in ("t1", "t2")]
        events = decode(anthropic_wire.answer(*twice, finish="tool_use", usage=None).body).events
        assert events == [TextDelta("{"), TextDelta("}"), Completed("stop")]

    def test_takes_no_input_for_an_empty_object(self) -> None:
        events = decode(anthropic_wire.answer(ToolCall("t1", "answer", ()), finish="tool_use", usage=None).body).events
        assert events == [TextDelta("{}"), Completed("stop")]

    def test_tells_of_one_that_was_cut(self) -> None:
        cut = anthropic_wire.answer(ToolCall("t1", "answer", ('{"q":',)), finish="max_tokens", usage=None)
        assert decode(cut.body).events == [TextDelta('{"q":'), Completed("length")]

    def test_leaves_a_tool_of_that_name_alone_where_no_answer_is_wanted(self) -> None:
        body = anthropic_wire.answer(ToolCall("t1", "answer", ()), finish="tool_use", usage=None).body
        events = Answer(MessageDecoder("acme", "m", "http://acme"), body).events
        assert events == [ToolCallStarted(0, "t1", "answer"), ToolCallCompleted(0, {}), Completed("tool_calls")]


@pytest.fixture
def provider(own_upstream: Upstream) -> AnthropicMessages:
    return AnthropicMessages("acme", base_url=own_upstream.url, api_key="sk-ant-test")


def text_of(batches: list[list[Any]]) -> str:
    return "".join(event.text for batch in batches for event in batch if isinstance(event, TextDelta))


class TestProvider:
    def test_passes_each_piece_of_the_answer_on_before_the_next_exists(self, own_upstream, provider) -> None:
        steps = anthropic_wire.answer(ToolCall("t1", "answer", ('{"q":', "1}")), finish="tool_use").steps
        place = next(n for n, step in enumerate(steps) if getattr(step, "deltas", 0)) + 1
        own_upstream.answer("m", script(*steps[:place], Gate("more"), *steps[place:]))
        batches = provider.stream(json_request())
        got: list[list[Any]] = []
        while not text_of(got):
            got.append(next(batches))
        assert text_of(got) == '{"q":'
        own_upstream.open_gate("more")
        rest = list(batches)
        assert (text_of(rest), rest[-1][-1]) == ("1}", Completed("stop"))

    def test_asks_a_model_that_cannot_be_told_which_tool_to_call_by_the_format(self, own_upstream, provider) -> None:
        refused = anthropic_wire.error(400, REFUSES_FORCE)
        own_upstream.answer("m", [refused, anthropic_wire.answer('{"q":1}')])
        for _ in range(2):
            assert text_of(list(provider.stream(json_request()))) == '{"q":1}'
        first, *others = own_upstream.requests("m")
        assert first.body["tool_choice"]["type"] == "tool"
        assert [("tools" in r.body, r.body["output_config"]["format"]["schema"]) for r in others] == [
            (False, CLOSED)
        ] * 2

    @pytest.mark.parametrize(
        ("request_", "message"),
        [(json_request(), "prompt is too long"), (ChatRequest("m", HI), REFUSES_FORCE)],
        ids=["for another reason", "without a wanted answer"],
    )
    def test_asks_once_where_it_is_refused(self, own_upstream, provider, request_, message: str) -> None:
        own_upstream.answer("m", anthropic_wire.error(400, message))
        with pytest.raises(UpstreamStatusError, match=message[:10]):
            list(provider.stream(request_))
        assert len(own_upstream.requests("m")) == 1
