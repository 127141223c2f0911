"""pydantic-ai's agents, with each of the three protocols."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, PromptedOutput
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from serving import QUESTION, read_note, serve, write_answer


class Wheel(BaseModel):
    kind: str
    blades: int


def model_of(url: str, model: str, api: str) -> Model:
    """Return the model of a protocol."""
    if api == "messages":
        return AnthropicModel(model, provider=AnthropicProvider(base_url=url, api_key="any"))
    kind = OpenAIResponsesModel if api == "responses" else OpenAIChatModel
    return kind(model, provider=OpenAIProvider(base_url=url + "/v1", api_key="any"))


def work(url: str, model: str, api: str) -> str:
    """Let an agent do the task, each turn streamed."""

    async def run() -> str:
        agent = Agent(model_of(url, model, api), tools=[read_note, write_answer])
        async with agent.iter(QUESTION) as running:
            async for node in running:
                if Agent.is_model_request_node(node):
                    async with node.stream(running.ctx) as stream:
                        async for _ in stream:
                            pass
            return running.result.output

    return asyncio.run(run())


def leave(url: str, model: str, api: str) -> str:
    """Leave a run after its first text."""

    async def run() -> str:
        async with Agent(model_of(url, model, api)).run_stream(QUESTION) as running:
            async for text in running.stream_text(delta=True, debounce_by=None):
                return text
        return ""

    return asyncio.run(run())


def fill(url: str, model: str, api: str) -> dict[str, object]:
    """Let a model fill in a form."""
    how = PromptedOutput if api == "messages" else NativeOutput
    agent = Agent(model_of(url, model, api), output_type=how(Wheel))
    return agent.run_sync(QUESTION).output.model_dump()


serve(work, leave, fill)
