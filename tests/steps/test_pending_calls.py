"""Conversations that go on behind calls that were asked to be approved."""

from __future__ import annotations

import json

import pytest

from flask_headrace.steps.pending_calls import UNANSWERED
from tests.steps.stage import QUESTION, Desk, answered, ask_for_refund, call, refused


@pytest.fixture
def desk() -> Desk:
    return Desk()


class TestConversationsThatGoOn:
    def test_without_an_answer_tell_the_model_that_the_tool_did_not_run(self, desk: Desk) -> None:
        conversation = ask_for_refund(desk)
        desk.model.answers("ok")
        desk.ask(messages=[*conversation, {"role": "user", "content": "never mind"}])
        assert [message.role for message in desk.asked()] == ["user", "assistant", "tool", "user"]
        assert desk.asked()[2].content == UNANSWERED
        assert desk.ran == []

    def test_with_an_approval_too_late_do_not_run_it(self, desk: Desk) -> None:
        conversation = answered(ask_for_refund(desk))
        desk.model.answers("ok")
        desk.ask(messages=[*conversation, {"role": "user", "content": "never mind"}])
        assert desk.ran == []

    def test_with_a_result_of_the_clients_run_nothing(self, desk: Desk) -> None:
        conversation = answered(ask_for_refund(desk))
        desk.model.answers("ok")
        desk.ask(messages=[*conversation, {"role": "tool", "tool_call_id": "c1", "content": "refunded, honestly"}])
        assert desk.ran == []
        assert desk.asked()[-1].content == "refunded, honestly"

    @pytest.mark.parametrize("approval", [None, "id alone"])
    def test_at_a_call_without_an_answer_are_refused(self, desk: Desk, approval: str | None) -> None:
        conversation = ask_for_refund(desk)
        if approval is None:
            del conversation[-1]["tool_calls"][0]["approval"]
        refused(desk, conversation, 400, "messages[1].tool_calls[0] calls 'refund', which runs here, and has no result")

    def test_need_the_results_of_the_clients_own_calls_too(self, desk: Desk) -> None:
        screen = {"name": "show_screen"}
        desk.model.answers(call("refund", order=5), call("show_screen", id="s1"))
        asked = desk.ask_for_answer(tools=[screen, "refund"])
        conversation = answered([*QUESTION, *json.loads(json.dumps(asked.messages))])
        refused(desk, conversation, 400, "messages[1].tool_calls[1] has no result", tools=[screen, "refund"])
        desk.model.answers("ok")
        theirs = {"role": "tool", "tool_call_id": "s1", "content": "shown"}
        assert desk.ask(messages=[*conversation, theirs], tools=[screen, "refund"]).is_done
        assert [message.tool_call_id for message in desk.asked()[2:]] == ["s1", "c1"]
        assert desk.ran == [("refund", 5)]

    def test_may_have_answers_of_both_kinds(self, desk: Desk) -> None:
        desk.model.answers(call("refund", order=5), call("refund", id="c2", order=6), call(id="c3", place="Ulm"))
        messages = json.loads(json.dumps(desk.ask_for_answer().messages))
        assert desk.ran == [("find", "Ulm")]
        turn = messages[0]
        turn["tool_calls"][0]["approval"]["approved"] = False
        turn["tool_calls"][1]["approval"]["approved"] = True
        desk.model.answers("ok")
        response = desk.ask(messages=[*QUESTION, *messages])
        assert [data["id"] for data in response.named("tool")] == ["c1", "c2"]
        assert desk.ran == [("find", "Ulm"), ("refund", 6)]
        assert [message.tool_call_id for message in desk.asked()[2:]] == ["c3", "c1", "c2"]
