"""What of a Messages API request reaches providers, of Anthropic's kind and of others, by a real service."""

from __future__ import annotations

from typing import Any

import pytest

from tests.blueprints.anthropic_messages.conftest import Asked
from tests.support.upstream import anthropic_wire
from tests.support.upstream.plain import json_body

SONNET, GPT = "anthropic/claude-sonnet-4-5", "openai/gpt-5-mini"
HI = [{"role": "user", "content": "hi"}]
TOOL = {"name": "f", "input_schema": {"type": "object"}}
USE = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQ="}}
SYSTEM_TURNS = {"anthropic_beta": "mid-conversation-system-2026-04-07"}


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


class TestAnthropicReceives:
    @pytest.mark.parametrize(
        "fields",
        [
            {"context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}},
            {"inference_geo": "us"},
            {"service_tier": "standard_only"},
            {"mcp_servers": [{"type": "url", "url": "https://x", "name": "x"}], "speed": "fast", "unheard_of": None},
            {"container": {"skills": [{"type": "anthropic", "skill_id": "pptx"}]}},
            {"tools": [{"type": "bash_20250124", "name": "bash"}]},
            {"tools": [{"type": "memory_20250818", "name": "memory"}], "tool_choice": {"type": "any"}},
            {"tools": [{"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}, TOOL]},
            {
                "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}],
                "tool_choice": {"type": "tool", "name": "web_search"},
            },
            {"tools": [{**TOOL, "input_examples": [{"x": 1}], "defer_loading": True, "eager_input_streaming": True}]},
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "max", "x": [1]}},
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}, "name": "n"}}},
            {"metadata": {"user_id": "u", "session": "s"}, "stop_sequences": ["END"], "cache_control": {"type": "x"}},
            {"system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}, "x": 1}]},
        ],
    )
    def test_a_field_as_it_came(self, asked: Asked, fields: dict[str, Any]) -> None:
        answer, request = asked.sent(SONNET, messages=HI, **fields)
        assert answer.status == 200, answer.text
        assert {name: request.body[name] for name in fields} == fields
        assert "headrace-ignored" not in answer.headers

    @pytest.mark.parametrize(
        "block",
        [
            PDF,
            {**PDF, "citations": {"enabled": True}, "title": "T", "context": "C", "cache_control": {"type": "x"}},
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x"}]}},
            {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]},
            {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}, "transformations": {}},
            {"type": "image", "source": {"type": "bucket", "key": "x"}},
            {"type": "unheard_of", "depth": {"x": [1]}},
        ],
    )
    def test_a_block_as_it_came(self, asked: Asked, block: dict[str, Any]) -> None:
        messages = [user(block, {"type": "text", "text": "q", "citations": None})]
        assert asked.received(SONNET, messages=messages).body["messages"] == messages

    def test_blocks_in_their_order_with_those_of_its_own_tools(self, asked: Asked) -> None:
        search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
        found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
        thoughts = [{"type": "thinking", "thinking": str(n), "signature": f"S{n}"} for n in (1, 2)]
        answered = assistant(
            thoughts[0], USE, thoughts[1], search, found, {"type": "text", "text": "T"}, {**USE, "id": "b"}
        )
        results = user(*({"type": "tool_result", "tool_use_id": id_, "content": [PDF, {"type": "x"}]} for id_ in "ab"))
        messages = [*HI, answered, results]
        assert asked.received(SONNET, messages=messages, tools=[TOOL]).body["messages"] == messages

    def test_a_result_that_is_null(self, asked: Asked) -> None:
        results = user({"type": "tool_result", "tool_use_id": "a", "content": None, "is_error": None})
        messages = [*HI, assistant(USE), results]
        *_, passed = asked.received(SONNET, messages=messages, tools=[TOOL]).body["messages"]
        assert passed == user({"type": "tool_result", "tool_use_id": "a"})
        *_, told = asked.received("known/nulls", messages=messages, tools=[TOOL]).body["messages"]
        assert told["content"] == [{"type": "tool_result", "tool_use_id": "a", "content": ""}]

    def test_thoughts_of_other_models_only_where_it_is_not_anthropics(self, asked: Asked) -> None:
        thought = {"type": "thinking", "thinking": "hm", "signature": ""}
        foreign = [
            thought,
            {**thought, "signature": "openai-responses:x"},
            {"type": "redacted_thinking", "data": "x:y"},
        ]
        messages = [*HI, assistant(thought), *HI, assistant(*foreign, {"type": "text", "text": "x", "odd": 1}), *HI]
        signed = [*HI, *HI, assistant({"type": "text", "text": "x", "odd": 1}), *HI]
        assert asked.received(SONNET, messages=messages).body["messages"] == signed
        assert asked.received("anthropic/kimi-k3", messages=messages).body["messages"] == messages

    def test_the_digits_of_numbers(self, asked: Asked) -> None:
        name = "digits"
        asked.received(f"anthropic/{name}", messages=HI)  # gives it an answer
        body = (
            b'{"model":"anthropic/digits","max_tokens":7,"temperature":0.10,"top_p":1.0,"x":1e2,"n":12345678901234567890123,'
            b'"messages":[{"role":"user","content":[{"type":"text","text":"\\u00e9","y":0.30}]}]}'
        )
        assert asked.ask("/v1/messages", body).status == 200
        received = asked.upstream.requests(name)[-1].body
        assert (received["temperature"], received["x"], received["n"]) == (0.1, 100.0, 12345678901234567890123)
        assert received["messages"] == [{"role": "user", "content": [{"type": "text", "text": "é", "y": 0.3}]}]

    def test_the_headers_of_the_protocol_and_no_others(self, asked: Asked) -> None:
        beta = "interleaved-thinking-2025-05-14,context-1m-2025-08-07"
        headers = {
            "anthropic_beta": beta,
            "anthropic_version": "2024-01-01",
            "cookie": "c=1",
            "x_forwarded_for": "1.2.3.4",
        }
        for endpoint in ("/v1/messages?beta=true", "/v1/messages/count_tokens?beta=true"):
            asked.upstream.answer(
                "heard", json_body({"input_tokens": 5}, 200) if "count" in endpoint else anthropic_wire.answer("ok")
            )
            answer = asked.ask(endpoint, {"model": "anthropic/heard", "max_tokens": 9, "messages": HI}, **headers)
            assert answer.status == 200, answer.text
            received = asked.upstream.requests("heard")[-1].headers
            assert (received["anthropic-beta"], received["anthropic-version"]) == (beta, "2024-01-01")
            assert "cookie" not in received
            assert "x-forwarded-for" not in received
            assert "1.2.3.4" not in str(received)
        plain = asked.received("anthropic/heard", messages=HI).headers
        assert "anthropic-beta" not in plain
        assert plain["anthropic-version"] != "2024-01-01"

    def test_a_budget_above_the_limit_with_the_header_that_allows_it(self, asked: Asked) -> None:
        thinking = {"type": "enabled", "budget_tokens": 32000}
        headers = {"anthropic_beta": "interleaved-thinking-2025-05-14"}
        request = asked.received(SONNET, messages=HI, max_tokens=8000, thinking=thinking, headers=headers)
        assert (request.body["max_tokens"], request.body["thinking"]) == (8000, thinking)
        assert request.headers["anthropic-beta"] == headers["anthropic_beta"]

    def test_a_limit_where_the_client_sent_none(self, asked: Asked) -> None:
        assert asked.received(SONNET, messages=HI, max_tokens=None).body["max_tokens"] == 8192

    def test_less_where_the_operator_passes_only_what_is_known(self, asked: Asked) -> None:
        fields = {
            "context_management": {},
            "service_tier": "standard_only",
            "tools": [{"type": "bash_1", "name": "b"}, TOOL],
        }
        answer, request = asked.sent("known/less", messages=[user(PDF)], headers=SYSTEM_TURNS, **fields)
        assert (answer.status, request.body.get("context_management")) == (200, None)
        assert request.body["tools"] == [TOOL]
        assert request.body["messages"] == [user(PDF)]
        assert "anthropic-beta" not in request.headers
        assert answer.headers["headrace-ignored"] == "service_tier, tools[0] (bash_1)"


