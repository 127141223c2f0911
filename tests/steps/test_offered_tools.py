"""Which tools a question is offered: those that it names, those that the application drops or adds, the client's."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from flask_headrace import LocalTool, ToolSource, tool
from flask_headrace.testing import FakeProvider
from tests.steps.stage import QUESTION, Desk, call, results


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_question_names_the_tools_that_it_wants(desk: Desk) -> None:
    desk.model.answers("ok", times=None)
    for names, offered in ((None, ["find", "steps_of", "refund", "pay"]), (["pay", "find"], ["pay", "find"]), ([], [])):
        desk.ask(**({} if names is None else {"tools": names}))
        assert [each.name for each in desk.model.questions[-1].tools] == offered
    response = desk.ask(tools=["search"])
    assert response.status == 400
    assert response.error["message"] == ("tools names 'search': the tools here are find, steps_of, refund, pay.")


def test_a_model_that_calls_no_tools_is_asked_without_those_that_nobody_named() -> None:
    class Plain(FakeProvider):
        unsupported_features = frozenset({"tools"})

    plain = Plain("plain")
    desk = Desk(providers=[plain])
    plain.answers("ok", times=None)
    assert desk.ask(model="plain/m").text == "ok"
    assert plain.questions[0].tools == ()
    assert desk.ask(model="plain/m", tools=["find"]).status == 400


def test_tools_that_a_source_offers_are_those_that_there_are_now() -> None:
    class Changing(ToolSource):
        names = ("one",)

        def tools(self) -> list[LocalTool[..., Any]]:
            return [tool(name=name)(lambda: 1) for name in self.names]

    source = Changing()
    desk = Desk(tools=[source])
    desk.model.answers("ok", times=None)
    desk.ask(tools=["one"])
    Changing.names = ("two",)
    desk.ask(tools=["two"])
    assert [[each.name for each in question.tools] for question in desk.model.questions] == [["one"], ["two"]]
    assert desk.ask(tools=["one"]).status == 400


class TestBeforeHooks:
    def test_can_drop_tools(self, desk: Desk) -> None:
        @desk.headrace.before
        def without_find(question: Any) -> Any:
            return question.replace(tools=[each for each in question.request.tools if each.name != "find"])

        desk.model.answers(call(place="Ulm")).answers("ok")
        response = desk.ask()
        assert "find" not in [each.name for each in desk.model.questions[0].tools]
        [result] = results(response)
        assert result["error"].startswith("There is no tool 'find'.")
        assert desk.ran == []

    def test_can_add_tools_of_the_clients(self, desk: Desk) -> None:
        @desk.headrace.before
        def with_screen(question: Any) -> Any:
            return question.replace(tools=[*question.request.tools, {"name": "show_screen"}])

        desk.model.answers(call("show_screen"), call(place="Ulm", id="c2"))
        response = desk.ask()
        assert results(response) == [{"result": {"found": "Ulm"}}]
        assert response.named("end") == [{"finish_reason": "tool_calls"}]

    def test_can_answer_at_once(self, desk: Desk) -> None:
        desk.headrace.before(lambda question: "no")
        assert desk.ask().text == "no"
        assert desk.model.questions == []


class TestToolsOfTheClient:
    SCREEN: ClassVar = {"name": "show_screen", "parameters": {"type": "object"}}

    def test_are_handed_over_with_the_results_of_ours(self, desk: Desk) -> None:
        desk.model.answers("so ", call("show_screen", id="s1"), call(place="Ulm")).answers("seen")
        response = desk.ask(tools=[self.SCREEN, "find"])
        assert response.named("end") == [{"finish_reason": "tool_calls"}]
        assert results(response) == [{"result": {"found": "Ulm"}}]
        started = {data["name"]: data.get("runs_here", False) for data in response.named("tool") if "name" in data}
        assert started == {"show_screen": False, "find": True}
        # The next question has the client's result.
        *_, turn, own = desk.answer().messages
        assert [each["id"] for each in turn["tool_calls"]] == ["s1", "c1"]
        theirs = {"role": "tool", "tool_call_id": "s1", "content": "shown"}
        response = desk.ask(messages=[*QUESTION, turn, own, theirs], tools=[self.SCREEN, "find"])
        assert response.text == "seen"
        assert [message.tool_call_id for message in desk.asked()] == [None, None, "c1", "s1"]
        assert desk.ran == [("find", "Ulm")]

    def test_alone_are_as_they_were(self, desk: Desk) -> None:
        desk.model.answers(call("show_screen"))
        response = desk.ask(tools=[self.SCREEN])
        assert response.named("end") == [{"finish_reason": "tool_calls"}]
        assert not response.named("step")
        assert "runs_here" not in str(response.named("tool"))

    def test_may_not_have_the_name_of_ours(self, desk: Desk) -> None:
        desk.model.answers("ok", times=None)
        response = desk.ask(tools=[{"name": "find"}, "find"])
        assert response.status == 400
        assert "find" in response.error["message"]
