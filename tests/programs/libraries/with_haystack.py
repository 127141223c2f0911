"""Haystack's agents, with each of the three protocols."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Any

from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator, OpenAIResponsesChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import Tool
from haystack.utils import Secret
from haystack_integrations.components.generators.anthropic import AnthropicChatGenerator
from serving import QUESTION, SCHEMAS, TOOLS, serve


def generator_of(url: str, model: str, api: str) -> Any:
    """Return the generator of a protocol."""
    key = Secret.from_token("any")
    if api == "messages":
        os.environ["ANTHROPIC_BASE_URL"] = url  # it has no parameter for that
        return AnthropicChatGenerator(api_key=key, model=model, max_retries=0)
    kind = OpenAIResponsesChatGenerator if api == "responses" else OpenAIChatGenerator
    return kind(api_key=key, model=model, api_base_url=url + "/v1", max_retries=0)


def work(url: str, model: str, api: str) -> str:
    """Let an agent do the task, streamed."""
    tools = [
        Tool(name=name, description=name, parameters=SCHEMAS[name], function=function)
        for name, function in TOOLS.items()
    ]
    agent = Agent(chat_generator=generator_of(url, model, api), tools=tools, streaming_callback=lambda _: None)
    return agent.run(messages=[ChatMessage.from_user(QUESTION)])["last_message"].text


def leave(url: str, model: str, api: str) -> str:
    """Cancel a run after its first text."""
    texts: list[str] = []

    async def run() -> None:
        async def hear(chunk: Any) -> None:
            if chunk.content:
                texts.append(chunk.content)
                task.cancel()

        generator = generator_of(url, model, api)
        task = asyncio.ensure_future(generator.run_async([ChatMessage.from_user(QUESTION)], streaming_callback=hear))
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())
    return texts[0]


serve(work, leave)
