"""Request bodies of the Responses API, each checked against the SDK's own type."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

from flask_headrace.providers.chat_request import (
    ChatRequest,
    ImagePart,
    Message,
    NamedTool,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
)
from flask_headrace.providers.openai.responses import OpenAIResponses
from flask_headrace.providers.openai.responses_request_body import build_body
from flask_headrace.providers.openai.server import Address
from flask_headrace.providers.source_request import SourceRequest

SCHEMA = {"type": "object", "properties": {"q": {"type": "string"}}}
PICTURE = "data:image/png;base64,AAAA"
HI = (Message("user", "hi"),)


def sent(*messages: Message, **fields: Any) -> dict[str, Any]:
    """Return the body of a request without the fields that every body has, after a check by the SDK's type."""
    body = build_body(ChatRequest("m", messages or HI, **fields))
    pydantic.TypeAdapter(ResponseCreateParamsStreaming).validate_python(body)
    return {name: value for name, value in body.items() if name not in {"model", "stream"}}


class TestConversation:
    def test_has_its_turns_as_items_in_their_order(self) -> None:
        turns = (Message("system", "a"), Message("user", "b"), Message("developer", "c"), Message("assistant", "d"))
        assert [(item["role"], item["content"]) for item in sent(*turns)["input"]] == [
            ("system", "a"), ("user", "b"), ("developer", "c"), ("assistant", "d")
        ]  # fmt: skip

    def test_is_not_kept_by_the_server(self) -> None:
        assert sent()["store"] is False

    def test_has_parts_and_pictures(self) -> None:
        message = Message("user", (TextPart("What?"), ImagePart(PICTURE), ImagePart("https://a/b.png", "low")))
        assert sent(message)["input"][0]["content"] == [
            {"type": "input_text", "text": "What?"},
            {"type": "input_image", "image_url": PICTURE, "detail": "auto"},
            {"type": "input_image", "image_url": "https://a/b.png", "detail": "low"},
        ]

    def test_has_calls_and_their_results_as_items_of_their_own(self) -> None:
        calls = (ToolCall("c1", "find", {"q": "ö"}), ToolCall("c2", "now"))
        found = Message("tool", (TextPart("found"), ImagePart(PICTURE)), tool_call_id="c1")
        turns = (*HI, Message("assistant", "Well.", calls), found, Message("tool", "noon", tool_call_id="c2"))
        assert sent(*turns)["input"][1:] == [
            {"role": "assistant", "content": "Well."},
            {"type": "function_call", "call_id": "c1", "name": "find", "arguments": '{"q":"ö"}'},
            {"type": "function_call", "call_id": "c2", "name": "now", "arguments": "{}"},
            {
                "type": "function_call_output",
                "call_id": "c1",
                "output": [
                    {"type": "input_text", "text": "found"},
                    {"type": "input_image", "image_url": PICTURE, "detail": "auto"},
                ],
            },
            {"type": "function_call_output", "call_id": "c2", "output": "noon"},
        ]

    @pytest.mark.parametrize("content", ["", (ReasoningPart("hm", "signed"),)])
    def test_has_no_empty_turn_before_calls(self, content: Any) -> None:
        items = sent(*HI, Message("assistant", content, (ToolCall("c1", "now"),)))["input"]
        assert [item.get("type") for item in items[1:]] == ["function_call"]

    def test_leaves_out_what_another_model_thought(self) -> None:
        turn = Message("assistant", (ReasoningPart("hm", "signed"), TextPart("So"), TextPart(".")))
        assert sent(turn)["input"] == [{"role": "assistant", "content": "So."}]


class TestTools:
    def test_are_flat_and_strict_only_where_that_is_asked(self) -> None:
        tools = (Tool("find", "Finds.", SCHEMA, strict=True), Tool("now"))
        assert sent(tools=tools)["tools"] == [
            {"type": "function", "name": "find", "parameters": SCHEMA, "strict": True, "description": "Finds."},
            {"type": "function", "name": "now", "parameters": {"type": "object", "properties": {}}, "strict": False},
        ]

    @pytest.mark.parametrize("choice", ["auto", "none", "required"])
    def test_are_called_as_is_said(self, choice: Any) -> None:
        assert sent(tools=(Tool("now"),), tool_choice=choice)["tool_choice"] == choice

    def test_are_called_by_name(self) -> None:
        choice = sent(tools=(Tool("now"),), tool_choice=NamedTool("now"))["tool_choice"]
        assert choice == {"type": "function", "name": "now"}