NOTED = [*HI, {"role": "system", "content": "note"}, {"role": "user", "content": "go on"}]
SYSTEM = [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}]


class TestASystemMessageBetweenTurns:
    def test_stays_what_it_is_where_the_request_names_the_feature(self, asked: Asked) -> None:
        received = asked.received(SONNET, messages=NOTED, system=SYSTEM, headers=SYSTEM_TURNS).body
        assert (received["messages"], received["system"]) == (NOTED, SYSTEM)

    def test_is_the_users_text_otherwise_in_its_place(self, asked: Asked) -> None:
        for model in (SONNET, "known/notes"):
            received = asked.received(model, messages=NOTED, system=SYSTEM).body
            assert received["messages"] == [*HI, {"role": "user", "content": "note"}, NOTED[2]]
            assert received["system"] == SYSTEM

    def test_is_a_part_of_the_system_prompt_at_the_beginning(self, asked: Asked) -> None:
        received = asked.received(SONNET, messages=[{"role": "system", "content": "note"}, *HI], system=SYSTEM).body
        assert received["system"] == [*SYSTEM, {"type": "text", "text": "note"}]
        assert received["messages"] == HI
        alone = asked.received(SONNET, messages=[{"role": "system", "content": "note"}], system="S").body
        assert ("system" not in alone, alone["messages"]) == (True, [{"role": "user", "content": "S\n\nnote"}])

    def test_stands_behind_the_results_that_it_precedes(self, asked: Asked) -> None:
        results = user({"type": "tool_result", "tool_use_id": "a", "content": "1"}, {"type": "text", "text": "and?"})
        messages = [*HI, assistant(USE), {"role": "system", "content": "note"}, results]
        received = asked.received(SONNET, messages=messages, tools=[TOOL]).body
        assert received["messages"] == [*HI, assistant(USE), results, {"role": "user", "content": "note"}]


