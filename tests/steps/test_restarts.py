"""Chains of models in answers of several steps: retries, rescues and restarts in each step. Tools never run again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flask_headrace import Completed, ReasoningPart, Source, UpstreamConnectionError, UpstreamError
from flask_headrace.testing import FakeProvider
from tests.steps.stage import Desk, call, results
from tests.support.reader import Answer as Response


class Chained(Desk):
    """A desk whose model is a chain of two."""

    def __init__(self, folder: Path, retries: int = 0) -> None:
        config = folder / "headrace.toml"
        config.write_text(f'[models.chain]\nchain = ["fake/m", "second/m"]\nretries = {retries}\n')
        self.second = FakeProvider("second")
        super().__init__(providers=[self.second], config={"HEADRACE_CONFIG": str(config), "HEADRACE_MODEL": "chain"})


@pytest.fixture
def desk(tmp_path: Path) -> Chained:
    return Chained(tmp_path)


def after_restart(response: Response) -> list[tuple[str, Any]]:
    """Return the frames behind the last restart, without usage."""
    names = [name for name, _ in response.frames]
    place = len(names) - 1 - names[::-1].index("restart")
    return [frame for frame in response.frames[place + 1 :] if frame[0] != "usage"]


def script_steps(provider: FakeProvider, count: int) -> None:
    for number in range(count):
        provider.answers(ReasoningPart("hm"), f"step {number} ", call(place=f"p{number}", id=f"c{number}"))


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_model_that_is_not_there_in_a_step_is_replaced_in_that_step(desk: Chained, step: int) -> None:
    script_steps(desk.model, step - 1)
    desk.model.answers(UpstreamConnectionError("down"))
    desk.second.answers("whole")
    response = desk.ask()
    assert response.is_done
    assert response.text == "".join(f"step {number} " for number in range(step - 1)) + "whole"
    assert not response.named("restart")
    assert desk.ran == [("find", f"p{number}") for number in range(step - 1)]
    assert len(desk.second.questions[0].messages) == 1 + 2 * (step - 1)


@pytest.mark.parametrize("step", [1, 2, 3])
def test_an_answer_that_breaks_off_in_a_step_is_continued_there(desk: Chained, step: int) -> None:
    script_steps(desk.model, step - 1)
    desk.model.answers("one two ", UpstreamError("broke"))
    desk.second.answers("one two three")
    response = desk.ask()
    assert response.is_done
    assert response.text.endswith("one two three")
    assert response.text.count("one") == 1
    assert len(desk.ran) == step - 1
    assert [message["role"] for message in desk.answer().messages] == ["assistant", "tool"] * (step - 1) + ["assistant"]
    assert desk.answer().text.endswith("one two three")


@pytest.mark.parametrize("step", [1, 2, 3])
def test_an_answer_that_begins_anew_in_a_step_repeats_the_steps_that_are_finished(desk: Chained, step: int) -> None:
    script_steps(desk.model, step - 1)
    desk.model.answers("one two ", UpstreamError("broke"))
    desk.second.answers("quite another answer")
    response = desk.ask()
    assert response.is_done
    assert len(response.named("restart")) == 1
    expected: list[tuple[str, Any]] = []
    for number in range(step - 1):
        expected += [
            ("reasoning", {"delta": "hm"}),
            ("message", {"delta": f"step {number} "}),
            ("tool", {"call": number, "id": f"c{number}", "name": "find", "runs_here": True}),
            ("tool", {"call": number, "delta": f'{{"place":"p{number}"}}'}),
            ("tool", {"call": number, "arguments": {"place": f"p{number}"}}),
            ("tool", {"call": number, "result": {"found": f"p{number}"}}),
            ("step", {}),
        ]
    assert after_restart(response) == [
        *expected,
        ("message", {"delta": "quite another answer"}),
        ("end", {"finish_reason": "stop"}),
        ("message", "[DONE]"),
    ]
    assert len(desk.ran) == step - 1
    answer = desk.answer()
    assert answer.text == "".join(f"step {number} " for number in range(step - 1)) + "quite another answer"
    assert [message["role"] for message in answer.messages] == ["assistant", "tool"] * (step - 1) + ["assistant"]
    assert len(answer.usage.attempts) == step + 1  # type: ignore[union-attr]


def test_an_answer_that_begins_anew_in_its_calls_runs_those_of_the_new_one_alone(desk: Chained) -> None:
    desk.model.answers(call(place="first", id="c0"))
    desk.model.answers("now ", call(place="void", id="c1"), UpstreamError("broke"))
    desk.second.answers("other ", call(place="second", id="c1"))
    desk.model.answers("done")
    response = desk.ask()
    assert response.is_done, response.body
    assert desk.ran == [("find", "first"), ("find", "second")]
    assert results(response)[-1] == {"result": {"found": "second"}}
    turns = [message for message in desk.asked() if message.role == "assistant"]
    assert [turn.tool_calls[0].arguments["place"] for turn in turns] == ["first", "second"]
    assert turns[1].text() == "other "


def test_sources_of_a_finished_step_are_repeated(desk: Chained) -> None:
    desk.model.answers("see ", Source(url="https://example.org/"), call(place="Ulm"))
    desk.model.answers("one two ", UpstreamError("broke"))
    desk.second.answers("quite another answer")
    response = desk.ask()
    again = after_restart(response)
    assert [name for name, _ in again[:2]] == ["source", "message"]
    assert again[0][1]["url"] == "https://example.org/"


def test_results_of_approved_calls_are_repeated(desk: Chained) -> None:
    desk.model.answers(call("refund", order=5))
    turn = dict(desk.ask_for_answer().messages[0])
    turn["tool_calls"][0]["approval"]["approved"] = True
    desk.model.answers("one two ", UpstreamError("broke"))
    desk.second.answers("quite another answer")
    response = desk.ask(messages=[{"role": "user", "content": "hi"}, turn])
    assert after_restart(response)[:2] == [("tool", {"id": "c1", "result": "refunded 5"}), ("step", {})]
    assert desk.ran == [("refund", 5)]
    assert [message["role"] for message in desk.answer().messages] == ["tool", "assistant"]


def test_a_retry_asks_the_same_step_again(tmp_path: Path) -> None:
    desk = Chained(tmp_path, retries=2)
    desk.model.answers(call(place="Ulm"))
    desk.model.answers(UpstreamConnectionError("down")).answers("ok", Completed("stop"))
    response = desk.ask()
    assert response.text == "ok"
    assert desk.ran == [("find", "Ulm")]
    assert [len(question.messages) for question in desk.model.questions] == [1, 3, 3]
    assert desk.second.questions == []
