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
