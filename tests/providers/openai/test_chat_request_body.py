"""The body of a request for chat completions: built from a request of another protocol, or as a client sent it."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from flask_headrace.core.custom_tool_input import INPUT_SCHEMA
from flask_headrace.providers.chat_request import (
    AudioPart,
    ChatRequest,
    CustomTool,
    FilePart,
    ImagePart,
    Message,
    NamedTool,
    Part,
    ReasoningPart,
    TextPart,
    ToolCall,
)
from flask_headrace.providers.openai.chat_request_body import build_body
from flask_headrace.providers.source_request import Family, SourceRequest, SourceTurn

HI = Message("user", "hi")
A, B = ToolCall("a", "f"), ToolCall("b", "f")
PNG, PDF = "data:image/png;base64,AA==", "data:application/pdf;base64,JQ=="
PICTURE = {"type": "image_url", "image_url": {"url": PNG}}
both = pytest.mark.parametrize("is_official", [True, False])


def built(*messages: Message, is_official: bool = False, **fields: Any) -> list[Any]:
    return build_body(ChatRequest("m", messages, **fields), is_official=is_official)["messages"]


def content(*parts: Part) -> Any:
    return built(Message("user", parts))[0]["content"]


def called(*calls: ToolCall, content: Any = None, **fields: Any) -> dict[str, Any]:
    written = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": "{}"}} for call in calls
    ]
    return {"role": "assistant", "content": content, **fields, "tool_calls": written}


def result(call: ToolCall, text: str) -> dict[str, Any]:
    return {"role": "tool", "content": text, "tool_call_id": call.id}


class TestParts:
    def test_of_a_user_have_their_forms(self) -> None:
        parts = (TextPart("t"), ImagePart(PNG, "low"), AudioPart("UA==", "wav"), FilePart(PDF, "a.pdf"), FilePart(PDF))
        assert content(*parts) == [
            {"type": "text", "text": "t"},
            {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
            {"type": "input_audio", "input_audio": {"data": "UA==", "format": "wav"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}},
            {"type": "file", "file": {"filename": "document.pdf", "file_data": PDF}},
        ]

    @pytest.mark.parametrize(
        ("url", "name", "text"),
        [
            ("data:text/plain;base64," + base64.b64encode("ö".encode()).decode(), "a.txt", "a.txt:\n\nö"),
            ("data:text/markdown;charset=utf-8;base64,YQ==", None, "a"),
            ("data:text/plain,a%20b", None, "a b"),
            ("data:application/json;base64,e30=", "a.json", "a.json:\n\n{}"),
        ],
    )
    def test_that_are_documents_of_text_are_text(self, url: str, name: str | None, text: str) -> None:
        assert content(FilePart(url, name)) == [{"type": "text", "text": text}]

    @pytest.mark.parametrize("url", ["data:text/plain;base64,!", "data:text/plain;base64,/w==", "data:text/plain"])
    def test_that_are_no_text_in_spite_of_their_type_are_files(self, url: str) -> None:
        assert content(FilePart(url))[0]["type"] == "file"

    def test_that_are_documents_of_a_picture_are_pictures(self) -> None:
        assert content(FilePart(PNG, "a.png")) == [PICTURE]

    def test_that_are_empty_are_none(self) -> None:
        assert content() == content(TextPart("")) == ""
        assert content(TextPart(""), ImagePart(PNG)) == [PICTURE]


class TestReasoning:
    MESSAGE = Message("assistant", (ReasoningPart("I "), ReasoningPart("think", "S"), TextPart("So.")), tool_calls=(A,))

    def test_is_a_field_of_the_assistant_s_turn(self) -> None:
        assert built(HI, self.MESSAGE)[1] == called(A, content="So.", reasoning_content="I think")

    def test_is_not_sent_to_openai(self) -> None:
        assert built(HI, self.MESSAGE, is_official=True)[1] == called(A, content="So.")

    def test_without_text_is_none(self) -> None:
        redacted = ReasoningPart("", "E", is_redacted=True)
        assert built(HI, Message("assistant", (redacted,)))[1] == {"role": "assistant", "content": ""}


@both
class TestResults:
    def test_stand_before_what_was_said_between_them(self, is_official: bool) -> None:
        note, go_on = Message("user", "note"), Message("user", "go on")
        asked = Message("assistant", tool_calls=(A, B))
        results = [Message("tool", "1", tool_call_id="a"), note, Message("tool", "2", tool_call_id="b")]
        assert built(HI, asked, *results, go_on, is_official=is_official)[2:] == [
            result(A, "1"), result(B, "2"), {"role": "user", "content": "note"}, {"role": "user", "content": "go on"}
        ]  # fmt: skip

    def test_have_their_pictures_and_documents_behind_all_of_them(self, is_official: bool) -> None:
        asked = Message("assistant", tool_calls=(A, B))
        first = Message("tool", (TextPart("x"), ImagePart(PNG)), tool_call_id="a")
        second = Message(
            "tool", (FilePart(PDF, "a.pdf"), FilePart("data:text/plain,t"), ImagePart(PNG)), tool_call_id="b"
        )
        turns = built(HI, asked, first, second, Message("user", "go on"), is_official=is_official)
        assert turns[2:4] == [
            result(A, "x\n[1 attachment in the user message that follows]"),
            result(B, "t\n[2 attachments in the user message that follows]"),
        ]
        assert turns[4] == {"role": "user", "content": [
            {"type": "text", "text": "[From the result of the tool call a:]"}, PICTURE,
            {"type": "text", "text": "[From the result of the tool call b:]"},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}}, PICTURE,
        ]}  # fmt: skip
        assert turns[5] == {"role": "user", "content": "go on"}

    def test_follow_all_calls_of_consecutive_assistant_messages(self, is_official: bool) -> None:
        first = Message("assistant", "One.", tool_calls=(A,))
        second = Message("assistant", (TextPart("Two."),), tool_calls=(B,))
        results = [Message("tool", "1", tool_call_id="a"), Message("tool", "2", tool_call_id="b")]
        assert built(HI, first, second, *results, Message("assistant", "Done."), is_official=is_official)[1:] == [
            called(A, B, content="One.Two."), result(A, "1"), result(B, "2"), {"role": "assistant", "content": "Done."}
        ]  # fmt: skip


class TestCallIds:
    LONG = ToolCall("x" * 80, "f")
    TURNS = (HI, Message("assistant", tool_calls=(LONG, A)), Message("tool", "1", tool_call_id="x" * 80))

    def ids(self, **fields: Any) -> list[str]:
        _, asked, answered = built(*self.TURNS, **fields)
        return [*(call["id"] for call in asked["tool_calls"]), answered["tool_call_id"]]

    def test_are_as_openai_takes_them_and_the_same_in_the_result(self) -> None:
        long, short, answered = self.ids(is_official=True)
        assert (len(long), short, answered) == (40, "a", long)
        assert self.ids(is_official=True)[0] == long
        assert built(HI, Message("assistant", tool_calls=(ToolCall("x" * 81, "f"),)), is_official=True)[1][
            "tool_calls"
        ][0]["id"] not in {long, "a"}

    @pytest.mark.parametrize("model", ["gpt-5-mini", "openai/gpt-4o", "o3", "ft:gpt-4o:acme"])
    def test_are_as_openai_takes_them_behind_a_gateway_too(self, model: str) -> None:
        turns = build_body(ChatRequest(model, self.TURNS), is_official=False)["messages"]
        assert turns[1]["tool_calls"][0]["id"] == turns[2]["tool_call_id"] == self.ids(is_official=True)[0]

    @pytest.mark.parametrize("model", ["m", "gpt-oss-120b", "google/gemini-3", "olmo-3"])
    def test_are_unchanged_for_models_of_others(self, model: str) -> None:
        turns = build_body(ChatRequest(model, self.TURNS), is_official=False)["messages"]
        assert turns[1]["tool_calls"][0]["id"] == turns[2]["tool_call_id"] == "x" * 80


class TestCustomTools:
    TOOL = CustomTool("p", "d", INPUT_SCHEMA, format={"type": "grammar", "syntax": "lark", "definition": "x"})
    MESSAGES = (HI, Message("assistant", tool_calls=(ToolCall("a", "p", {"input": "raw"}),)))

    def body(self, *, is_official: bool) -> dict[str, Any]:
        request = ChatRequest("m", self.MESSAGES, tools=(self.TOOL,), tool_choice=NamedTool("p"))
        return build_body(request, is_official=is_official)

    def test_are_openai_s_own(self) -> None:
        body = self.body(is_official=True)
        grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}
        assert body["tools"] == [{"type": "custom", "custom": {"name": "p", "description": "d", "format": grammar}}]
        assert body["tool_choice"] == {"type": "custom", "custom": {"name": "p"}}
        assert body["messages"][1]["tool_calls"] == [
            {"id": "a", "type": "custom", "custom": {"name": "p", "input": "raw"}}
        ]

    def test_are_functions_elsewhere(self) -> None:
        body = self.body(is_official=False)
        description = "d\n\nThe input must match this lark grammar:\nx"
        assert body["tools"][0]["function"] == {"name": "p", "description": description, "parameters": INPUT_SCHEMA}
        assert body["tool_choice"] == {"type": "function", "function": {"name": "p"}}
        assert body["messages"][1]["tool_calls"][0]["function"] == {"name": "p", "arguments": '{"input":"raw"}'}


class TestEfforts:
    @pytest.mark.parametrize(
        ("effort", "model", "is_official", "sent"),
        [
            ("high", "gpt-5-mini", True, "high"),
            ("max", "gpt-5-mini", True, "high"),
            ("max", "gpt-5.1-codex-max", True, "xhigh"),
            ("xhigh", "gpt-5.4", True, "xhigh"),
            ("xhigh", "deepseek-v4", False, "high"),
            ("low", "gpt-4o", True, None),
            ("low", "gpt-4.1-mini", True, None),
            ("low", "gpt-3.5-turbo", True, None),
            ("low", "openai/gpt-4o", False, None),
            ("low", "llama-4", False, "low"),
        ],
    )
    def test_of_anthropic_s_clients_are_those_of_the_model(self, effort, model, is_official, sent) -> None:
        assert self.sent("anthropic", effort, model, is_official=is_official) == sent

    @pytest.mark.parametrize("effort", ["none", "minimal", "max", "xhigh"])
    def test_of_openai_s_clients_are_theirs(self, effort: str) -> None:
        assert self.sent("openai-responses", effort, "gpt-4o", is_official=True) == effort

    def sent(self, family: Family, effort: str, model: str, *, is_official: bool) -> Any:
        request = ChatRequest(model, (HI,), reasoning_effort=effort, source=SourceRequest(family, {}, ()))
        return build_body(request, is_official=is_official).get("reasoning_effort")


class TestAClientOfTheSameProtocol:
    def body(self, fields: Any, *values: Any, is_official: bool = False, **known: Any) -> dict[str, Any]:
        turns = [SourceTurn((value,), (Message(value["role"], value["content"] or ""),)) for value in values]
        source = SourceRequest("openai-chat", fields, tuple(turns))
        messages = tuple(message for turn in turns for message in turn.messages)
        request = ChatRequest("m", messages, source=source, **known)
        return build_body(request, is_official=is_official, source=source)

    def test_keeps_the_digits_of_its_numbers(self) -> None:
        digits = msgspec.Raw(b"0.10")
        body = self.body({"temperature": digits, "min_p": digits, "top_p": digits}, temperature=0.1, top_p=0.2)
        written = msgspec.json.encode(body)
        assert b'"temperature":0.10,' in written
        assert b'"min_p":0.10,' in written
        assert b'"top_p":0.2,' in written  # which the service has changed

    def test_gets_nothing_that_the_service_has_taken_away(self) -> None:
        sent = {"top_k": 5, "stop": "x", "seed": 7, "frequency_penalty": 0, "max_tokens": 9}
        assert self.body(sent).keys() == {"model", "messages", "stream", "stream_options"}

    @both
    def test_has_one_name_for_the_length(self, is_official: bool) -> None:
        body = self.body({"max_tokens": 7}, max_tokens=7, is_official=is_official)
        assert ("max_tokens" in body, "max_completion_tokens" in body) == (not is_official, is_official)

    def test_keeps_its_options_of_the_stream(self) -> None:
        sent = {"stream_options": {"include_usage": False, "include_obfuscation": False, "x": None}}
        assert self.body(sent)["stream_options"] == {"include_usage": True, "include_obfuscation": False}

    def test_sends_openai_no_more_than_it_takes(self) -> None:
        cached = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
        reasoned = {"reasoning": "t", "reasoning_content": "t", "reasoning_details": [], "thinking_blocks": []}
        call = {"id": "x" * 80, "type": "custom", "custom": {"name": "p", "input": "raw"}}
        body = self.body(
            {"tools": [{"type": "function", "function": {"name": "f"}, "cache_control": {}}], "vendor": 1},
            {"role": "user", "content": [cached]},
            {"role": "assistant", "content": None, "tool_calls": [call], **reasoned},
            {"role": "tool", "content": "1", "tool_call_id": "x" * 80},
            is_official=True,
        )
        asked, called, answered = body["messages"]
        assert asked["content"] == [{"type": "text", "text": "a"}]
        assert called.keys() == {"role", "content", "tool_calls"}
        assert called["tool_calls"][0]["custom"] == call["custom"]
        assert called["tool_calls"][0]["id"] == answered["tool_call_id"]
        assert len(answered["tool_call_id"]) == 40
        assert (body["tools"], body["vendor"]) == ([{"type": "function", "function": {"name": "f"}}], 1)

    @both
    @pytest.mark.parametrize(
        ("said", "content"),
        [({}, ""), ({"tool_calls": []}, ""), ({"tool_calls": called(A)["tool_calls"]}, None)],
        ids=["nothing", "no call", "a call"],
    )
    def test_sends_null_for_text_only_beside_calls(self, said: Any, content: str | None, is_official: bool) -> None:
        body = self.body({}, {"role": "assistant", "content": None, **said}, is_official=is_official)
        assert body["messages"][0]["content"] == content
        assert ("tool_calls" in body["messages"][0]) == (content is None)

    def test_has_what_another_turn_added_built_behind_its_own(self) -> None:
        sent = {"role": "user", "content": "hi", "vendor": 1}
        said = Message("user", "hi")
        source = SourceRequest("openai-chat", {}, (SourceTurn((sent,), (said,)),))
        request = ChatRequest("m", (said, Message("assistant", "The beginning")), source=source)
        assert build_body(request, is_official=False, source=source)["messages"] == [
            sent, {"role": "assistant", "content": "The beginning"}
        ]  # fmt: skip
