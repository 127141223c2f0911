"""What of a chat completion request travels along as it came, and its less common parts."""

from __future__ import annotations

from typing import Any

import pytest

from flask_headrace.blueprints.http.untranslated import MAX_NAMES
from flask_headrace.blueprints.openai_chat.request import custom_tool_names
from flask_headrace.blueprints.openai_chat.untranslated import HARMLESS_VALUES
from flask_headrace.core.custom_tool_input import INPUT_SCHEMA
from flask_headrace.core.errors import InvalidRequest
from flask_headrace.providers.chat_request import (
    AudioPart,
    CustomTool,
    FilePart,
    Message,
    NamedTool,
    ReasoningPart,
    TextPart,
    Tool,
    ToolCall,
)
from flask_headrace.providers.source_request import SourceRequest, SourceTurn
from tests.blueprints.openai_chat.test_request import HI, chat_request, turn, with_source

BUDGET = {"type": "enabled", "budget_tokens": 2000}
GRAMMAR = {"syntax": "lark", "definition": "start: /.+/"}
CUSTOM = {
    "type": "custom",
    "custom": {"name": "p", "description": "d", "format": {"type": "grammar", "grammar": GRAMMAR}},
}
TOOLS = [{"type": "function", "function": {"name": name}} for name in "abc"]


def source(**fields: Any) -> SourceRequest:
    found = with_source(**fields).source
    assert found is not None
    return found


class TestTravellingAlong:
    def test_are_all_fields_that_are_not_meant_for_this_service(self) -> None:
        sent = {"temperature": 0.5, "logit_bias": {"1": 2}, "chat_template_kwargs": {"enable_thinking": False}}
        ours = {"model": "x/y", "stream": True, "resumable": True, "id": "0123456789abcdef", "store": None}
        assert source(**sent, **ours).fields == sent

    def test_are_the_messages_as_they_came_each_with_what_it_became(self) -> None:
        said = {"role": "assistant", "content": "a", "reasoning": "t", "vendor": {"x": 1}}
        request = with_source(messages=[*HI, said])
        assert request.source is not None
        assert request.source.turns == (
            SourceTurn((HI[0],), (Message("user", "hi"),)),
            SourceTurn((said,), (Message("assistant", (ReasoningPart("t"), TextPart("a"))),)),
        )
        assert all(turn.messages[0] is now for turn, now in zip(request.source.turns, request.messages, strict=True))

    @pytest.mark.parametrize("name", HARMLESS_VALUES)
    def test_unnamed_is_what_asks_for_nothing(self, name: str) -> None:
        for value in HARMLESS_VALUES[name]:
            assert source(**{name: value}).unread == ()

    def test_with_its_name_is_what_other_protocols_do_without(self) -> None:
        thought = {"type": "vendor_thought", "x": 1}
        request = {
            "service_tier": "flex", "logprobs": True, "enable_thinking": False, "nothing": None,
            "tools": [{"type": "function", "function": {"name": "f"}}, {"type": "web_search"}],
            "tool_choice": {"type": "web_search"},
            "messages": [*HI, {"role": "assistant", "content": [thought], "vendor": 1, "annotations": [], "x": None}],
        }  # fmt: skip
        assert source(**request).unread == (
            "service_tier", "logprobs", "enable_thinking", "messages[1].content[0] (vendor_thought)",
            "messages[1].vendor", "tools[1] (web_search)", "tool_choice (web_search)",
        )  # fmt: skip

    def test_with_its_name_is_what_the_question_depends_on(self) -> None:
        films = [{"role": "user", "content": [{"type": "video_url", "video_url": {"url": "https://x/y"}}]}]
        request = {"messages": films, "modalities": ["text", "image"], "response_format": {"type": "grammar"}}
        assert source(**request).essential == (
            "messages[0].content[0] (video_url)", "response_format (grammar)", "modalities",
        )  # fmt: skip

    def test_with_its_name_is_what_the_provider_s_server_keeps(self) -> None:
        asked = {"role": "user", "content": [{"type": "file", "file": {"file_id": "f1"}}]}
        spoken = {"role": "assistant", "content": None, "audio": {"id": "a1"}}
        assert source(messages=[asked, spoken]).state == ("messages[0].content[0].file_id", "messages[1].audio")

    def test_are_names_up_to_a_limit(self) -> None:
        assert len(source(**{f"x{number}": 1 for number in range(MAX_NAMES + 1)}).unread) == MAX_NAMES


