"""OpenAI's Agents SDK, which uses the Responses API by default."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from agents import Agent, Runner, RunResultStreaming, Tool, function_tool, set_tracing_disabled

from tests.support.service import Service
from tests.support.upstream import Ended, Gate, ToolCall, Upstream, anthropic_wire, openai_wire

WIRES = pytest.mark.parametrize(("provider", "wire"), [("openai", openai_wire), ("anthropic", anthropic_wire)])
TEXT = ("Grüße, ", "👩‍👩‍👧", " e\u0301 🌊")


@pytest.fixture(autouse=True)
def _reports_to_nobody() -> None:
    set_tracing_disabled(True)


def agent_of(base_url: str, model: str, tools: Sequence[Tool] = ()) -> Agent:
    # docs: OpenAI Agents SDK
    from agents import Agent, OpenAIResponsesModel
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=base_url, api_key="any")
    agent = Agent(name="Finder", tools=[*tools], model=OpenAIResponsesModel(model, client))
    # end docs
    return agent  # noqa: RET504  # the line above stands in the documentation as it is


@function_tool
def find(q: str) -> str:
    """Find something."""
    return f"found {q}"


async def read(agent: Agent, on_text: Callable[[RunResultStreaming], None] = lambda _: None) -> str:
    running, text = Runner.run_streamed(agent, "hi"), ""
    async for event in running.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            text += event.data.delta
            on_text(running)
    return text


@WIRES
def test_calls_a_tool_and_streams_what_follows(service: Service, upstream: Upstream, provider, wire) -> None:
    call = ToolCall("c1", "find", tuple('{"q": "ö"}'))
    upstream.answer("agent", [wire.answer("Well. ", call, finish=wire.FINISHES[2]), wire.answer(*TEXT)])
    text = asyncio.run(read(agent_of(service.url + "/v1", f"{provider}/agent", [find])))
    assert text == "Well. " + "".join(TEXT)
    assert "found ö" in str(upstream.requests("agent")[-1].body["messages"][-1])


def test_that_is_cancelled_stops_the_model(service: Service, upstream: Upstream) -> None:
    upstream.answer("left agent", openai_wire.answer("one", Gate("left agent"), "two"))
    agent = agent_of(service.url + "/v1", "openai/left agent")
    assert asyncio.run(read(agent, lambda running: running.cancel())) == "one"
    upstream.wait_for(lambda: upstream.requests("left agent")[0].ended is Ended.ABORTED)
