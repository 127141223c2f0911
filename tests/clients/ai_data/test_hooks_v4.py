"""The React hooks `useChat` and `useCompletion` of the AI SDK 4.3, on a page without a browser."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.ai_data.node import Node
from tests.clients.ai_data.stage import PROVIDERS, QUESTION, SCRIPTS
from tests.support.reader import Reading, send
from tests.support.service import Service
from tests.support.upstream import Ended, Gate, Hang, Reasoning, ToolCall, anthropic_wire, cuts, openai_wire

TOOLS = [{"name": "find", "parameters": {"type": "object"}}]
PICTURE = {"name": "mill.png", "contentType": "image/png", "url": "data:image/png;base64,AAAA"}


def chat(hooks4: Node, ai: Service, model: str, text: str = "hi", **options: Any) -> dict[str, Any]:
    result: dict[str, Any] = hooks4.do("chat", base=ai.url, model=model, text=text, **options)
    return result


@pytest.mark.parametrize(("provider", "wire"), PROVIDERS)
class TestUseChat:
    def test_shows_a_whole_answer(self, ai, upstream, hooks4, provider, wire) -> None:
        upstream.answer("scripts", cuts.cut(wire.answer(SCRIPTS[:9], SCRIPTS[9:]), 1))
        result = chat(hooks4, ai, f"{provider}/scripts")
        asked, answer = result["messages"]
        assert (asked["content"], answer["content"]) == ("hi", SCRIPTS)
        assert answer["parts"] == [{"type": "text", "text": SCRIPTS}]
        assert (result["status"], result["finishes"]) == ("ready", ["stop"])

    def test_stops_the_model(self, ai, upstream, hooks4, provider, wire) -> None:
        name = f"hook-stop-{provider}"
        upstream.answer(name, wire.answer("one ", Hang()))
        result = chat(hooks4, ai, f"{provider}/{name}", stopAt="one")
        assert upstream.ended(name).ended is Ended.ABORTED
        assert (result["status"], result["error"], result["finishes"]) == ("ready", None, [])

    def test_shows_a_failure_and_keeps_the_text_before_it(self, ai, upstream, hooks4, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        result = chat(hooks4, ai, f"{provider}/failing")
        assert (result["status"], result["finishes"]) == ("error", [])
        assert result["error"].startswith(provider)
        assert result["messages"][-1]["content"] == "0 1 "

    def test_calls_a_tool_and_goes_on_with_its_result(self, ai, upstream, hooks4, provider, wire) -> None:
        name = f"tooling-{provider}"
        call = ToolCall("c1", "find", ('{"q": ', '"ö"}'))
        upstream.answer(name, [wire.answer("Well. ", call, finish=wire.FINISHES[2]), wire.answer("There it is.")])
        body = {"model": f"{provider}/{name}", "tools": TOOLS}
        result = chat(hooks4, ai, body["model"], maxSteps=3, results={"find": {"at": "home"}}, body=body)
        assert result["error"] is None
        assert [part["type"] for part in result["messages"][-1]["parts"]] == ["text", "tool-invocation", "text"]
        assert result["messages"][-1]["parts"][-1]["text"] == "There it is."
        sent = str(upstream.requests(name)[-1].body["messages"])
        assert "Well. " in sent
        assert '{"at":"home"}' in sent

    def test_shows_what_the_model_thinks_where_it_is_asked_for(self, ai, upstream, hooks4, provider, wire) -> None:
        name = f"thinking-{provider}"
        upstream.answer(name, [wire.answer(Reasoning("hm"), Reasoning("m"), "yes"), wire.answer("sure")])
        model = f"{provider}/{name}"
        result = chat(hooks4, ai, model, body={"model": model, "sendReasoning": True}, again="really?")
        assert result["error"] is None
        thought, text = result["messages"][1]["parts"]
        assert (thought["reasoning"], text["text"]) == ("hmm", "yes")
        if provider == "anthropic":
            thinking, text = upstream.requests(name)[-1].body["messages"][1]["content"]
            assert thinking == {"type": "thinking", "thinking": "hmm", "signature": anthropic_wire.SIGNATURE}
            assert text["text"] == "yes"

    def test_sends_a_picture(self, ai, upstream, hooks4, provider, wire) -> None:
        name = f"picture-{provider}"
        upstream.answer(name, wire.answer("A mill."))
        chat(hooks4, ai, f"{provider}/{name}", attachments=[PICTURE])
        _, picture = upstream.requests(name)[-1].body["messages"][0]["content"]
        assert "AAAA" in str(picture)


def test_each_signature_goes_back_with_its_own_reasoning(ai, upstream, hooks4) -> None:
    call = ToolCall("c1", "find", ("{}",))
    first = anthropic_wire.answer(Reasoning(""), "yes", Reasoning("hm"), call, finish="tool_use")
    upstream.answer("signed-apart", [first, anthropic_wire.answer("sure")])
    body = {"model": "anthropic/signed-apart", "sendReasoning": True, "tools": TOOLS}
    result = chat(hooks4, ai, body["model"], maxSteps=5, results={"find": "home"}, body=body)
    assert result["error"] is None
    content = upstream.requests("signed-apart")[-1].body["messages"][1]["content"]
    assert [(block["type"], block.get("thinking"), block.get("signature")) for block in content] == [
        ("thinking", "", anthropic_wire.SIGNATURE),
        ("text", None, None),
        ("thinking", "hm", anthropic_wire.SIGNATURE),
        ("tool_use", None, None),
    ]


class TestResuming:
    def begun(self, ai: Service, model: str, chat_id: str) -> Reading:
        body = {"id": chat_id, "messages": QUESTION, "model": f"openai/{model}", "resumable": True}
        reading = Reading(ai.url + "/ai/v4/chat", body)
        reading.until(b"one ")
        return reading

    def test_shows_the_answer_from_its_beginning(self, ai, upstream, hooks4) -> None:
        upstream.answer("resumed", openai_wire.answer("one ", Gate("resumed"), "two"))
        with self.begun(ai, "resumed", "chat-1"):
            resumed = {"id": "chat-1", "resume": True, "initialMessages": QUESTION, "noteAt": "one"}
            resuming = hooks4.begin("chat", base=ai.url, **resumed)
            assert resuming.noted.get(timeout=10) == "one"
            upstream.open_gate("resumed")
            result = resuming.result(20)
        assert [message["content"] for message in result["messages"]] == ["hi", "one two"]
        assert (result["status"], result["finishes"]) == ("ready", ["stop"])
        assert len(upstream.requests("resumed")) == 1

    def test_of_nothing_changes_nothing(self, ai, hooks4) -> None:
        result = chat(hooks4, ai, "", id="chat-of-nothing", resume=True, initialMessages=QUESTION)
        assert (len(result["messages"]), result["status"], result["error"]) == (1, "ready", None)

    def test_has_a_stop_of_its_own(self, ai, upstream, hooks4) -> None:
        upstream.answer("stopped-by-id", openai_wire.answer("one ", Hang()))
        with self.begun(ai, "stopped-by-id", "chat-2") as reading:
            assert send(ai.url + "/ai/v4/chat?chatId=chat-2", method="DELETE").status == 204
            assert b'3:"The answer was stopped' in reading.until(b"complete")
        assert upstream.ended("stopped-by-id").ended is Ended.ABORTED

    def test_needs_a_name(self, ai) -> None:
        for method in ("GET", "DELETE"):
            answer = send(ai.url + "/ai/v4/chat", method=method)
            assert (answer.status, answer.body) == (
                400,
                b"chatId is missing: add the chat's id, as in ?chatId=\xe2\x80\xa6.",
            )


@pytest.mark.parametrize(("provider", "wire"), PROVIDERS)
class TestUseCompletion:
    def test_shows_a_whole_answer(self, ai, upstream, hooks4, provider, wire) -> None:
        upstream.answer("scripts", cuts.cut(wire.answer(SCRIPTS), 1))
        result = hooks4.do("completion", base=ai.url, model=f"{provider}/scripts", prompt="hi")
        assert result == {"text": SCRIPTS, "error": None, "finished": [SCRIPTS]}

    def test_stops_the_model(self, ai, upstream, hooks4, provider, wire) -> None:
        name = f"completion-stop-{provider}"
        upstream.answer(name, wire.answer("one ", Hang()))
        result = hooks4.do("completion", base=ai.url, model=f"{provider}/{name}", prompt="hi", stopAt="one")
        assert upstream.ended(name).ended is Ended.ABORTED
        assert result == {"text": "one ", "error": None, "finished": []}

    def test_shows_a_failure(self, ai, upstream, hooks4, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        result = hooks4.do("completion", base=ai.url, model=f"{provider}/failing", prompt="hi")
        assert result["error"].startswith(provider)
        assert result["finished"] == []
