"""Request bodies of the Responses API for its own clients, with what an application or a fallback has changed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flask_headrace.blueprints.openai_responses.body import ResponseBody
from flask_headrace.blueprints.openai_responses.request import to_chat_request
from flask_headrace.core.reasoning_signature import sign_as_openai
from flask_headrace.providers.chat_request import (
    AudioPart,
    ChatRequest,
    CustomTool,
    FilePart,
    Message,
    NamedTool,
    Part,
    ReasoningPart,
    TextPart,
    Tool,
    ToolCall,
)
from flask_headrace.providers.openai.responses import OpenAIResponses
from flask_headrace.providers.openai.responses_request_body import build_body
from flask_headrace.providers.openai.server import Address
from flask_headrace.providers.passthrough import Passthrough, ignored, missing_features
from flask_headrace.providers.source_request import SourceRequest

ITEMS = [{"role": "user", "content": [{"type": "input_text", "text": "q", "prompt_cache_breakpoint": {"mode": "x"}}]}]
GRAMMAR = {"type": "grammar", "syntax": "regex", "definition": "a+"}
FIND = {"type": "function", "name": "find", "parameters": {}, "defer_loading": True}
SENT = {
    "input": ITEMS,
    "instructions": "Be brief.",
    "temperature": 0.5,
    "user": "u",
    "tools": [FIND, {"type": "web_search"}],
    "tool_choice": "auto",
    "text": {"format": {"type": "text"}, "verbosity": "low"},
    "reasoning": {"effort": "low", "summary": "detailed"},
    "include": ["reasoning.encrypted_content"],
    "store": True,
}


def read(**fields: Any) -> ChatRequest:
    sent = {**SENT, **fields}
    return to_chat_request(msgspec.convert(sent, ResponseBody), sent)


def sent(request: ChatRequest, **changes: Any) -> dict[str, Any]:
    changed = msgspec.structs.replace(request, model="m", **changes)
    return build_body(changed, changed.source)


class TestForItsOwnClients:
    def test_is_what_the_client_sent(self) -> None:
        assert sent(read()) == {**SENT, "model": "m", "stream": True}

    def test_is_not_stored_unless_the_client_says_so(self) -> None:
        assert sent(read(store=None))["store"] is False

    @pytest.mark.parametrize(
        ("change", "fields"),
        [
            ({"temperature": 0.1}, {"temperature": 0.1}),
            ({"max_tokens": 7}, {"max_output_tokens": 7}),
            ({"temperature": None}, {"temperature": None}),
            ({"user": "v"}, {"user": None, "safety_identifier": "v"}),
            ({"reasoning_effort": "high"}, {"reasoning": {"effort": "high", "summary": "auto"}}),
            ({"tool_choice": NamedTool("find")}, {"tool_choice": {"type": "function", "name": "find"}}),
            ({"verbosity": "high"}, {"text": {"verbosity": "high"}}),
        ],
    )  # fmt: skip
    def test_has_what_an_application_has_changed(self, change: dict[str, Any], fields: dict[str, Any]) -> None:
        expected = {**SENT, "model": "m", "stream": True, **fields}
        assert sent(read(), **change) == {name: value for name, value in expected.items() if value is not None}

    def test_keeps_the_provider_s_own_tools_beside_an_application_s(self) -> None:
        tools = sent(read(), tools=(Tool("now"),))["tools"]
        assert [tool.get("name", tool["type"]) for tool in tools] == ["web_search", "now"]

    def test_has_a_system_message_that_an_application_has_changed(self) -> None:
        request = read()
        body = sent(request, messages=(Message("system", "Be long."), *request.messages[1:]))
        assert "instructions" not in body
        assert body["input"] == [{"role": "system", "content": "Be long."}, *ITEMS]

    def test_goes_on_from_what_another_model_has_said(self) -> None:
        request = read()
        body = sent(request, messages=(*request.messages, Message("assistant", "So")))
        assert body["input"] == [*ITEMS, {"role": "assistant", "content": "So"}]

    def test_has_the_digits_of_the_client_s_numbers(self) -> None:
        fields = {**SENT, "temperature": msgspec.Raw(b"0.50")}
        request = to_chat_request(msgspec.convert(SENT, ResponseBody), fields)
        assert b'"temperature":0.50' in msgspec.json.encode(sent(request))

    def test_may_hold_what_the_api_cannot_express_for_others(self) -> None:
        audio = [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "A", "format": "wav"}}]}]
        assert sent(read(input=audio))["input"] == audio


class TestForClientsOfOtherApis:
    def test_has_reasoning_that_this_api_has_signed_before_what_follows(self) -> None:
        reasoning = (
            ReasoningPart("hm", sign_as_openai("ENC")),
            ReasoningPart("", sign_as_openai("X")),
            ReasoningPart("n"),
        )
        turn = Message("assistant", (*reasoning, TextPart("So.")), (ToolCall("c", "find"),))
        assert sent(ChatRequest("", (turn,)))["input"] == [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "ENC"},
            {"type": "reasoning", "summary": [], "encrypted_content": "X"},
            {"role": "assistant", "content": "So."},
            {"type": "function_call", "call_id": "c", "name": "find", "arguments": "{}"},
        ]

    @pytest.mark.parametrize("parts", [(), (TextPart("So."),)])
    def test_has_no_reasoning_that_nothing_follows(self, parts: tuple[Part, ...]) -> None:
        stopped = Message("assistant", (*parts, ReasoningPart("hm", sign_as_openai("ENC"))))
        items = sent(ChatRequest("", (stopped, Message("user", "hi"))))["input"]
        assert [item["content"] for item in items] == ["So."] * len(parts) + ["hi"]

    def test_has_custom_tools_and_their_calls(self) -> None:
        tool = CustomTool("patch", "d", format=GRAMMAR)
        turns = (
            Message("assistant", "", (ToolCall("c", "patch", {"input": "raw"}),)),
            Message("tool", "1", tool_call_id="c"),
        )
        body = sent(ChatRequest("", turns, tools=(tool,), tool_choice=NamedTool("patch")))
        assert body["tools"] == [{"type": "custom", "name": "patch", "description": "d", "format": GRAMMAR}]
        assert body["tool_choice"] == {"type": "custom", "name": "patch"}
        assert body["input"] == [
            {"type": "custom_tool_call", "call_id": "c", "name": "patch", "input": "raw"},
            {"type": "custom_tool_call_output", "call_id": "c", "output": "1"},
        ]

    def test_has_documents(self) -> None:
        parts = (FilePart("data:text/plain;base64,aGk=", "a.txt"), FilePart("https://a/b.pdf", "b.pdf"))
        assert sent(ChatRequest("", (Message("user", parts),)))["input"][0]["content"] == [
            {"type": "input_file", "file_data": "data:text/plain;base64,aGk=", "filename": "a.txt"},
            {"type": "input_file", "file_url": "https://a/b.pdf"},
        ]

    @pytest.mark.parametrize(
        ("fields", "effort"),
        [
            ({"reasoning_effort": "max"}, "high"),
            ({"reasoning_effort": "xhigh"}, "xhigh"),
            ({"reasoning_effort": "none"}, "none"),
            ({}, None),
        ],
    )
    def test_has_the_effort_in_the_words_of_this_api(self, fields: dict[str, Any], effort: str | None) -> None:
        body = sent(ChatRequest("", (Message("user", "hi"),), **fields))
        assert body.get("reasoning", {}).get("effort") == effort
        assert ("include" in body) == (effort in {"high", "xhigh"})

    def test_has_the_fields_that_it_shares_with_chat_completions(self) -> None:
        fields = {"prompt_cache_key": "k", "service_tier": "flex", "logit_bias": {"1": 1}, "store": True}
        source = SourceRequest("openai-chat", fields, (), unread=tuple(fields))
        request = ChatRequest("", (Message("user", "hi"),), source=source)
        provider = OpenAIResponses("acme", lambda: Address("http://acme", "none"))
        body = provider._body(request, Address("http://acme", "none"))
        assert {name: body[name] for name in fields if name in body} == {
            "prompt_cache_key": "k", "service_tier": "flex", "store": True,
        }  # fmt: skip
        assert ignored(request, provider) == ("logit_bias",)


def test_an_upstream_may_receive_only_what_is_known() -> None:
    provider = OpenAIResponses(
        "acme", lambda: Address("http://acme", "none"), passthrough=Passthrough(passes_unknown=False)
    )
    body = provider._body(read(new=1), Address("http://acme", "none"))
    assert "new" not in body
    assert [tool["name"] for tool in body["tools"]] == ["find"]


def test_recordings_are_refused_for_clients_of_other_apis() -> None:
    request = ChatRequest("", (Message("user", (AudioPart("A", "wav"),)),))
    provider = OpenAIResponses("acme", lambda: Address("http://acme", "none"))
    assert missing_features(request, provider) == ["audio"]
