"""Views of an application that answer in the AI SDK's protocol, with a tool that needs approval."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask, Response, request

from flask_headrace import Headrace, ToolCall, tool
from flask_headrace.testing import FakeProvider

HI = {"role": "user", "content": "hi"}


@tool(needs_approval=True)
def refund(order: int) -> str:
    """Refund an order."""
    return f"refunded {order}"


class Desk:
    """An application with one view, and its model."""

    def __init__(self) -> None:
        app = Flask(__name__)
        app.secret_key = "a secret"
        self.model = FakeProvider()
        headrace = Headrace(app, providers=[self.model])

        @app.post("/view")
        def view() -> Response:
            messages = request.get_json(force=True)["messages"]
            return headrace.stream(messages, tools=[refund], model="fake/fake", owner="me", protocol="ai-sdk")

        self.client = app.test_client()

    def ask(self, *messages: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
        """Return the frames of an answer."""
        response = self.client.post("/view", json={"messages": messages, **fields})
        return [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: {")]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(
    ("fields", "is_asked"),
    [
        ({"ai": 6}, True),
        ({"ai": 7}, True),
        ({"ai": 5}, False),
        ({"ai": "6"}, False),
        ({"ai": True}, False),
        ({}, False),
    ],
)
def test_ask_for_approval_if_the_page_names_a_version_that_knows_it(
    fields: dict[str, Any], is_asked: bool, desk: Desk
) -> None:
    desk.model.answers(ToolCall("c1", "refund", {"order": 7}))
    frames = desk.ask(HI, **fields)
    assert ("tool-approval-request" in [frame["type"] for frame in frames]) == is_asked
    assert frames[-1]["finishReason"] == "tool-calls"


def test_go_on_in_the_message_whose_call_was_approved(desk: Desk) -> None:
    desk.model.answers("Well. ", ToolCall("c1", "refund", {"order": 7}))
    (asked,) = [frame for frame in desk.ask(HI, ai=6) if frame["type"] == "tool-approval-request"]
    desk.model.answers("Done.")
    approval = {"id": asked["approvalId"], "approved": True}
    call = {"id": "c1", "name": "refund", "arguments": {"order": 7}, "approval": approval}
    frames = desk.ask(HI, {"role": "assistant", "content": "Well. ", "tool_calls": [call]}, ai=6)
    assert "messageId" not in frames[0]
    assert frames[2] == {"type": "tool-output-available", "toolCallId": "c1", "output": "refunded 7"}
    assert [frame["delta"] for frame in frames if frame["type"] == "text-delta"] == ["Done."]


def test_answer_a_body_that_is_no_json(desk: Desk) -> None:
    desk.model.answers("Yes.")
    response = desk.client.post("/view", data=json.dumps({"messages": [HI], "ai": 6}))
    assert '"delta":"Yes."' in response.text
