"""`max_cost` and HEADRACE_MAX_COST: when an answer that costs too much ends, and how each protocol tells it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from flask_headrace import UpstreamError, Usage
from flask_headrace.testing import FakeProvider
from tests.steps.stage import QUESTION, Desk, call

CHEAP, DEAR = 1e-6, 1.0
LONG = ["some more words " * 20] * 50


class Priced(FakeProvider):
    """Costs what OpenAI's model of that name costs."""

    pricing_provider = "https://api.openai.com/v1"


class PricedDesk(Desk):
    def __init__(self, **config: Any) -> None:
        self.priced = Priced("priced")
        super().__init__(providers=[self.priced], config={"HEADRACE_MODEL": "priced/gpt-5", **config})


def test_an_answer_that_costs_too_much_ends_in_the_middle() -> None:
    desk = PricedDesk()
    desk.priced.answers(*LONG)
    response = desk.ask(max_cost=0.002)
    [error] = response.named("error")
    assert error["code"] == "max_cost"
    assert not error["retryable"]
    assert error["message"].startswith("The answer costs 0.00")
    assert "more than 0.002 USD, which is the maximum." in error["message"]
    assert 0 < len(response.text) < len("".join(LONG))
    assert not response.is_done
    [usage] = response.named("usage")
    assert 0.002 < usage["cost"] < 0.004
    answer = desk.answer()
    assert (answer.end, answer.reason, answer.text) == ("failed", "max_cost", response.text)


def test_a_question_that_costs_too_much_is_not_asked() -> None:
    desk = PricedDesk()
    response = desk.ask(max_cost=CHEAP, messages=[{"role": "user", "content": "long " * 1000}])
    assert response.status == 402
    assert response.error["code"] == "max_cost"
    assert desk.priced.questions == []
    assert desk.answer().usage.input_tokens == 0  # type: ignore[union-attr]


def test_the_results_of_tools_count_for_the_next_step() -> None:
    desk = PricedDesk(HEADRACE_TOOL_RESULT=10**6)
    desk.priced.answers(call(place="Ulm " * 10000))
    response = desk.ask(max_cost=0.115)
    assert response.named("error")[0]["code"] == "max_cost"
    assert desk.ran
    assert len(desk.priced.questions) == 1
    [usage] = response.named("usage")
    assert len(usage["attempts"]) == 1


def test_steps_count_together() -> None:
    desk = PricedDesk()
    one = 0.0035
    desk.priced.answers(call(place="Ulm"), Usage(2000, 100, cost=one), times=2).answers("done")
    response = desk.ask(max_cost=1.5 * one)
    assert response.named("error")[0]["code"] == "max_cost"
    assert len(desk.priced.questions) == 2
    assert response.named("usage")[0]["cost"] == pytest.approx(2 * one)


def test_an_answer_that_costs_less_is_whole() -> None:
    desk = PricedDesk()
    desk.priced.answers(*LONG)
    assert desk.ask(max_cost=DEAR).is_done


def test_an_unknown_price_is_no_cost() -> None:
    desk = Desk()
    desk.model.answers(*LONG)
    assert desk.ask(max_cost=CHEAP).is_done


def test_the_services_maximum_holds_for_every_stream_and_is_the_most() -> None:
    desk = PricedDesk(HEADRACE_MAX_COST=0.002)
    for fields in ({}, {"tools": []}, {"max_cost": DEAR}, {"stream": False}):
        desk.priced.answers(*LONG)
        assert b"max_cost" in desk.ask(**fields).body
    for fields in ({"max_cost": 0.0005}, {"max_cost": 0.0005, "tools": []}):
        desk.priced.answers(*LONG)
        assert "more than 0.0005 USD" in desk.ask(**fields).named("error")[0]["message"]


@pytest.mark.parametrize("cost", [0, -1, "1", True])
def test_a_maximum_that_is_none_is_refused(cost: Any) -> None:
    response = PricedDesk().ask(max_cost=cost)
    assert response.status == 400
    assert "max_cost" in response.error["message"]


