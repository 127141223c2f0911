"""Answers of several steps: what the model is asked, what runs, and when the answer ends."""

from __future__ import annotations

from typing import Any

import pytest

from flask_headrace import (
    Completed,
    Message,
    ReasoningPart,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    UpstreamConnectionError,
    UpstreamError,
)
from flask_headrace.steps.step_loop import TOO_MANY_STEPS
from tests.steps.stage import QUESTION, Desk, call, results


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_model_gets_the_results_and_answers(desk: Desk) -> None:
    desk.model.answers(ReasoningPart("hm", "signed"), "I look. ", call(place="Ulm"), call(place="Bonn", id="c2"))
    desk.model.answers("Both are there.")
    response = desk.ask()
    assert response.is_done
    assert response.text == "I look. Both are there."
    assert results(response) == [{"result": {"found": "Ulm"}}, {"result": {"found": "Bonn"}}]
    assert response.named("step") == [{}]
    assert response.named("end") == [{"finish_reason": "stop"}]
    assert [(started["name"], started["runs_here"]) for started in response.named("tool") if "name" in started] == [
        ("find", True)
    ] * 2
    _, turn, *found = desk.asked()
    assert turn.text() == "I look. "
    assert turn.tool_calls == (call(place="Ulm"), call(place="Bonn", id="c2"))
    assert [part for part in turn.parts() if isinstance(part, ReasoningPart)] == [ReasoningPart("hm", "signed")]
    assert found == [
        Message("tool", '{"found":"Ulm"}', tool_call_id="c1"),
        Message("tool", '{"found":"Bonn"}', tool_call_id="c2"),
    ]
    assert len(desk.answer().usage.attempts) == 2  # type: ignore[union-attr]
    assert [message["role"] for message in desk.answer().messages] == ["assistant", "tool", "tool", "assistant"]


def test_a_tool_that_nobody_knows_is_told_with_the_names_of_those_that_are_there(desk: Desk) -> None:
    desk.model.answers(call("search"), call(place="Ulm", id="c2")).answers("ok")
    response = desk.ask()
    assert results(response) == [
        {"error": "There is no tool 'search'. The tools are: find, steps_of, refund, pay."},
        {"result": {"found": "Ulm"}},
    ]
    assert desk.asked()[2].is_error
    assert response.is_done


def broken_call(arguments: Any, name: str = "find") -> list[Any]:
    text = arguments if isinstance(arguments, str) else "[1]"
    return [ToolCallStarted(0, "c1", name), ToolCallDelta(0, text), ToolCallCompleted(0, arguments)]


@pytest.mark.parametrize("arguments", ['{"place": ', "", [1], None, 5])
def test_arguments_that_are_no_object_are_told_to_the_model(desk: Desk, arguments: Any) -> None:
    desk.model.answers(broken_call(arguments)).answers("sorry")
    response = desk.ask()
    [result] = results(response)
    assert result["error"].startswith("The arguments are not one JSON object: ")
    assert desk.ran == []
    assert response.is_done
    # No provider takes arguments back that are no object.
    assert desk.asked()[1].tool_calls == (call(),)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "The arguments do not fit: Object missing required field `place`."),
        ({"place": 1}, "The arguments do not fit: Expected `str`, got `int` - at `$.place`."),
        ({"place": "Ulm", "in": "x"}, "The arguments do not fit: Object contains unknown field `in`."),
    ],
)
def test_arguments_that_do_not_fit_are_told_to_the_model(desk: Desk, arguments: Any, error: str) -> None:
    desk.model.answers(call(**arguments)).answers("sorry")
    response = desk.ask()
    assert results(response) == [{"error": error}]
    assert desk.ran == []
    assert response.is_done


def test_what_tools_show_comes_before_their_results(desk: Desk) -> None:
    desk.model.answers(call("steps_of", number=3)).answers("ok")
    response = desk.ask()
    assert results(response) == [{"progress": "one"}, {"progress": "two"}, {"result": "three"}]
    assert "progress" not in str(desk.answer().messages)


