"""What of a Messages API request is refused, by a real service."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.blueprints.anthropic_messages.conftest import Asked

SONNET, GPT = "anthropic/claude-sonnet-4-5", "openai/gpt-5-mini"
HI = [{"role": "user", "content": "hi"}]


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


class TestRefusedWithASentence:
    @pytest.mark.parametrize(
        ("model", "fields", "says"),
        [
            (GPT, {"messages": [user({"type": "video"})]}, "openai cannot be sent messages[0].content[0] (video)"),
            (GPT, {"inference_geo": "us"}, "openai cannot be sent inference_geo: omit it, or name a model"),
            (SONNET, {"container": "c1"}, "container names what a provider's server keeps, and anthropic is not asked"),
            (SONNET, {"container": {"id": "c1"}}, "container names what"),
            (
                SONNET,
                {"messages": [user({"type": "image", "source": {"type": "file", "file_id": "f"}})]},
                "messages[0].content[0].source.file_id names what",
            ),
            (SONNET, {"messages": [user({"type": "container_upload", "file_id": "f"})]}, "content[0].file_id names"),
            ("strict/x", {"service_tier": "auto"}, "service_tier is not allowed for models of strict: omit it."),
            (
                "strict/x",
                {"tools": [{"type": "web_search_20250305", "name": "x"}]},
                "web_search_20250305 is not allowed for models of strict",
            ),
            (SONNET, {"thread": {"type": "create"}}, "thread asks the provider to keep the conversation"),
            (SONNET, {"messages": [user({"text": "x"})]}, "messages[0].content[0] is of type None"),
            (SONNET, {"tools": [{"type": ["custom"]}]}, "tools[0] is of type ['custom']"),
            (SONNET, {"headers": {"anthropic_beta": "é"}}, "The header anthropic-beta is 'é'"),
        ],
    )  # fmt: skip
    def test_is(self, asked: Asked, model: str, fields: dict[str, Any], says: str) -> None:
        answer, request = asked.sent(model, **{"messages": HI, **fields})
        assert (answer.status, request) == (400, None), answer.text
        assert says in answer.body["error"]["message"]

    def test_is_a_thread_with_the_code_at_which_the_sdk_sends_everything(self, asked: Asked) -> None:
        answer, _ = asked.sent(SONNET, messages=HI, thread={"type": "create"})
        assert answer.body["error"]["details"]["error_code"] == "thread_unsupported_request"

    def test_is_nothing_that_the_server_keeps_where_the_operator_allows_it(self, asked: Asked) -> None:
        blocks = user({"type": "document", "source": {"type": "file", "file_id": "f"}}, {"type": "text", "text": "q"})
        received = asked.received("kept/x", messages=[blocks], container="c1").body
        assert (received["messages"], received["container"]) == ([blocks], "c1")

    def test_is_a_body_that_is_too_deep(self, asked: Asked) -> None:
        deep = json.loads("[" * 200 + "]" * 200)
        answer, _ = asked.sent(SONNET, messages=HI, unheard_of=deep)
        assert (answer.status, "deeper than 128" in answer.text) == (400, True)

    def test_names_no_line_end_of_a_client_in_a_header(self, asked: Asked) -> None:
        answer, _ = asked.sent("chat/evil", messages=HI, **{"evil\r\nset-cookie: x": 1})
        assert (answer.status, answer.headers["headrace-ignored"]) == (200, "evil??set-cookie: x")
        assert "set-cookie" not in answer.headers
