"""Anthropic's SDK: its tool runner, and `messages.stream`."""

from __future__ import annotations

import anthropic
from anthropic import beta_tool
from serving import QUESTION, read_note, serve, write_answer

ASKED = {"max_tokens": 1000, "messages": [{"role": "user", "content": QUESTION}]}


def work(url: str, model: str, api: str) -> str:
    """Let the tool runner do the task, streamed."""
    client = anthropic.Anthropic(base_url=url, api_key="any", max_retries=0)
    tools = [beta_tool(read_note), beta_tool(write_answer)]
    for stream in client.beta.messages.tool_runner(model=model, tools=tools, stream=True, **ASKED):
        for _ in stream:
            pass
        message = stream.get_final_message()
    return message.content[-1].text


def leave(url: str, model: str, api: str) -> str:
    """Leave a stream after its first text."""
    client = anthropic.Anthropic(base_url=url, api_key="any", max_retries=0)
    with client.messages.stream(model=model, **ASKED) as stream:
        return next(stream.text_stream)


def models(url: str) -> list[str]:
    """List the models."""
    return [model.id for model in anthropic.Anthropic(base_url=url, api_key="any").models.list()]


serve(work, leave, models)
