"""/ai/v4/chat and /ai/v4/completion, read by the parsers of the AI SDK 3.4, 4.0 and 4.3."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.ai_data.node import Node
from tests.clients.ai_data.stage import PROVIDERS, QUESTION, SCRIPTS
from tests.support.service import Service
from tests.support.upstream import Ended, Hang, Pause, Reasoning, ToolCall, cuts

pytestmark = pytest.mark.parametrize(("provider", "wire"), PROVIDERS)
TOOLS = [{"name": "find", "parameters": {"type": "object"}}, {"name": "now"}]


def chat(reader: Node, ai: Service, model: str, *, messages: Any = QUESTION, **options: Any) -> dict[str, Any]:
    """Send a request to /ai/v4/chat, and return the calls of the parser's callbacks."""
    body = {"model": model, **options.pop("body", {})}
    result: dict[str, Any] = reader.do("chat", api=ai.url + "/ai/v4/chat", messages=messages, body=body, **options)
    return result


def complete(reader: Node, ai: Service, model: str, path: str = "/ai/v4/completion", **options: Any) -> dict[str, Any]:
    result: dict[str, Any] = reader.do("completion", api=ai.url + path, prompt="hi", body={"model": model}, **options)
    return result


class TestChat:
    def test_is_whole_with_usage_and_cost(self, ai, upstream, reader, provider, wire) -> None:
        upstream.answer("whole", wire.answer("Hel", "lo", usage=(9, 2)))
        result = chat(reader, ai, f"{provider}/whole")
        assert (result["message"]["content"], result["error"]) == ("Hello", None)
        assert result["finish"] == {
            "finishReason": "stop",
            "usage": {"promptTokens": 9, "completionTokens": 2, "totalTokens": 11},
        }
        (annotation,) = result["message"]["annotations"]
        assert (annotation["usage"]["inputTokens"], annotation["usage"]["outputTokens"]) == (9, 2)
        assert annotation["estimated"] is False
        assert "cost" in annotation

    def test_keeps_every_script_however_it_is_cut(self, ai, upstream, reader, provider, wire) -> None:
        upstream.answer("scripts", cuts.cut(wire.answer(SCRIPTS[:9], SCRIPTS[9:]), 1))
        result = chat(reader, ai, f"{provider}/scripts")
        assert (result["message"]["content"], result["error"]) == (SCRIPTS, None)

    def test_skips_the_heartbeats_of_a_silence(self, ai, upstream, reader, provider, wire) -> None:
        upstream.answer("silent", wire.answer(Pause(0.15), "one ", Pause(0.15), "two"))
        result = chat(reader, ai, f"{provider}/silent")
        assert (result["message"]["content"], result["error"]) == ("one two", None)

    def test_has_tool_calls(self, ai, upstream, reader, provider, wire) -> None:
        calls = ToolCall("c1", "find", ('{"q"', ': "ö', '"}')), ToolCall("c2", "now", ())
        upstream.answer("calling", wire.answer("Well. ", *calls, finish=wire.FINISHES[2]))
        result = chat(reader, ai, f"{provider}/calling", body={"tools": TOOLS})
        called = result["message"]["toolInvocations"]
        assert [(call["state"], call["toolCallId"], call["toolName"], call["args"]) for call in called] == [
            ("call", "c1", "find", {"q": "ö"}),
            ("call", "c2", "now", {}),
        ]
        assert (result["message"]["content"], result["finish"]["finishReason"]) == ("Well. ", "tool-calls")
        assert result["messages"] == 1

    def test_leaves_out_what_the_model_thinks(self, ai, upstream, reader, provider, wire) -> None:
        upstream.answer("thinking", wire.answer(Reasoning("hmm"), "yes"))
        result = chat(reader, ai, f"{provider}/thinking")
        assert (result["message"]["content"], result["error"]) == ("yes", None)
        assert "reasoning" not in result["message"]

    def test_that_fails_before_its_first_token_is_an_error_in_words(
        self, service, upstream, reader, provider, wire
    ) -> None:
        upstream.answer("busy", wire.error(429, retry_after=7))
        result = chat(reader, service, f"{provider}/busy")
        assert result["status"] == 429
        assert result["error"]["message"].startswith(f"{provider} ")
        assert result["finish"] is None

    def test_that_fails_later_keeps_its_text_and_never_finishes(self, ai, upstream, reader, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        result = chat(reader, ai, f"{provider}/failing")
        assert result["message"]["content"] == "0 1 "
        assert result["error"]["message"].startswith(provider)
        assert result["finish"] is None
        assert result["message"]["annotations"][0]["estimated"]

    def test_closes_the_upstream_when_it_is_stopped(self, ai, upstream, reader, provider, wire) -> None:
        name = f"stopped-{provider}-{id(reader)}"
        upstream.answer(name, wire.answer("one ", Hang()))
        result = chat(reader, ai, f"{provider}/{name}", stopAt="one")
        assert result["error"]["name"] == "AbortError"
        assert upstream.ended(name).ended is Ended.ABORTED

    def test_is_refused_with_a_sentence(self, ai, reader, provider, wire) -> None:
        result = chat(reader, ai, f"{provider}/never-asked", body={"temprature": 1})
        assert result["status"] == 400
        assert "temprature" in result["error"]["message"]


class TestCompletion:
    def test_is_whole(self, ai, upstream, reader, provider, wire) -> None:
        upstream.answer("scripts", cuts.cut(wire.answer(Reasoning("hmm"), SCRIPTS), 1))
        assert complete(reader, ai, f"{provider}/scripts") == {"text": SCRIPTS, "finished": SCRIPTS, "error": None}

    def test_as_text_is_whole(self, ai, upstream, reader, provider, wire) -> None:
        upstream.answer("scripts", cuts.cut(wire.answer(Reasoning("hmm"), SCRIPTS), 1))
        result = complete(reader, ai, f"{provider}/scripts", "/ai/text", streamProtocol="text")
        assert result == {"text": SCRIPTS, "finished": SCRIPTS, "error": None}

    @pytest.mark.parametrize("path", ["/ai/v4/completion", "/ai/text"])
    def test_that_fails_later_never_finishes(self, ai, upstream, reader, provider, wire, path) -> None:
        upstream.answer("failing", wire.failing_after(2))
        protocol = "text" if path == "/ai/text" else "data"
        result = complete(reader, ai, f"{provider}/failing", path, streamProtocol=protocol)
        assert result["finished"] is None
        assert result["error"]

    def test_that_fails_later_says_why_where_it_can(self, ai, upstream, readers, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        result = complete(readers["4.3"], ai, f"{provider}/failing")
        assert result["text"] == "0 1 "
        assert result["error"].startswith(provider)

    def test_that_fails_at_once_is_an_error_in_words(self, service, upstream, reader, provider, wire) -> None:
        upstream.answer("refused", wire.error(400))
        for path in ("/ai/v4/completion", "/ai/text"):
            assert complete(reader, service, f"{provider}/refused", path)["error"].startswith(provider)
