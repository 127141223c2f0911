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
    told: dict[str, Any] = reader.do("chat", api=ai.url + "/ai/v4/chat", messages=messages, body=body, **options)
    return told


def complete(reader: Node, ai: Service, model: str, path: str = "/ai/v4/completion", **options: Any) -> dict[str, Any]:
    told: dict[str, Any] = reader.do("completion", api=ai.url + path, prompt="hi", body={"model": model}, **options)
    return told


class TestChat:
    def test_is_whole_with_usage_and_cost(self, ai, upstream, reader, provider, wire) -> None:
        upstream.answer("whole", wire.answer("Hel", "lo", usage=(9, 2)))
        told = chat(reader, ai, f"{provider}/whole")
        assert (told["message"]["content"], told["error"]) == ("Hello", None)
        assert told["finish"] == {
            "finishReason": "stop",
            "usage": {"promptTokens": 9, "completionTokens": 2, "totalTokens": 11},
        }
        (annotation,) = told["message"]["annotations"]
        assert (annotation["usage"]["inputTokens"], annotation["usage"]["outputTokens"]) == (9, 2)
        assert annotation["estimated"] is False
        assert "cost" in annotation

    def test_keeps_every_script_however_it_is_cut(self, ai, upstream, reader, provider, wire) -> None:
        upstream.answer("scripts", cuts.cut(wire.answer(SCRIPTS[:9], SCRIPTS[9:]), 1))
        told = chat(reader, ai, f"{provider}/scripts")
        assert (told["message"]["content"], told["error"]) == (SCRIPTS, None)

    def test_skips_the_heartbeats_of_a_silence(self, ai, upstream, reader, provider, wire) -> None:
        upstream.answer("silent", wire.answer(Pause(0.15), "one ", Pause(0.15), "two"))
        told = chat(reader, ai, f"{provider}/silent")
        assert (told["message"]["content"], told["error"]) == ("one two", None)

    def test_has_tool_calls(self, ai, upstream, reader, provider, wire) -> None:
        calls = ToolCall("c1", "find", ('{"q"', ': "ö', '"}')), ToolCall("c2", "now", ())
        upstream.answer("calling", wire.answer("Well. ", *calls, finish=wire.FINISHES[2]))
        told = chat(reader, ai, f"{provider}/calling", body={"tools": TOOLS})
        called = told["message"]["toolInvocations"]
        assert [(call["state"], call["toolCallId"], call["toolName"], call["args"]) for call in called] == [
            ("call", "c1", "find", {"q": "ö"}),
            ("call", "c2", "now", {}),
        ]
        assert (told["message"]["content"], told["finish"]["finishReason"]) == ("Well. ", "tool-calls")
        assert told["messages"] == 1

    def test_leaves_out_what_the_model_thinks(self, ai, upstream, reader, provider, wire) -> None:
        upstream.answer("thinking", wire.answer(Reasoning("hmm"), "yes"))
        told = chat(reader, ai, f"{provider}/thinking")
        assert (told["message"]["content"], told["error"]) == ("yes", None)
        assert "reasoning" not in told["message"]

    def test_that_fails_before_its_first_token_is_an_error_in_words(
        self, service, upstream, reader, provider, wire
    ) -> None:
        upstream.answer("busy", wire.error(429, retry_after=7))
        told = chat(reader, service, f"{provider}/busy")
        assert told["status"] == 429
        assert told["error"]["message"].startswith(f"{provider} ")
        assert told["finish"] is None

    def test_that_fails_later_keeps_its_text_and_never_finishes(self, ai, upstream, reader, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        told = chat(reader, ai, f"{provider}/failing")
        assert told["message"]["content"] == "0 1 "
        assert told["error"]["message"].startswith(provider)
        assert told["finish"] is None
        assert told["message"]["annotations"][0]["estimated"]

    def test_closes_the_upstream_when_it_is_stopped(self, ai, upstream, reader, provider, wire) -> None:
        name = f"stopped-{provider}-{id(reader)}"
        upstream.answer(name, wire.answer("one ", Hang()))
        told = chat(reader, ai, f"{provider}/{name}", stopAt="one")
        assert told["error"]["name"] == "AbortError"
        assert upstream.ended(name).ended is Ended.ABORTED

    def test_is_refused_with_a_sentence(self, ai, reader, provider, wire) -> None:
        told = chat(reader, ai, f"{provider}/never-asked", body={"temprature": 1})
        assert told["status"] == 400
        assert "temprature" in told["error"]["message"]


class TestCompletion:
    def test_is_whole(self, ai, upstream, reader, provider, wire) -> None:
        upstream.answer("scripts", cuts.cut(wire.answer(Reasoning("hmm"), SCRIPTS), 1))
        assert complete(reader, ai, f"{provider}/scripts") == {"text": SCRIPTS, "finished": SCRIPTS, "error": None}

    def test_as_text_is_whole(self, ai, upstream, reader, provider, wire) -> None:
        upstream.answer("scripts", cuts.cut(wire.answer(Reasoning("hmm"), SCRIPTS), 1))
        told = complete(reader, ai, f"{provider}/scripts", "/ai/text", streamProtocol="text")
        assert told == {"text": SCRIPTS, "finished": SCRIPTS, "error": None}

    @pytest.mark.parametrize("path", ["/ai/v4/completion", "/ai/text"])
    def test_that_fails_later_never_finishes(self, ai, upstream, reader, provider, wire, path) -> None:
        upstream.answer("failing", wire.failing_after(2))
        protocol = "text" if path == "/ai/text" else "data"
        told = complete(reader, ai, f"{provider}/failing", path, streamProtocol=protocol)
        assert told["finished"] is None
        assert told["error"]

    def test_that_fails_later_says_why_where_it_can(self, ai, upstream, readers, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        told = complete(readers["4.3"], ai, f"{provider}/failing")
        assert told["text"] == "0 1 "
        assert told["error"].startswith(provider)

    def test_that_fails_at_once_is_an_error_in_words(self, service, upstream, reader, provider, wire) -> None:
        upstream.answer("refused", wire.error(400))
        for path in ("/ai/v4/completion", "/ai/text"):
            assert complete(reader, service, f"{provider}/refused", path)["error"].startswith(provider)
