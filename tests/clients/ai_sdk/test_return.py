"""Resumable chats that are disconnected, stopped and resumed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.clients.ai_sdk.node import Chat, text_of
from tests.streaming.resume.across_workers.line import Line
from tests.support.reader import Answer, send
from tests.support.service import Service
from tests.support.upstream import Gate, ToolCall, Upstream, openai_wire

Open = Callable[..., Chat]


@pytest.fixture
def open_chat(open_chat: Open) -> Open:
    return resumable(open_chat)


def resumable(opening: Open) -> Open:
    def open_one(model: str, **options: Any) -> Chat:
        return opening(model, **{**options, "body": {"resumable": True, **options.get("body", {})}})

    return open_one


@pytest.fixture
def line(service: Service) -> Iterator[Line]:
    opened = Line(service.port)
    yield opened
    opened.close()


def gated(upstream: Upstream, name: str) -> Callable[[], None]:
    """Let a model answer two words; calling the returned function releases the second word."""
    upstream.start_afresh()
    upstream.answer(name, openai_wire.answer("one", Gate(name), " two"))
    return lambda: upstream.open_gate(name)


def stop(service: Service, chat: Chat) -> Answer:
    return send(f"{service.url}/ai/chat/{quote(chat.id, safe='')}/stream", method="DELETE")


def coming(service: Service, chat: Chat) -> int:
    """Return the status of a chat's resume request: 200 while an answer runs, 204 otherwise."""
    return send(f"{service.url}/ai/chat/{quote(chat.id, safe='')}/stream", method="GET").status


class TestReload:
    def test_in_the_middle_shows_the_whole_answer(self, open_chat: Open, upstream: Upstream) -> None:
        go_on = gated(upstream, "return-reload")
        first = open_chat("openai/return-reload")
        sending = first.begin("send", text="hi")
        first.wait_for(lambda now: now.text == "one")
        second = open_chat("openai/return-reload", id_=first.id, messages=first.state().messages[:1])
        resuming = second.begin("resume")
        second.wait_for(lambda now: now.text == "one")
        go_on()
        sending.wait()
        resuming.wait()
        shown = second.wait_until_idle()
        assert shown.text == "one two"
        kept = [part for part in shown.last["parts"] if part["type"] != "data-restart"]
        assert {**shown.last, "parts": kept} == first.wait_until_idle().last
        assert len(upstream.requests("return-reload")) == 1

    def test_finds_what_was_shown_before_in_its_place(self, open_chat: Open, upstream: Upstream) -> None:
        go_on = gated(upstream, "return-half")
        first = open_chat("openai/return-half")
        first.begin("send", text="hi")
        first.wait_for(lambda now: now.text == "one")
        first.do("stop")
        half = first.state().messages
        second = open_chat("openai/return-half", id_=first.id, messages=half)
        resuming = second.begin("resume")
        go_on()
        resuming.wait()
        shown = second.wait_until_idle()
        assert (len(shown.messages), shown.text) == (2, "one two")

    def test_where_nothing_runs_changes_nothing(self, open_chat: Open, upstream: Upstream, service: Service) -> None:
        upstream.answer("return-none", openai_wire.answer("all"))
        chat = open_chat("openai/return-none")
        before = chat.send()
        # The chat may have its last byte before the service knows that.
        service.wait_until(lambda: coming(service, chat) == 204)
        chat.do("resume")
        after = chat.wait_until_idle()
        assert (after.status, after.error, after.messages) == ("ready", None, before.messages)


class TestLostConnection:
    def test_is_told_and_the_whole_answer_comes_after_it(self, open_chat: Open, upstream: Upstream, line: Line) -> None:
        go_on = gated(upstream, "return-lost")
        chat = open_chat("openai/return-lost", base=line.url)
        sending = chat.begin("send", text="hi")
        chat.wait_for(lambda now: now.text == "one")
        line.cut()
        sending.wait()
        assert chat.wait_until_idle().status == "error"
        resuming = chat.begin("resume")
        go_on()
        resuming.wait()
        shown = chat.wait_until_idle()
        assert (shown.status, len(shown.messages)) == ("ready", 2)
        assert shown.text == "one two"
        assert shown.all.get("page", "hione two") == "hione two"


class TestAnswerAfterATool:
    def test_comes_back_as_a_message_of_its_own(self, open_chat: Open, upstream: Upstream) -> None:
        upstream.start_afresh()
        call = openai_wire.answer("Let me see.", ToolCall("c1", "find", ("{}",)), finish="tool_calls")
        upstream.answer("return-tool", [call, openai_wire.answer("one", Gate("return-tool"), " two")])
        first = open_chat("openai/return-tool", body={"tools": [{"name": "find"}]}, answers=True)
        first.send()
        first.do("answer", tool="find", toolCallId="c1", output="deep")
        first.wait_for(lambda now: now.text == "Let me see.one")
        # A page keeps an answer when it has ended, so without the one that is under way.
        question, answer = first.state().messages
        kept = [question, {**answer, "parts": answer["parts"][:3]}]
        second = open_chat("openai/return-tool", id_=first.id, messages=kept)
        resuming = second.begin("resume")
        second.wait_for(lambda now: now.text == "one")
        upstream.open_gate("return-tool")
        resuming.wait()
        shown = second.wait_until_idle()
        assert [text_of(message) for message in shown.messages] == ["hi", "Let me see.", "one two"]
        assert shown.messages[:2] == kept


class TestStop:
    def test_from_elsewhere_is_seen_with_what_came_and_its_usage(
        self, open_chat: Open, upstream: Upstream, service: Service
    ) -> None:
        gated(upstream, "return-stop")
        chat = open_chat("openai/return-stop")
        sending = chat.begin("send", text="hi")
        chat.wait_for(lambda now: now.text == "one")
        assert [stop(service, chat).status for _ in range(2)] == [204, 204]
        sending.wait()
        shown = chat.wait_until_idle()
        assert (shown.error, shown.text) == (None, "one")
        assert [part["state"] for part in shown.parts("text")] == ["done"]
        assert shown.metadata["cancelled"] == "stopped"
        assert shown.metadata["estimated"]
        assert shown.all["ends"][-1].get("finishReason") is None
        upstream.closed("return-stop")

    def test_of_nothing_does_nothing(self, service: Service) -> None:
        assert send(f"{service.url}/ai/chat/no%20such/stream", method="DELETE").status == 204
        assert send(f"{service.url}/ai/chat/no%20such/stop").status == 204
