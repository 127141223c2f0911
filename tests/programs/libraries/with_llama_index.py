"""LlamaIndex's agents, with each of the three protocols."""

from __future__ import annotations

import asyncio

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import LLM, ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.anthropic import Anthropic
from llama_index.llms.openai import OpenAIResponses
from llama_index.llms.openai_like import OpenAILike
from serving import QUESTION, read_note, serve, write_answer


def llm_of(url: str, model: str, api: str) -> LLM:
    """Return the model of a protocol."""
    if api == "messages":
        # It takes only the names that it knows: here the service's model without its provider.
        return Anthropic(model=model.split("/")[1], base_url=url, api_key="any", max_retries=0)
    known = {"model": model, "api_base": url + "/v1", "api_key": "any", "max_retries": 0}
    if api == "responses":
        return OpenAIResponses(**known, context_window=100_000)
    return OpenAILike(**known, is_chat_model=True, is_function_calling_model=True)


def work(url: str, model: str, api: str) -> str:
    """Let an agent do the task, streamed."""

    async def run() -> str:
        tools = [FunctionTool.from_defaults(read_note), FunctionTool.from_defaults(write_answer)]
        return str(await FunctionAgent(tools=tools, llm=llm_of(url, model, api), streaming=True).run(QUESTION))

    return asyncio.run(run())


def leave(url: str, model: str, api: str) -> str:
    """Leave a stream after its first text. (Without `async`, the library closes nothing.)"""

    async def run() -> str:
        async for piece in await llm_of(url, model, api).astream_chat([ChatMessage(content=QUESTION)]):
            if piece.delta:
                return piece.delta
        return ""

    return asyncio.run(run())


serve(work, leave)
