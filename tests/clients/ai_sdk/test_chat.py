"""The AI SDK's packages with the service: answers, errors, tools, reasoning and regenerated answers."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.clients.ai_sdk.node import Chat, ChatState
from tests.support.upstream import Close, Reasoning, ToolCall, Upstream, anthropic_wire, cuts, faults, openai_wire

Open = Callable[..., Chat]

WIRES = pytest.mark.parametrize(("provider", "wire"), [("openai", openai_wire), ("anthropic", anthropic_wire)])
TEXT = ["Grüße 🌊", " e\u0301 👩\u200d🚀", '\u2028 \\ " \n\r\n', "", "."]
TOOLS = [{"name": "find", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}}]
CALL = ToolCall("c1", "find", ('{"q', '": "', "🌊", '"}'))


def sent(upstream: Upstream, model: str) -> dict[str, Any]:
    """Return the body of the last upstream request for a model."""
    return upstream.requests(model)[-1].body


def roles(shown: ChatState) -> list[str]:
    return [message["role"] for message in shown.messages]


@WIRES
class TestAnswer:
    def test_is_whole_with_its_model_its_usage_and_its_end(
        self, open_chat: Open, upstream: Upstream, provider: str, wire: ModuleType
    ) -> None:
        upstream.answer("chat-whole", wire.answer(*TEXT))
        shown = open_chat(f"{provider}/chat-whole").send()
        assert (shown.status, shown.error, shown.text) == ("ready", None, "".join(TEXT))
        assert shown.all.get("page", "hi" + shown.text) == "hi" + shown.text
        assert shown.last["id"] == shown.metadata["streamId"]
        assert (shown.metadata["model"], shown.metadata["provider"]) == (f"{provider}/chat-whole", provider)
        assert (shown.metadata["usage"]["inputTokens"], shown.metadata["usage"]["outputTokens"]) == (9, 2)
        assert {"cost": None, "currency": "USD", "estimated": False}.items() <= shown.metadata.items()
        assert [(end["finishReason"], end["isAbort"], end["isError"]) for end in shown.all["ends"]] == [
            ("stop", False, False)
        ]

    def test_survives_cuts_anywhere(self, open_chat: Open, upstream: Upstream, provider: str, wire: ModuleType) -> None:
        upstream.answer("chat-cut", cuts.cut(wire.answer(*TEXT), 1))
        assert open_chat(f"{provider}/chat-cut").send().text == "".join(TEXT)

    def test_that_is_refused_shows_why_and_no_message(
        self, open_chat: Open, upstream: Upstream, provider: str, wire: ModuleType
    ) -> None:
        upstream.answer("chat-refused", wire.error(400, "the prompt is too long"))
        shown = open_chat(f"{provider}/chat-refused").send()
        assert (shown.status, roles(shown)) == ("error", ["user"])
        assert "the prompt is too long" in (shown.error or "")
        assert "{" not in (shown.error or "")

    def test_that_breaks_off_is_an_error_with_what_came_and_its_usage(
        self, open_chat: Open, upstream: Upstream, provider: str, wire: ModuleType
    ) -> None:
        upstream.answer("chat-broken", faults.after(wire.answer("Hello", " world"), 1, Close()))
        shown = open_chat(f"{provider}/chat-broken").send()
        assert (shown.status, shown.text) == ("error", "Hello")
        assert shown.error
        assert shown.all["errors"] == [shown.error]
        assert [part["state"] for part in shown.parts("text")] == ["done"]
        assert shown.metadata["error"] == {"code": "upstream_broken", "retryable": True}
        assert shown.metadata["usage"]["outputTokens"] > 0
        assert shown.metadata["estimated"]

    def test_that_broke_off_can_be_followed_by_another(
        self, open_chat: Open, upstream: Upstream, provider: str, wire: ModuleType
    ) -> None:
        broken = faults.after(wire.answer("Hello", " world"), 1, Close())
        upstream.answer("chat-again", [broken, wire.answer("Once more")])
        chat = open_chat(f"{provider}/chat-again")
        chat.send()
        shown = chat.send("go on")
        assert (shown.status, shown.error, shown.text) == ("ready", None, "Once more")
        assert [message["role"] for message in sent(upstream, "chat-again")["messages"]] == [
            "user",
            "assistant",
            "user",
        ]


@WIRES
class TestToolCall:
    def test_comes_in_pieces_and_its_output_goes_back_in_the_same_message(
        self, open_chat: Open, upstream: Upstream, provider: str, wire: ModuleType
    ) -> None:
        finish = "tool_calls" if provider == "openai" else "tool_use"
        first = wire.answer("Let me see.", CALL, ToolCall("c2", "find", ()), finish=finish)
        upstream.answer("chat-tools", [first, wire.answer("It is deep.")])
        chat = open_chat(f"{provider}/chat-tools", body={"tools": TOOLS}, answers=True)
        shown = chat.send()
        assert (shown.status, shown.text) == ("ready", "Let me see.")
        assert shown.all["calls"] == [["find", {"q": "🌊"}], ["find", {}]]
        assert shown.all["ends"][-1]["finishReason"] == "tool-calls"
        assert [part["state"] for part in shown.parts("tool-find")] == ["input-available"] * 2
        chat.do("answer", tool="find", toolCallId="c1", output={"depth": "ö"})
        chat.do("answer", tool="find", toolCallId="c2", output="nothing")
        shown = chat.wait_for(lambda now: now if now.status == "ready" and "deep" in now.text else None)
        assert (roles(shown), shown.text) == (["user", "assistant"], "Let me see.It is deep.")
        assert [part["state"] for part in shown.parts("tool-find")] == ["output-available"] * 2
        self.check_results(sent(upstream, "chat-tools")["messages"], provider)

    @staticmethod
    def check_results(messages: list[dict[str, Any]], provider: str) -> None:
        if provider == "openai":
            assert [call["function"]["arguments"] for call in messages[1]["tool_calls"]] == ['{"q":"🌊"}', "{}"]
            assert [message["content"] for message in messages[2:]] == ['{"depth":"ö"}', "nothing"]
        else:
            assert [block["type"] for block in messages[1]["content"]] == ["text", "tool_use", "tool_use"]
            assert [block["content"] for block in messages[2]["content"]] == ['{"depth":"ö"}', "nothing"]

    def test_that_is_cut_off_is_shown_as_failed_and_does_not_hinder_what_follows(
        self, open_chat: Open, upstream: Upstream, provider: str, wire: ModuleType
    ) -> None:
        cut = faults.after(wire.answer("Well.", CALL), 3, Close())
        upstream.answer("chat-half-tool", [cut, wire.answer("Once more")])
        chat = open_chat(f"{provider}/chat-half-tool", body={"tools": TOOLS})
        shown = chat.send()
        assert shown.status == "error"
        assert shown.all["calls"] == []
        (part,) = shown.parts("tool-find")
        assert (part["state"], part["errorText"]) == ("output-error", shown.error)
        assert chat.send("go on").text == "Once more"


class TestReasoning:
    def test_is_a_part_of_its_own(self, open_chat: Open, upstream: Upstream) -> None:
        upstream.answer("chat-think", openai_wire.answer(Reasoning("Hm "), Reasoning("🤔"), "So."))
        shown = open_chat("openai/chat-think").send()
        assert [(part["type"], part.get("text")) for part in shown.last["parts"]] == [
            ("step-start", None), ("reasoning", "Hm 🤔"), ("text", "So."),
        ]  # fmt: skip

    def test_goes_back_with_its_signature(self, open_chat: Open, upstream: Upstream) -> None:
        first = anthropic_wire.answer(Reasoning("Hm"), "So.")
        upstream.answer("chat-signed", [first, anthropic_wire.answer("Yes.")])
        chat = open_chat("anthropic/chat-signed", body={"thinking": {"type": "enabled", "budget_tokens": 2000}})
        chat.send()
        assert chat.send("sure?").text == "Yes."
        assert sent(upstream, "chat-signed")["messages"][1]["content"] == [
            {"type": "thinking", "thinking": "Hm", "signature": anthropic_wire.SIGNATURE},
            {"type": "text", "text": "So."},
        ]


class TestSettings:
    def test_stand_beside_the_messages_and_what_is_the_applications_own_does_no_harm(
        self, open_chat: Open, upstream: Upstream
    ) -> None:
        upstream.answer("chat-set", openai_wire.answer("ok"))
        body = {"system": "Be kind.", "max_tokens": 7, "temperature": 0.5, "sessionId": "s", "webSearch": True}
        assert open_chat("openai/chat-set", body=body).send().text == "ok"
        request = sent(upstream, "chat-set")
        assert request["messages"][0] == {"role": "system", "content": "Be kind."}
        assert request["temperature"] == 0.5
        assert 7 in (request.get("max_tokens"), request.get("max_completion_tokens"))

    def test_by_another_name_are_refused(self, open_chat: Open) -> None:
        shown = open_chat("openai/never-asked", body={"maxOutputTokens": 7}).send()
        assert shown.error == "The body has maxOutputTokens: rename it to max_tokens."


class TestPicture:
    def test_is_passed_on(self, open_chat: Open, upstream: Upstream) -> None:
        upstream.answer("chat-picture", openai_wire.answer("a mill"))
        chat = open_chat("openai/chat-picture")
        url = "data:image/png;base64,AAAA"
        chat.do("send", text="What is it?", files=[{"type": "file", "mediaType": "image/png", "url": url}])
        assert chat.wait_until_idle().text == "a mill"
        content = sent(upstream, "chat-picture")["messages"][0]["content"]
        assert sorted(part["type"] for part in content) == ["image_url", "text"]
        assert {"type": "image_url", "image_url": {"url": url}} in content

    def test_that_is_none_is_refused(self, open_chat: Open) -> None:
        chat = open_chat("openai/never-asked")
        url = "data:application/pdf;base64,AAAA"
        chat.do("send", text="Read it", files=[{"type": "file", "mediaType": "application/pdf", "url": url}])
        assert "a file of the type 'application/pdf'" in (chat.wait_until_idle().error or "")


class TestRegenerate:
    def test_gives_the_last_answer_anew(self, open_chat: Open, upstream: Upstream) -> None:
        upstream.answer("chat-anew", [openai_wire.answer("one"), openai_wire.answer("two")])
        chat = open_chat("openai/chat-anew")
        first = chat.send()
        chat.do("regenerate")
        shown = chat.wait_until_idle()
        assert (roles(shown), shown.text) == (["user", "assistant"], "two")
        assert shown.last["id"] != first.last["id"]
        assert [message["content"] for message in sent(upstream, "chat-anew")["messages"]] == ["hi"]

    def test_of_an_earlier_answer_drops_what_follows_it(self, open_chat: Open, upstream: Upstream) -> None:
        upstream.answer("chat-earlier", [openai_wire.answer(word) for word in ("one", "two", "three")])
        chat = open_chat("openai/chat-earlier")
        first = chat.send()
        chat.send("more")
        chat.do("regenerate", messageId=first.last["id"])
        shown = chat.wait_until_idle()
        assert (roles(shown), shown.text) == (["user", "assistant"], "three")
        assert len(sent(upstream, "chat-earlier")["messages"]) == 1


def test_an_empty_answer_is_one_all_the_same(open_chat: Open, upstream: Upstream) -> None:
    upstream.answer("chat-empty", openai_wire.answer())
    shown = open_chat("openai/chat-empty").send()
    assert (shown.status, shown.error, shown.text) == ("ready", None, "")
    assert shown.all["ends"][-1]["finishReason"] == "stop"
