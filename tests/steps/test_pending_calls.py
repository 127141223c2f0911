"""Conversations that go on behind calls that were asked to be approved."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_headrace.steps.pending_calls import UNANSWERED
from tests.steps.stage import QUESTION, Desk, answered, ask_for_refund, call, refused, results


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

    @pytest.mark.parametrize("by_hook", [True, False])
    def test_by_an_instruction_alone_do_not_lose_the_approval(self, desk: Desk, by_hook: bool) -> None:
        conversation = answered(ask_for_refund(desk))
        reminder: dict[str, Any] = {"role": "system", "content": "Be brief."}
        if by_hook:
            desk.headrace.before(lambda question: question.replace(messages=[*question.messages, reminder]))
        else:
            conversation.append(reminder)
        desk.model.answers("ok")
        assert results(desk.ask(messages=conversation)) == [{"result": "refunded 5"}]
        assert [message.role for message in desk.asked()] == ["user", "assistant", "tool", "system"]
        assert desk.ran == [("refund", 5)]

    @pytest.mark.parametrize("first", [True, False])
    def test_may_not_have_two_answers_to_one_call(self, desk: Desk, first: bool) -> None:
        conversation = ask_for_refund(desk)
        yes, no = (answered(conversation, approved=each)[-1]["tool_calls"][0] for each in (first, not first))
        conversation[-1]["tool_calls"] = [yes, no]
        refused(desk, conversation, 400, "messages[1].tool_calls has the id 'c1' twice: send each")


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


class TestArguments:
    def test_as_deep_as_a_request_can_send_back_can_be_approved(self, desk: Desk) -> None:
        conversation = ask_for_refund(desk, note=nested(99))
        desk.model.answers("Done.")
        assert desk.ask(messages=answered(conversation)).is_done
        assert desk.ran == [("refund", 5)]

    @pytest.mark.parametrize("depth", [100, 500, 900])
    def test_that_are_deeper_are_told_to_the_model(self, desk: Desk, depth: int) -> None:
        desk.model.answers(call("refund", order=5, note=nested(depth)), call(id="c2", place="Ulm")).answers("Sorry.")
        response = desk.ask()
        assert [sorted(result) for result in results(response)] == [["error"], ["result"]]
        assert "have more than 100 levels" in desk.asked()[-2].content
        assert (response.text, desk.ran) == ("Sorry.", [("find", "Ulm")])

    @pytest.mark.parametrize("note", [nested(100), [0.5] * 90_000, float("1" * 300)])
    def test_that_were_changed_to_huge_ones_are_refused(self, desk: Desk, note: Any) -> None:
        conversation = answered(ask_for_refund(desk, note=1))
        conversation[-1]["tool_calls"][0]["arguments"]["note"] = note
        refused(desk, conversation, 400, "was asked for another call, other arguments")