class TestModelsOfOthersReceive:
    def test_what_has_a_counterpart_and_the_rest_is_named(self, asked: Asked) -> None:
        tools = [
            TOOL,
            {"type": "web_search_20250305", "name": "web_search"},
            {**TOOL, "name": "g", "defer_loading": True},
        ]
        answer, request = asked.sent(
            GPT,
            messages=HI,
            tools=tools,
            context_management={},
            mcp_servers=[{"name": "x"}],
            thinking={"type": "enabled", "budget_tokens": 31999},
            output_config={"task_budget": {"total": 9}},
            metadata={"user_id": "u", "session": "s"},
            service_tier="auto",
            container={"skills": [1]},
            unheard_of=None,
            tool_choice={"type": "tool", "name": "web_search"},
            headers={"anthropic_beta": "x"},
        )
        assert answer.status == 200, answer.text
        assert [tool["function"]["name"] for tool in request.body["tools"]] == ["f", "g"]
        assert request.body["reasoning_effort"] == "high"
        assert answer.headers["headrace-ignored"] == (
            "mcp_servers, container, output_config.task_budget, metadata.session, tools[1] (web_search_20250305), "
            "tools[2].defer_loading, tool_choice"
        )
        assert not {"anthropic-beta", "anthropic-version"} & {name.lower() for name in request.headers}

    def test_an_effort_with_adaptive_thinking(self, asked: Asked) -> None:
        request = asked.received(GPT, messages=HI, thinking={"type": "adaptive"}, output_config={"effort": "high"})
        assert request.body["reasoning_effort"] == "high"

    def test_text_documents_and_search_results_as_text(self, asked: Asked) -> None:
        blocks = [
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}, "title": "T"},
            {"type": "document", "source": {"type": "content", "content": "more"}, "context": "C"},
            {
                "type": "search_result",
                "source": "https://s",
                "title": "R",
                "content": [{"type": "text", "text": "found"}],
            },
        ]
        request = asked.received("chat/documents", messages=[user(*blocks)])
        texts = ["Title: T\n\nwords", "Context: C\n\nmore", "Title: R\nSource: https://s\n\nfound"]
        assert request.body["messages"][0]["content"] == [{"type": "text", "text": text} for text in texts]

    def test_a_conversation_without_anthropics_own_blocks(self, asked: Asked) -> None:
        own = [{"type": "server_tool_use", "id": "s", "name": "x", "input": {}}, {"type": "web_search_tool_result"}]
        messages = [
            *HI,
            assistant(*own, {"type": "text", "text": "T", "citations": [{"x": 1}]}),
            user({"type": "text", "text": "so?"}),
        ]
        answer, request = asked.sent("chat/own", messages=messages)
        assert [message["role"] for message in request.body["messages"]] == ["user", "assistant", "user"]
        assert answer.headers["headrace-ignored"] == (
            "messages[1].content[0] (server_tool_use), messages[1].content[1] (web_search_tool_result)"
        )