class TestReasoning:
    @pytest.mark.parametrize(
        ("fields", "parts"),
        [
            ({"reasoning_content": "t"}, (ReasoningPart("t"),)),
            ({"reasoning": "t"}, (ReasoningPart("t"),)),
            ({"reasoning_details": [{"type": "reasoning.text", "text": "t"}]}, (ReasoningPart("t"),)),
            ({"reasoning_details": [{"type": "reasoning.text", "text": "t", "signature": "S", "format": None}]},
             (ReasoningPart("t", "S"),)),
            ({"reasoning_details": [{"type": "reasoning.text", "text": "t", "signature": "S",
                                     "format": "google-gemini-v1"}]}, (ReasoningPart("t"),)),
            ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "E"}, 7]}, ()),
            ({"reasoning_details": 7, "thinking_blocks": "x"}, ()),
            ({"thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "S"},
                                  {"type": "redacted_thinking", "data": "E"}], "reasoning_content": "t"},
             (ReasoningPart("t", "S"), ReasoningPart("", "E", is_redacted=True))),
        ],
    )  # fmt: skip
    def test_of_an_earlier_answer_is_read_from_the_field_that_says_the_most(self, fields, parts) -> None:
        assert turn(role="assistant", content="", **fields).parts() == parts
        assert turn(role="user", content="hi", **fields) == Message("user", "hi")

    @pytest.mark.parametrize(
        ("fields", "effort", "thinking", "unread"),
        [
            ({"reasoning": {"effort": "high"}}, "high", None, ()),
            ({"reasoning": {"effort": "high"}, "reasoning_effort": "low"}, "low", None, ()),
            ({"reasoning": {"max_tokens": 9}}, None, None, ("reasoning",)),
            ({"thinking": BUDGET}, None, BUDGET, ()),
            ({"thinking": {"type": "disabled"}}, None, {"type": "disabled"}, ()),
            ({"thinking": {"type": "enabled"}}, None, None, ("thinking",)),
            ({"thinking": "on", "reasoning": 7}, None, None, ("reasoning", "thinking")),
        ],
    )
    def test_is_asked_for_in_several_forms(self, fields, effort, thinking, unread) -> None:
        request = with_source(**fields)
        assert request.source is not None
        assert (request.reasoning_effort, request.thinking, request.source.unread) == (effort, thinking, unread)


class TestDocumentsAndRecordings:
    @pytest.mark.parametrize(
        ("file", "part"),
        [
            ({"file_data": "data:application/pdf;base64,JVBERg==", "filename": "a.pdf"},
             FilePart("data:application/pdf;base64,JVBERg==", "a.pdf")),
            ({"file_data": "JVBERg=="}, FilePart("data:application/pdf;base64,JVBERg==")),
            ({"file_data": "YQ==", "filename": "a.TXT"}, FilePart("data:text/plain;base64,YQ==", "a.TXT")),
        ],
    )  # fmt: skip
    def test_are_read(self, file, part) -> None:
        assert turn(role="user", content=[{"type": "file", "file": file}]).content == (part,)

    def test_have_a_format(self) -> None:
        recording = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
        assert turn(role="user", content=[recording]).content == (AudioPart("UklGRg==", "wav"),)


class TestCustomTools:
    def test_are_functions_of_one_text(self) -> None:
        request = chat_request(tools=[CUSTOM, {"type": "custom", "custom": {"name": "q"}}])
        assert request.tools == (
            CustomTool("p", "d", INPUT_SCHEMA, format={"type": "grammar", **GRAMMAR}),
            CustomTool("q", None, INPUT_SCHEMA),
        )
        assert custom_tool_names(request) == ["p", "q"]

    def test_were_called_with_free_text(self) -> None:
        call = {"id": "c1", "type": "custom", "custom": {"name": "p", "input": "raw"}}
        said = turn(role="assistant", content=None, tool_calls=[call])
        assert said.tool_calls == (ToolCall("c1", "p", {"input": "raw"}),)

    def test_can_be_the_one_to_call(self) -> None:
        request = chat_request(tools=[CUSTOM], tool_choice={"type": "custom", "custom": {"name": "p"}})
        assert request.tool_choice == NamedTool("p")


class TestAllowedTools:
    @pytest.mark.parametrize("mode", ["auto", "required"])
    def test_are_the_tools_that_there_are(self, mode: str) -> None:
        allowed = {"mode": mode, "tools": [TOOLS[2], TOOLS[0], {"type": "web_search"}]}
        request = chat_request(tools=TOOLS, tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
        assert (request.tools, request.tool_choice) == ((Tool("a"), Tool("c")), mode)

    def test_that_only_the_provider_has_are_never_required_of_others(self) -> None:
        request = with_source(tools=[{"type": "web_search"}], tool_choice="required")
        assert (request.tools, request.tool_choice) == ((), None)
        assert request.source is not None
        assert request.source.unread == ("tools[0] (web_search)", "tool_choice")


class TestTheOlderAPI:
    def test_has_functions_and_one_call_without_an_id(self) -> None:
        called = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"x": 1}'}}
        result = {"role": "function", "name": "f", "content": "1"}
        request = chat_request(
            messages=[*HI, *[called, result] * 3], functions=[{"name": "f"}], function_call={"name": "f"}
        )
        assert request.tools == (Tool("f"),)
        assert (request.tool_choice, request.parallel_tool_calls) == (NamedTool("f"), False)
        calls = [call.id for message in request.messages for call in message.tool_calls]
        results = [message.tool_call_id for message in request.messages if message.role == "tool"]
        assert results == calls
        assert len(set(results)) == 3

    def test_has_no_result_without_its_call(self) -> None:
        with pytest.raises(InvalidRequest, match="must be the name of a function that an earlier message calls"):
            chat_request(messages=[*HI, {"role": "function", "name": "f", "content": "1"}])
