"""OpenAI's Agents SDK, with either of OpenAI's protocols."""

from __future__ import annotations

import asyncio

from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from serving import QUESTION, read_note, serve, write_answer

set_tracing_disabled(True)


def agent_of(url: str, model: str, api: str) -> Agent:
    """Return an agent with both tools."""
    client = AsyncOpenAI(base_url=url + "/v1", api_key="any", max_retries=0)
    kind = OpenAIResponsesModel if api == "responses" else OpenAIChatCompletionsModel
    return Agent(
        name="Miller", tools=[function_tool(read_note), function_tool(write_answer)], model=kind(model, client)
    )


def work(url: str, model: str, api: str) -> str:
    """Let the agent do the task, streamed."""

    async def run() -> str:
        running = Runner.run_streamed(agent_of(url, model, api), QUESTION)
        async for _ in running.stream_events():
            pass
        return running.final_output

    return asyncio.run(run())


def leave(url: str, model: str, api: str) -> str:
    """Cancel a run after its first text."""

    async def run() -> str:
        running = Runner.run_streamed(agent_of(url, model, api), QUESTION)
        text = ""
        async for event in running.stream_events():
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                text += event.data.delta
                running.cancel()
        return text

    return asyncio.run(run())


serve(work, leave)
