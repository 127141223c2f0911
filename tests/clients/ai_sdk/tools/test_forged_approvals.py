"""What a page must not get by approvals that are not its own, or not of just this call."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.ai_sdk.node import Chat
from tests.clients.ai_sdk.tools.stage import Open, runs, waiting
from tests.support.host import Host
from tests.support.reader import send
from tests.support.upstream import ToolCall, Upstream, openai_wire


class TestRefused:
    """What a page must not get by approvals that are not its own, or not of this call."""

    @pytest.fixture
    def chat(self, open_chat: Open, upstream: Upstream, request: pytest.FixtureRequest) -> Chat:
        self.name = f"tools-refused-{request.node.name.removeprefix('test_')}"
        self.upstream = upstream
        return waiting(open_chat, upstream, "ai6", self.name, openai_wire.answer("never"))

    def post(self, service: Host, messages: list[dict[str, Any]], **headers: str) -> tuple[int, str]:
        body = {"id": "x", "messages": messages, "model": f"openai/{self.name}", "ai": 6}
        answer = send(f"{service.url}/ai/chat", body, headers=headers)
        return answer.status, answer.body.decode()

    def answered(self, chat: Chat, **changes: Any) -> list[dict[str, Any]]:
        """Return the conversation with the approval given, and the call's part changed."""
        question, answer = chat.state().messages
        part = answer["parts"][-1]
        approval = {**part["approval"], "approved": True, **changes.pop("approval", {})}
        parts = [*answer["parts"][:-1], {**part, "state": "approval-responded", "approval": approval, **changes}]
        return [question, {**answer, "parts": parts}]

    @pytest.mark.parametrize(
        "changes",
        [
            {"approval": {"id": "made-up"}},
            {"approval": {"id": ""}},
            {"input": {"order": 750, "why": "é"}},
            {"input": {"order": "7.5", "why": "é"}},
            {"input": {"order": 7.5}},
            {"input": None},
            {"toolCallId": "c2"},
            {"type": "tool-slow_refund"},
            {"type": "tool-no-such"},
        ],
    )
    def test_forged(self, changes: dict[str, Any], chat: Chat, service: Host) -> None:
        before = runs(service)
        status, why = self.post(service, self.answered(chat, **changes))
        assert (status, runs(service)) == (400, before), why
        assert len(self.upstream.requests(self.name)) == 1

    def test_of_another_user(self, chat: Chat, service: Host) -> None:
        before = runs(service)
        status, why = self.post(service, self.answered(chat), **{"X-User": "mallory"})
        assert (status, runs(service)) == (400, before)
        assert "another user" in why

    def test_of_another_call(self, chat: Chat, open_chat: Open, upstream: Upstream, service: Host) -> None:
        before = runs(service)
        other = waiting(
            open_chat, upstream, "ai6", f"{self.name}-other", call=ToolCall("c1", "refund", ('{"order": 1}',))
        )
        foreign = other.state().last["parts"][-1]["approval"]["id"]
        status, _ = self.post(service, self.answered(chat, approval={"id": foreign}))
        assert (status, runs(service)) == (400, before)

    def test_twice(self, chat: Chat, service: Host, upstream: Upstream) -> None:
        before = len(runs(service))
        conversation = self.answered(chat)
        assert self.post(service, conversation)[0] == 200
        status, why = self.post(service, conversation)
        assert (status, len(runs(service)) - before) == (409, 1)
        assert "used before" in why

    def test_a_result_that_the_page_has_made_up_runs_nothing(self, chat: Chat, service: Host) -> None:
        before = runs(service)
        status, _ = self.post(service, self.answered(chat, state="output-available", output="refunded"))
        assert (status, runs(service)) == (200, before)

    def test_unanswered(self, chat: Chat, service: Host) -> None:
        status, why = self.post(service, chat.state().messages)
        assert (status, "nobody has approved or denied it" in why) == (400, True)
