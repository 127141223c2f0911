"""What Anthropic's models receive of requests in other protocols, and what comes back, by a real service."""

from __future__ import annotations

from typing import Any

import pytest

from tests.blueprints.anthropic_messages.conftest import Asked

SONNET = "anthropic/claude-sonnet-4-5"
CHAT = "/v1/chat/completions"


def received(asked: Asked, *messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = asked.received(SONNET, CHAT, messages=list(messages), **fields).body
    return body


class TestAChatCompletion:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (
                [{"role": "user", "content": "a"}, {"role": "assistant", "content": None}],
                [{"role": "user", "content": "a"}],
            ),
            ([{"role": "user", "content": ""}], []),
        ],
    )
    def test_comes_without_empty_turns(self, asked: Asked, before: list[Any], after: list[Any]) -> None:
        last = {"role": "user", "content": "x"}
        assert received(asked, *before, last)["messages"] == [*after, last]

    def test_of_a_system_prompt_alone_is_a_question(self, asked: Asked) -> None:
        body = received(asked, {"role": "system", "content": "s"})
        assert ("system" in body, body["messages"]) == (False, [{"role": "user", "content": "s"}])

    def test_without_any_text_is_refused_with_a_sentence(self, asked: Asked) -> None:
        answer, _ = asked.sent(SONNET, CHAT, messages=[{"role": "user", "content": " "}])
        assert (answer.status, "add a user's message with text" in answer.text) == (400, True)

    def test_has_ids_that_the_api_takes(self, asked: Asked) -> None:
        call = {"id": "functions.f:0", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        turns = received(
            asked,
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "functions.f:0", "content": "1"},
            tools=[{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        )["messages"]
        used, returned = turns[1]["content"][0]["id"], turns[2]["content"][0]["tool_use_id"]
        assert used == returned
        assert used.replace("_", "").replace("-", "").isalnum()

    def test_has_its_thoughts_with_their_signature(self, asked: Asked) -> None:
        call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        thought = {"type": "thinking", "thinking": "t", "signature": "S"}
        answered = {"role": "assistant", "content": "", "tool_calls": [call], "thinking_blocks": [thought]}
        result = {"role": "tool", "tool_call_id": "a", "content": "1"}
        turns = received(asked, {"role": "user", "content": "q"}, answered, result)["messages"]
        assert turns[1]["content"] == [thought, {"type": "tool_use", "id": "a", "name": "f", "input": {}}]

    def test_has_files_as_documents_and_free_form_tools_as_functions(self, asked: Asked) -> None:
        file = {"type": "file", "file": {"filename": "x.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQ="}}
        grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /.+/"}}
        tool = {"type": "custom", "custom": {"name": "patch", "description": "Edits.", "format": grammar}}
        body = received(asked, {"role": "user", "content": [file]}, tools=[tool])
        [document] = body["messages"][0]["content"]
        assert (document["title"], document["source"]["media_type"]) == ("x.pdf", "application/pdf")
        [patch] = body["tools"]
        assert list(patch["input_schema"]["properties"]) == ["input"]
        assert "start: /.+/" in patch["description"]


class TestAResponse:
    def test_has_its_files_and_its_calls_of_free_form_tools(self, asked: Asked) -> None:
        file = {"type": "input_file", "filename": "x.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQ="}
        called = {"type": "custom_tool_call", "call_id": "a", "name": "patch", "input": "raw"}
        returned = {"type": "custom_tool_call_output", "call_id": "a", "output": "1"}
        items = [{"role": "user", "content": [file]}, called, returned]
        answer, request = asked.sent(
            SONNET, "/v1/responses", input=items, tools=[{"type": "custom", "name": "patch"}, {"type": "web_search"}]
        )
        assert (answer.status, answer.headers["headrace-ignored"]) == (200, "tools[1] (web_search)")
        question, used, result = request.body["messages"]
        assert question["content"][0]["source"]["media_type"] == "application/pdf"
        assert used["content"] == [{"type": "tool_use", "id": "a", "name": "patch", "input": {"input": "raw"}}]
        assert result["content"][0]["content"] == "1"
