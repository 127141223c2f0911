"""Approvals in views of the application: whose they are, and how a whole answer asks for one."""

from __future__ import annotations

import json

import pytest

from tests.steps.stage import QUESTION, Desk, answered, call, refused


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_view_that_names_no_owner_asks_and_takes_approvals_for_the_user_of_authorize(desk: Desk) -> None:
    desk.model.answers("I will. ", call("refund", order=5))
    asked = desk.ask_for_answer("/own", tools=["refund"])
    assert asked.owner == "ann"
    conversation = answered([*QUESTION, *json.loads(json.dumps(asked.messages))])
    for path, options in (("/own", {"tools": ["refund"]}), ("/api/chat", {})):
        refused(desk, conversation, 400, "another user", path=path, user="bob", **options)
    desk.model.answers("ok").answers("again")
    assert desk.ask(messages=conversation).is_done
    assert desk.ask_for_answer("/own", tools=["refund"], owner="").owner == ""


def test_a_whole_answer_has_the_turn_that_goes_back_with_the_decision(desk: Desk) -> None:
    desk.model.answers("I will. ", call("refund", order=5)).answers("Done.")
    whole = json.loads(desk.ask(stream=False).body)
    approval = whole["tool_calls"][0]["approval"]
    assert whole["messages"][0]["tool_calls"][0]["approval"] == {"id": approval}
    last = json.loads(desk.ask(messages=answered([*QUESTION, *whole["messages"]]), stream=False).body)
    assert [message["content"] for message in last["messages"]] == ["refunded 5", "Done."]
