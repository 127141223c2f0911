"""What holds for the agents of each library, whatever its version."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.servers import ServedApplication
from tests.support.reader import Answer, Reading, send
from tests.support.service import Service
from tests.support.upstream import Ended, Gate, Reasoning, Script, ToolCall, Upstream, openai_wire, responses_wire

APPLICATION = Path(__file__).with_name("application.py").read_text()
CALL = ToolCall("call_1", "find", ('{"what": "The ', 'mill"}'))
CALLED = [
    {"call": 0, "id": "call_1", "name": "find"},
    {"call": 0, "delta": '{"what": "The '},
    {"call": 0, "delta": 'mill"}'},
    {"call": 0, "arguments": {"what": "The mill"}},
]
WHOLE_RUNS = (
    "pydantic_ai",
    "pydantic_ai_responses",
    "langchain_events",
    "langgraph",
    "langgraph_async",
    "langgraph_modes",
    "openai_agents",
    "openai_agents_responses",
)
"""Agents that call tools themselves and ask the model again."""
TELLING_REASONING = ("pydantic_ai", "pydantic_ai_responses", "langchain_responses", "openai_agents")
SINGLE = ("langchain", "langchain_async", "langchain_responses")
"""Models that are asked once."""
TEXTS = ("pydantic_ai_text", "langchain_text")


@contextlib.contextmanager
def serving_agents(folder: Path, upstream: Upstream, python: str) -> Iterator[Service]:
    """Serve the agents with the libraries of an environment, with a single worker."""
    settings = {"AGENTS_UPSTREAM": upstream.url + "/v1", "OPENAI_API_KEY": "-", "HEADRACE_MODEL": "openai/none"}
    server = ServedApplication(folder, "gunicorn -c gunicorn.conf.py", code=APPLICATION, python=python, **settings)
    with server:
        server.wait_until_up(60)
        yield server


def wire_of(agent: str):
    return responses_wire if agent.endswith("_responses") else openai_wire


def calling(agent: str) -> Script:
    wire = wire_of(agent)
    finish = {"finish": "tool_calls"} if wire is openai_wire else {}
    return wire.answer(Reasoning("Hm."), "Let me see. ", CALL, **finish)


def ask_agent(host: Service, upstream: Upstream, agent: str, *scripts: Script) -> Answer:
    upstream.answer(agent, scripts)
    return send(f"{host.url}/{agent}/{agent}")


def numbers(answer: Answer) -> tuple[int, int, bool]:
    [usage] = answer.named("usage")
    return usage["input_tokens"], usage["output_tokens"], usage["estimated"]


class AgentContract:
    """Tests of the agents that the fixture `host` serves."""

    @pytest.mark.parametrize("agent", WHOLE_RUNS)
    def test_a_run_with_a_tool(self, host: Service, upstream: Upstream, agent: str) -> None:
        before = len(upstream.requests(agent))
        answer = ask_agent(host, upstream, agent, calling(agent), wire_of(agent).answer("It is ", "in Salem."))
        assert (answer.text, answer.is_done) == ("Let me see. It is in Salem.", True), host.log()
        assert answer.named("tool") == [*CALLED, {"call": 0, "result": "The mill is in Salem"}]
        assert numbers(answer) == (18, 4, False)
        assert answer.named("end") == [{"finish_reason": "stop"}]
        second = upstream.requests(agent)[before + 1].body
        assert "The mill is in Salem" in str(second)

    @pytest.mark.parametrize("agent", SINGLE)
    def test_a_model_that_calls_a_tool(self, host: Service, upstream: Upstream, agent: str) -> None:
        answer = ask_agent(host, upstream, agent, calling(agent))
        assert (answer.text, answer.is_done) == ("Let me see. ", True), host.log()
        assert answer.named("tool") == CALLED
        assert numbers(answer) == (9, 2, False)
        assert answer.named("end") == [{"finish_reason": "tool_calls"}]

    @pytest.mark.parametrize("agent", TELLING_REASONING)
    def test_reasoning(self, host: Service, upstream: Upstream, agent: str) -> None:
        answer = ask_agent(host, upstream, agent, wire_of(agent).answer(Reasoning("Hm, "), Reasoning("so."), "Yes."))
        assert "".join(piece["delta"] for piece in answer.named("reasoning")) == "Hm, so."
        assert (answer.text, answer.is_done) == ("Yes.", True)

    @pytest.mark.parametrize("agent", TEXTS)
    def test_text_alone(self, host: Service, upstream: Upstream, agent: str) -> None:
        answer = ask_agent(host, upstream, agent, openai_wire.answer("Yes, ", "it is."))
        assert [data["delta"] for name, data in answer.frames if name == "message" and data != "[DONE]"] == [
            "Yes, ",
            "it is.",
        ]
        assert answer.is_done

    @pytest.mark.parametrize("agent", ["pydantic_ai", "langchain_async", "langgraph_async"])
    def test_an_answer_that_was_cut_says_so(self, host: Service, upstream: Upstream, agent: str) -> None:
        answer = ask_agent(host, upstream, agent, openai_wire.answer("Once upon", finish="length"))
        assert answer.named("end") == [{"finish_reason": "length"}]

    @pytest.mark.parametrize("agent", ["pydantic_ai", "langchain_async", "langgraph_async", "openai_agents"])
    def test_two_stream_at_once_in_one_worker(self, host: Service, upstream: Upstream, agent: str) -> None:
        names = [f"{agent}_{number}" for number in range(2)]
        for name in names:
            upstream.answer(name, openai_wire.answer("Here ", Gate(f"second of {agent}"), "and there."))
        with contextlib.ExitStack() as open_:
            runs = [open_.enter_context(Reading(f"{host.url}/{agent}/{name}")) for name in names]
            for run in runs:
                run.until(b"Here")
            upstream.open_gate(f"second of {agent}")
            for run in runs:
                assert b"and there." in run.until(b"[DONE]")

    @pytest.mark.parametrize("agent", [agent for agent in (*WHOLE_RUNS, *SINGLE, *TEXTS) if agent != "langgraph"])
    def test_a_reader_that_leaves_stops_the_model(self, host: Service, upstream: Upstream, agent: str) -> None:
        before = len(upstream.requests(agent))
        upstream.answer(agent, wire_of(agent).answer("Here ", Gate(f"never of {agent}"), "and there."))
        with Reading(f"{host.url}/{agent}/{agent}") as run:
            run.until(b"Here")
        host.wait_until(lambda: [one.ended for one in upstream.requests(agent)[before:]] == [Ended.ABORTED])

    @pytest.mark.parametrize("agent", [*WHOLE_RUNS, *SINGLE, *TEXTS])
    def test_a_model_that_refuses_fails_the_stream(self, host: Service, upstream: Upstream, agent: str) -> None:
        answer = ask_agent(host, upstream, agent, openai_wire.error(400, "no such thing"))
        assert answer.status == 500
        assert "no such thing" in host.log()
        assert "no such thing" not in answer.body.decode()

    def test_a_graph_without_messages_is_told_what_to_do(self, host: Service, upstream: Upstream) -> None:
        answer = ask_agent(host, upstream, "langgraph_updates", openai_wire.answer("Here."))
        assert answer.status == 500
        assert 'stream the graph with stream_mode="messages"' in host.log()
