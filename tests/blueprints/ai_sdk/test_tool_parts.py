"""The tool calls in messages of `useChat`, and their results and approvals, in a `ChatRequest`."""

from __future__ import annotations

from typing import Any

import pytest

from flask_headrace.blueprints.ai_sdk.tool_parts import (
    INTERRUPTED_RESULT,
    UNANSWERED_RESULT,
    UNAPPROVED_RESULT,
)
from flask_headrace.core.errors import InvalidRequest
from flask_headrace.providers.chat_request import Message, TextPart, ToolCall
from flask_headrace.providers.request_validation import validation_error
from flask_headrace.providers.tool_approval import DENIED, ToolApproval
from tests.blueprints.ai_sdk.test_chat_request import HI, STEP, assistant, call, chat_request, text


class TestCalls:
    def test_with_their_outputs_are_a_turn_and_its_results(self) -> None:
        outputs = [call(output={"a": "ö"}), call(id="c2", output="found")]
        messages = chat_request(HI, assistant(STEP, text("Let me see."), *outputs, STEP, text("So."))).messages
        calls = tuple(ToolCall(id_, "find", {"q": 1}) for id_ in ("c1", "c2"))
        assert messages[1:] == (
            Message("assistant", (TextPart("Let me see."),), tool_calls=calls),
            Message("tool", '{"a":"ö"}', tool_call_id="c1"),
            Message("tool", "found", tool_call_id="c2"),
            Message("assistant", (TextPart("So."),)),
        )
        assert validation_error(chat_request(HI, assistant(STEP, *outputs))) is None

    def test_of_tools_that_are_known_by_name_alone(self) -> None:
        part = {**call(output=None), "type": "dynamic-tool", "toolName": "look-up"}
        _, request, answered = chat_request(HI, assistant(part)).messages
        assert (request.tool_calls[0].name, answered.content) == ("look-up", "null")

    def test_that_failed_say_so(self) -> None:
        failed = call("output-error", errorText="no clock", input=None)
        _, request, answered = chat_request(HI, assistant(failed)).messages
        assert request.tool_calls == (ToolCall("c1", "find", {}),)
        assert answered == Message("tool", "no clock", tool_call_id="c1", is_error=True)

    def test_that_were_not_allowed_say_so(self) -> None:
        assert chat_request(HI, assistant(call("output-denied"))).messages[2].content == DENIED

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({"state": "input-available"}, UNANSWERED_RESULT),
            ({"state": "output-available", "output": "half", "preliminary": True}, UNANSWERED_RESULT),
            ({"state": "approval-requested", "approval": {"id": "a1"}}, UNAPPROVED_RESULT),
            ({"state": "approval-responded", "approval": {"id": "a1", "approved": True}}, INTERRUPTED_RESULT),
            ({"state": "approval-responded", "approval": {"id": "a1", "approved": False}}, DENIED),
            (
                {"state": "output-denied", "approval": {"id": "a1", "approved": False, "reason": "No!"}},
                f"{DENIED} Their reason: No!",
            ),
        ],
    )
    def test_without_a_result_say_what_is_known_where_the_conversation_went_on(
        self, fields: dict[str, Any], told: str
    ) -> None:
        _, asked, answered, _ = chat_request(HI, assistant({**call(**fields)}), HI).messages
        assert asked.tool_calls[0].approval is None
        assert answered == Message("tool", told, tool_call_id="c1", is_error=True)

    def test_that_run_here_have_their_approval_where_nothing_follows(self) -> None:
        answered = {"id": "a1", "approved": False, "reason": "No!"}
        second = {**call("approval-responded", approval=answered), "toolCallId": "c2"}
        third = {**call("approval-responded", approval={"id": "a2", "approved": True}), "toolCallId": "c3"}
        _, asked, result = chat_request(HI, assistant(STEP, call(), second, third, STEP)).messages
        approvals = [None, ToolApproval("a1", False, "No!"), ToolApproval("a2", True)]
        assert [made.approval for made in asked.tool_calls] == approvals
        assert result.tool_call_id == "c1"

    @pytest.mark.parametrize(
        ("fields", "why"),
        [
            ({"state": "approval-requested", "approval": {"id": "a1"}}, "nobody has approved or denied it"),
            ({"state": "approval-responded"}, "its approval has no answer"),
            ({"state": "approval-responded", "approval": {"id": "a1"}}, "its approval has no answer"),
            ({"state": "output-available", "output": 1, "preliminary": True}, "has no output"),
        ],
    )
    def test_that_nobody_has_answered_are_refused_where_nothing_follows(self, fields: dict[str, Any], why: str) -> None:
        with pytest.raises(InvalidRequest, match=rf"messages\[1\].parts\[1\] calls 'find'.*{why}"):
            chat_request(HI, assistant(STEP, call(**fields)))

    def test_that_a_replay_has_shown_again_with_their_result_stand_once(self) -> None:
        waiting = call("approval-responded", approval={"id": "a1", "approved": True})
        messages = chat_request(HI, assistant(text("Well."), waiting), assistant(call(output="ok"), STEP, text("So.")))
        assert [message.tool_calls for message in messages.messages].count((ToolCall("c1", "find", {"q": 1}),)) == 1
        assert messages.messages[1] == Message("assistant", (TextPart("Well."),))

    def test_that_have_the_id_of_an_earlier_one_are_calls_of_their_own(self) -> None:
        waiting = call("approval-responded", approval={"id": "a1", "approved": True})
        messages = chat_request(HI, assistant(call(output="ok"), STEP, text("So.")), HI, assistant(waiting)).messages
        assert [message.role for message in messages[1:]] == ["assistant", "tool", "assistant", "user", "assistant"]
        assert messages[-1].tool_calls[0].approval == ToolApproval("a1", True)

    def test_that_were_cut_off_are_none(self) -> None:
        messages = chat_request(HI, assistant(text("Well."), call("input-streaming", input={})), HI).messages
        assert messages[1] == Message("assistant", (TextPart("Well."),))