class TestSettings:
    def test_have_the_names_of_this_interface(self) -> None:
        fields = {"max_tokens": 99, "temperature": 0.0, "top_p": 0.5, "parallel_tool_calls": False, "user": "u1"}
        assert {name: value for name, value in sent(**fields).items() if name not in {"input", "store"}} == {
            "max_output_tokens": 99, "temperature": 0.0, "top_p": 0.5, "parallel_tool_calls": False,
            "safety_identifier": "u1",
        }  # fmt: skip

    def test_ask_for_a_summary_of_the_reasoning(self) -> None:
        assert sent(reasoning_effort="low")["reasoning"] == {"effort": "low", "summary": "auto"}
        assert sent(reasoning_effort="none")["reasoning"] == {"effort": "none"}

    @pytest.mark.parametrize("strict", [None, True])
    def test_ask_for_an_answer_of_a_schema(self, strict: bool | None) -> None:
        strict_field = {} if strict is None else {"strict": strict}
        written = {"type": "json_schema", "name": "answer", "schema": SCHEMA, **strict_field}
        assert sent(response_format=ResponseFormat(SCHEMA, strict=strict))["text"] == {"format": written}

    def test_tell_what_the_answer_is_for_and_how_wordy_it_is_to_be(self) -> None:
        text = sent(response_format=ResponseFormat(SCHEMA, description="For a form."), verbosity="low")["text"]
        assert (text["verbosity"], text["format"]["description"]) == ("low", "For a form.")
        assert sent(verbosity="high")["text"] == {"verbosity": "high"}

    def test_ask_for_any_json(self) -> None:
        assert sent(response_format=ResponseFormat(None))["text"] == {"format": {"type": "json_object"}}

    def test_that_it_has_no_word_for_are_told_as_unsupported(self) -> None:
        provider = OpenAIResponses("acme", lambda: Address("http://acme", "none"))
        whole = ChatRequest(
            "m", HI, max_tokens=1, temperature=1, top_p=1, top_k=1, stop=("a",), seed=1, frequency_penalty=1,
            presence_penalty=1, tools=(Tool("now"),), tool_choice="auto", parallel_tool_calls=True,
            response_format=ResponseFormat(None), reasoning_effort="low", thinking={}, verbosity="low", user="u",
        )  # fmt: skip
        assert set(ChatRequest.__struct_fields__) - {"model", "messages", "source"} == whole.required_features()
        honoured = {"max_tokens", "temperature", "top_p", "tools", "tool_choice", "parallel_tool_calls"}
        honoured |= {"response_format", "reasoning_effort", "verbosity", "user"}
        assert whole.required_features() - provider.unsupported_features == honoured
        assert "name" in provider.unsupported_features


class TestASignature:
    """Of reasoning is asked for where the model makes one, and the client has a place for it."""

    @pytest.mark.parametrize(
        ("model", "effort", "is_asked_for"),
        [
            ("gpt-5.2", None, True), ("openai/gpt-5-mini", None, True), ("o3", None, True), ("gpt-5.2", "none", False),
            ("gpt-4.1", None, False), ("gpt-5-chat-latest", None, False), ("gpt-oss-20b", None, False),
            ("gpt-oss-20b", "low", True),
        ],
    )  # fmt: skip
    def test_is_asked_for(self, model: str, effort: str | None, is_asked_for: bool) -> None:
        body = build_body(ChatRequest(model, HI, reasoning_effort=effort))
        assert body.get("include") == (["reasoning.encrypted_content"] if is_asked_for else None)

    def test_is_not_asked_for_by_clients_of_chat_completions(self) -> None:
        source = SourceRequest("openai-chat", {}, ())
        assert "include" not in build_body(ChatRequest("gpt-5.2", HI, source=source))
