"""Approvals of calls that run here, with chats of versions 6 and 7, and without them in older ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.ai_sdk.tools.stage import (
    APPROVING,
    FIND,
    REFUND,
    Open,
    approve,
    call_of,
    calling,
    kinds,
    model,
    runs,
    told,
    waiting,
)
from tests.support.host import Host
from tests.support.upstream import ToolCall, Upstream, openai_wire


@pytest.mark.parametrize(("client", "body"), APPROVING)
class TestApproval:
    def test_that_is_given_lets_the_tool_run_and_the_answer_go_on(
        self, client: str, body: dict[str, Any], open_chat: Open, upstream: Upstream, service: Host
    ) -> None:
        name = f"tools-given-{client.replace(' ', '-')}"
        before = len(runs(service))
        chat = waiting(open_chat, upstream, client, name, openai_wire.answer("Done."), "never", body=body)
        assert len(runs(service)) == before
        shown = approve(chat)
        assert (shown.status, shown.error, len(shown.messages)) == ("ready", None, 2)
        assert kinds(shown) == ["step-start", "text", "tool-refund", "step-start", "text"]
        assert (call_of(shown)["state"], call_of(shown)["output"]) == ("output-available", "refunded é")
        assert shown.text == "Let me see.Done."
        assert runs(service)[before:] == [["refund", 7.5]]
        assert (told(upstream, name), len(upstream.requests(name))) == (["refunded é"], 2)

    def test_that_is_denied_is_told_to_the_model(
        self, client: str, body: dict[str, Any], open_chat: Open, upstream: Upstream, service: Host
    ) -> None:
        name = f"tools-denied-{client.replace(' ', '-')}"
        before = len(runs(service))
        chat = waiting(open_chat, upstream, client, name, *map(openai_wire.answer, ("Then not.", "Well.")), body=body)
        shown = approve(chat, approved=False, reason="Too much.")
        assert (shown.error, shown.text, call_of(shown)["state"]) == (None, "Let me see.Then not.", "output-denied")
        assert "Too much." in told(upstream, name)[0]
        assert chat.send("why?").text == "Well."
        assert "Too much." in told(upstream, name)[0]
        assert runs(service)[before:] == []
        assert len(upstream.requests(name)) == 3

    def test_that_nobody_answers_is_told_to_the_model_when_the_user_goes_on(
        self, client: str, body: dict[str, Any], open_chat: Open, upstream: Upstream, service: Host
    ) -> None:
        name = f"tools-unanswered-{client.replace(' ', '-')}"
        before = len(runs(service))
        chat = waiting(open_chat, upstream, client, name, openai_wire.answer("As you like."), body=body)
        shown = chat.send("something else")
        assert (shown.error, shown.text) == (None, "As you like.")
        assert told(upstream, name) == ["The call was not approved, and the tool did not run."]
        assert runs(service)[before:] == []

    def test_of_several_calls_is_asked_for_each_and_sent_when_all_are_answered(
        self, client: str, body: dict[str, Any], open_chat: Open, upstream: Upstream, service: Host
    ) -> None:
        name = f"tools-several-{client.replace(' ', '-')}"
        before = len(runs(service))
        calls = [FIND, *(ToolCall(f"r{number}", "refund", (f'{{"order": {number}}}',)) for number in range(2))]
        calls[0] = ToolCall("f1", "find", FIND.arguments)
        chat = open_chat(client, model(upstream, name, calling(*calls), openai_wire.answer("Done.")), body=body)
        first, second = [part["approval"]["id"] for part in chat.send().parts("tool-refund")]
        chat.do("approve", id=second, approved=False)
        assert chat.state().status == "ready"
        chat.do("approve", id=first, approved=True)
        shown = chat.wait_for(lambda now: now if now.status == "ready" and "Done." in now.text else None)
        assert [part["state"] for part in shown.parts("tool-refund")] == ["output-available", "output-denied"]
        assert runs(service)[before:] == [["find", "mill"], ["refund", 0]]
        assert told(upstream, name) == ['{"depth":3}', "refunded ", told(upstream, name)[2]]
        assert len(upstream.requests(name)) == 2

    def test_of_a_call_beside_one_of_the_pages_own(
        self, client: str, body: dict[str, Any], open_chat: Open, upstream: Upstream, service: Host
    ) -> None:
        name = f"tools-mixed-{client.replace(' ', '-')}"
        calls = [ToolCall("p1", "ask", ("{}",)), REFUND]
        own = {**body, "tools": [{"name": "ask"}, "refund"]}
        chat = open_chat(client, model(upstream, name, calling(*calls), openai_wire.answer("Done.")), body=own)
        asked_for = chat.send().parts("tool-refund")[0]["approval"]["id"]
        chat.do("approve", id=asked_for, approved=True)
        chat.do("answer", tool="ask", toolCallId="p1", output="yes")
        shown = chat.wait_for(lambda now: now if now.status == "ready" and "Done." in now.text else None)
        assert sorted(told(upstream, name)) == ["refunded é", "yes"]
        assert (shown.error, len(upstream.requests(name))) == (None, 2)


@pytest.mark.parametrize("client", ["ai6 page", "ai7 page"])
def test_the_page_of_the_documents_asks_and_goes_on(
    client: str, open_chat: Open, upstream: Upstream, service: Host
) -> None:
    name = f"tools-documents-{client.replace(' ', '-')}"
    before = len(runs(service))
    answers = [calling(REFUND), openai_wire.answer("Once more?"), calling(REFUND), openai_wire.answer("Done.")]
    chat = open_chat(client, model(upstream, name, *answers), approves=True)
    chat.send()
    chat.do("answerFirst", approved=False, reason="Later.")
    shown = chat.wait_for(lambda now: now if now.status == "ready" and "Once more?" in now.text else None)
    assert "Later." in told(upstream, name)[0]
    chat.send("yes")
    chat.do("answerFirst", approved=True)
    shown = chat.wait_for(lambda now: now if now.status == "ready" and "Done." in now.text else None)
    assert (shown.error, len(runs(service)) - before) == (None, 1)


@pytest.mark.parametrize(("client", "body"), [("ai5", {}), ("ai5 page", {"ai": 5}), ("ai6", {"ai": None})])
def test_version_5_and_one_that_is_not_known_get_a_call_without_a_result(
    client: str, body: dict[str, Any], open_chat: Open, upstream: Upstream, service: Host
) -> None:
    name = f"tools-older-{client.replace(' ', '-')}"
    before = runs(service)
    chat = open_chat(client, model(upstream, name, calling(REFUND), openai_wire.answer("As you like.")), body=body)
    shown = chat.send()
    assert (shown.status, shown.error, call_of(shown)["state"]) == ("ready", None, "input-available")
    assert shown.all["ends"][-1]["finishReason"] == "tool-calls"
    assert chat.send("go on").text == "As you like."
    assert told(upstream, name) == ["The call was not answered: the tool did not run to its end."]
    assert runs(service) == before
