"""Questions that are sent again under the id of their stream, or with their `Idempotency-Key`, and others that are not
the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from flask_headrace import tool
from flask_headrace.tools.local_tool import LocalTool, ToolSource
from tests.steps.stage import QUESTION, Desk, answered, ask_for_refund, call, refused, results

STREAM: Any = {"resumable": True, "id": "the-id-of-the-stream"}


@tool
def search(words: str) -> str:
    return words


class Changing(ToolSource):
    """A source whose list changes."""

    def __init__(self) -> None:
        self.offered: list[LocalTool[..., Any]] = [search]

    def tools(self) -> Sequence[LocalTool[..., Any]]:
        return self.offered


def make_desk(*tools: Any) -> Desk:
    desk = Desk(tools=tools)
    desk.app.testing = True
    return desk


@pytest.mark.parametrize("first", [True, False])
def test_an_approval_is_not_answered_by_the_stream_of_its_opposite(first: bool) -> None:
    desk = make_desk()
    conversation = ask_for_refund(desk)
    desk.model.answers("Done.", times=None)
    assert desk.ask(messages=answered(conversation, approved=first), **STREAM).text == "Done."
    refused(desk, answered(conversation, approved=not first), 409, "answers another question", **STREAM)
    assert desk.ran == [("refund", 5)] * first


def test_an_approval_that_is_sent_again_gets_the_first_answer() -> None:
    desk = make_desk()
    conversation = answered(ask_for_refund(desk))
    desk.model.answers("Done.", times=None)
    for _ in range(2):
        response = desk.ask(messages=conversation, **STREAM)
        assert (results(response), response.text) == ([{"result": "refunded 5"}], "Done.")
    assert desk.ran == [("refund", 5)]


@pytest.mark.parametrize(("path", "fields"), [("/api/chat", {}), ("/own", {"tools": ["changing"]})])
def test_a_question_is_the_same_though_the_tools_of_a_server_have_changed(path: str, fields: Any) -> None:
    changing = Changing()
    changing.name = "changing"  # type: ignore[attr-defined]  # as the view finds it
    desk = make_desk(changing)
    desk.model.answers(call("search", words="x")).answers("Done.")
    assert desk.ask(path, **fields, **STREAM).text == "Done."
    changing.offered = []
    assert desk.ask(path, **fields, **STREAM).text == "Done."
    assert len(desk.model.questions) == 2


def test_a_question_that_names_other_tools_is_another_one() -> None:
    desk = make_desk()
    desk.model.answers("Done.", times=None)
    assert desk.ask(tools=["find"], **STREAM).text == "Done."
    assert desk.ask(tools=["find"], **STREAM).text == "Done."
    for tools in (["refund"], ["find", "refund"], [], [{"name": "show_screen"}], [{"name": "show"}, "find"]):
        refused(desk, QUESTION, 409, "answers another question", tools=tools, **STREAM)
    refused(desk, QUESTION, 409, "answers another question", **STREAM)