def test_a_model_that_calls_for_ever_is_asked_a_last_time_without_tools(desk: Desk) -> None:
    desk.model.answers(call(place="Ulm"), times=3).answers("That is all.")
    response = desk.ask(max_steps=3, tool_choice="required")
    assert response.is_done
    assert response.text == "That is all."
    assert [bool(question.tools) for question in desk.model.questions] == [True, True, True, False]
    assert [question.tool_choice for question in desk.model.questions] == ["required", None, None, None]
    assert len(desk.ran) == 3
    # Ids that come again are told apart.
    assert [answered.tool_call_id for answered in desk.asked() if answered.role == "tool"] == ["c1", "c1_2", "c1_3"]


def test_a_model_that_calls_without_tools_gets_no_more_steps(desk: Desk) -> None:
    desk.model.answers(call(place="Ulm"), times=None)
    response = desk.ask(max_steps=1)
    assert results(response) == [{"result": {"found": "Ulm"}}, {"error": TOO_MANY_STEPS}]
    assert response.named("end") == [{"finish_reason": "other"}]
    assert len(desk.model.questions) == 2


def test_no_steps_are_a_question_without_tools(desk: Desk) -> None:
    desk.model.answers("no tools")
    assert desk.ask(max_steps=0).text == "no tools"
    assert desk.model.questions[0].tools == ()


def test_the_services_own_limit_of_steps_is_the_most(desk: Desk) -> None:
    desk = Desk(config={"HEADRACE_MAX_STEPS": 2})
    desk.model.answers(call(place="Ulm"), times=2).answers("ok")
    assert desk.ask(max_steps=50).text == "ok"
    assert len(desk.model.questions) == 3


@pytest.mark.parametrize("steps", [-1, 1.5, "2"])
def test_a_limit_of_steps_that_is_none_is_refused(desk: Desk, steps: Any) -> None:
    response = desk.ask(max_steps=steps)
    assert response.status == 400
    assert "max_steps" in response.error["message"]


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_an_answer_that_is_cut_in_its_calls_ends(desk: Desk, reason: Any) -> None:
    desk.model.answers("so ", call(place="Ulm"), Completed(reason))
    response = desk.ask()
    assert response.named("end") == [{"finish_reason": reason}]
    assert desk.ran == []


def test_calls_after_any_other_reason_run(desk: Desk) -> None:
    desk.model.answers(call(place="Ulm"), Completed("stop")).answers("ok")
    assert desk.ask().text == "ok"
    assert desk.ran == [("find", "Ulm")]


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_model_that_fails_in_a_step_ends_the_answer_and_no_tool_runs_again(desk: Desk, step: int) -> None:
    for number in range(step - 1):
        desk.model.answers(f"{number} ", call(place="Ulm", id=f"c{number}"))
    desk.model.answers("broken ", UpstreamError("it broke"))
    response = desk.ask()
    [error] = response.named("error")
    assert "it broke" in error["message"]
    assert not response.is_done
    assert len(desk.ran) == step - 1
    answer = desk.answer()
    assert (answer.end, len(answer.usage.attempts)) == ("failed", step)  # type: ignore[union-attr]
    assert [message["role"] for message in answer.messages] == ["assistant", "tool"] * (step - 1) + ["assistant"]


def test_a_model_that_refuses_a_later_step_has_used_nothing_for_it(desk: Desk) -> None:
    desk.model.answers(call(place="Ulm")).answers(UpstreamConnectionError("no"))
    response = desk.ask()
    assert response.status == 200
    assert response.named("error")
    assert len(desk.answer().usage.attempts) == 1  # type: ignore[union-attr]


def test_the_ids_of_a_model_that_numbers_its_calls_anew_are_told_apart_from_earlier_ones(desk: Desk) -> None:
    earlier = [
        *QUESTION,
        {"role": "assistant", "tool_calls": [{"id": "c1", "name": "find", "arguments": {"place": "Bonn"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "there"},
        {"role": "user", "content": "and Ulm?"},
    ]
    desk.model.answers(call(place="Ulm")).answers("ok")
    desk.ask(messages=earlier)
    assert [answered.tool_call_id for answered in desk.asked() if answered.role == "tool"] == ["c1", "c1_1"]


def test_text_of_a_step_in_pieces_is_passed_on_as_it_comes(desk: Desk) -> None:
    desk.model.answers(TextDelta("a"), TextDelta("b"), call(place="Ulm")).answers("c", "d")
    deltas = [data["delta"] for name, data in desk.ask().frames if name == "message" and data != "[DONE]"]
    assert deltas == ["a", "b", "c", "d"]
