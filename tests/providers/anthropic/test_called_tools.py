"""Conversations with tool calls and no tools: the API refuses them, so the tools that were called are declared."""

from __future__ import annotations

from typing import Any

import pytest

from flask_headrace.blueprints.anthropic_messages.body import MessagesBody
from flask_headrace.blueprints.anthropic_messages.request import to_chat_request
from flask_headrace.core.exact_json import ExactDecoder, encode
from flask_headrace.providers.anthropic.request_body import build_body, build_source_body, countable_fields
from flask_headrace.providers.chat_request import ChatRequest, Message, Tool, ToolCall

CALLED = (
    Message("user", "hi"),
    Message("assistant", "so", (ToolCall("c1", "find", {"place": "Ulm"}), ToolCall("c2", "pay"))),
    Message("tool", "found", tool_call_id="c1"),
    Message("tool", "paid", tool_call_id="c2"),
    Message("assistant", "", (ToolCall("c3", "find"),)),
    Message("tool", "found", tool_call_id="c3"),
)

DECLARED = [{"name": "find", "input_schema": {"type": "object"}}, {"name": "pay", "input_schema": {"type": "object"}}]


def test_the_tools_that_were_called_are_declared_and_may_not_be_called() -> None:
    body = build_body(ChatRequest("m", CALLED))
    assert (body["tools"], body["tool_choice"]) == (DECLARED, {"type": "none"})
    assert countable_fields(body)["tools"] == DECLARED


def test_the_requests_own_tools_are_left_alone() -> None:
    body = build_body(ChatRequest("m", CALLED, tools=(Tool("search"),), tool_choice="required"))
    assert [tool["name"] for tool in body["tools"]] == ["search"]
    assert body["tool_choice"] == {"type": "any"}


def test_a_conversation_without_calls_has_no_tools() -> None:
    body = build_body(ChatRequest("m", (Message("user", "hi"), Message("assistant", "so"), Message("user", "well?"))))
    assert not {"tools", "tool_choice"} & set(body)


@pytest.mark.parametrize("fields", [{}, {"tools": []}, {"tools": [], "tool_choice": {"type": "auto"}}])
def test_so_are_those_of_a_client_of_the_same_api(fields: dict[str, Any]) -> None:
    sent = {
        "model": "m",
        "max_tokens": 5,
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "find", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "found"}]},
        ],
        **fields,
    }
    decoded = ExactDecoder(MessagesBody).decode(encode(sent))
    request = to_chat_request(decoded, sent, {})
    assert request.source is not None
    body = build_source_body(request, request.source)
    assert (body["tools"], body["tool_choice"]) == (DECLARED[:1], {"type": "none"})
    assert body["messages"] == sent["messages"]