def test_it_holds_for_a_chain_together(tmp_path: Path) -> None:
    config = tmp_path / "headrace.toml"
    config.write_text('[models.chain]\nchain = ["priced/gpt-5", "fake/m"]\nretries = 0\n')
    desk = PricedDesk(HEADRACE_CONFIG=str(config), HEADRACE_MODEL="chain")
    desk.priced.answers(*LONG)
    desk.model.answers(*LONG)
    response = desk.ask(max_cost=0.002)
    # No other model is asked for it.
    assert response.named("error")[0]["code"] == "max_cost"
    assert desk.model.questions == []
    desk.priced.answers(*LONG[:3], UpstreamError("broke"))
    desk.model.answers(*LONG[:3], "and the end")
    assert desk.ask(max_cost=DEAR).is_done


TERMINAL = {
    "openai": b'"code":"max_cost"',
    "openai-responses": b'"response.failed"',
    "anthropic": b"event: error",
    "ai-sdk": b'{"type":"error"',
    "ai-sdk-v4": b"\n3:",
}


@pytest.mark.parametrize("protocol", TERMINAL)
def test_each_protocol_tells_it_as_its_error(protocol: str) -> None:
    desk = PricedDesk()
    desk.priced.answers(*LONG)
    response = desk.ask("/own", tools=["find"], protocol=protocol, max_cost=0.002)
    assert response.status == 200
    assert response.body.count(TERMINAL[protocol]) == 1
    assert response.body.count(b"which is the maximum") >= 1
    assert b"[DONE]" not in response.body or protocol == "ai-sdk"


def test_a_whole_answer_is_an_error_response() -> None:
    desk = PricedDesk()
    desk.priced.answers(*LONG)
    response = desk.ask(max_cost=0.002, stream=False)
    assert (response.status, response.error["code"]) == (402, "max_cost")


def test_it_holds_for_models_asked_in_generators() -> None:
    desk = PricedDesk(HEADRACE_MAX_COST=0.002)

    @desk.app.post("/generator")
    def generator() -> Any:
        return desk.headrace.stream_from(desk.headrace.ask(QUESTION))

    desk.priced.answers(*LONG)
    assert desk.ask("/generator").named("error")[0]["code"] == "max_cost"


BASH: Any = {"type": "bash_20250124", "name": "bash"}
"""A tool that Anthropic defines and the client runs."""


@pytest.mark.parametrize(
    ("path", "fields", "end"),
    [
        ("/v1/messages", {"max_tokens": 9, "tools": [BASH]}, b'"tool_use"'),
        ("/v1/messages", {"max_tokens": 9, "tools": [{"name": "bash", "input_schema": {}}]}, b'"tool_use"'),
        ("/api/chat", {"tools": [], "stream": False}, b'"tool_calls"'),
        ("/api/chat", {"tools": [{"name": "bash"}], "stream": False}, b'"tool_calls"'),
    ],
)
def test_a_bound_of_the_cost_leaves_calls_to_the_client(path: str, fields: Any, end: bytes) -> None:
    desk = Desk(config={"HEADRACE_MAX_COST": 5.0})
    desk.model.answers("Let me look. ", call("bash", command="ls"))
    response = desk.ask(path, model="fake/m", **fields)
    assert re.search(rb'"(stop|finish)_reason":' + end, response.body)
    [question] = desk.model.questions
    assert [tool.name for tool in question.tools] == [tool["name"] for tool in fields["tools"] if tool is not BASH]


def test_the_client_runs_what_its_provider_defines_beside_tools_that_run_here() -> None:
    desk = Desk(tool_endpoints=["anthropic"])
    desk.model.answers(call(place="Ulm"), call("bash", id="c2", command="ls"))
    response = desk.ask("/v1/messages", model="fake/m", max_tokens=9, tools=[BASH])
    assert b'"stop_reason":"tool_use"' in response.body
    assert [block["name"] for block in response.json["content"]] == ["bash"]
    assert desk.ran == [("find", "Ulm")]
