"""LiteLLM's client, with each of the three protocols."""

from __future__ import annotations

import json
from typing import Any

import litellm
from serving import QUESTION, SCHEMAS, TOOLS, serve

ASKED = [{"role": "user", "content": QUESTION}]


def place(url: str, model: str, api: str) -> dict[str, Any]:
    """Return how LiteLLM names the service's model, and where it is."""
    base, family = (url, "anthropic") if api == "messages" else (url + "/v1", "openai")
    return {"model": f"{family}/{model}", "api_base": base, "api_key": "any", "num_retries": 0}


def work(url: str, model: str, api: str) -> str:
    """Do the task turn by turn, each streamed."""
    where = place(url, model, api)
    if api == "responses":
        return over_responses(where)
    tools = [{"type": "function", "function": {"name": name, "parameters": SCHEMAS[name]}} for name in TOOLS]
    messages: list[Any] = list(ASKED)
    while True:
        chunks = list(litellm.completion(messages=messages, tools=tools, stream=True, **where))
        message = litellm.stream_chunk_builder(chunks, messages=messages).choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message.model_dump())
        for call in message.tool_calls:
            output = TOOLS[call.function.name](**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})


def over_responses(where: dict[str, Any]) -> str:
    """Do the task over the Responses API."""
    tools = [{"type": "function", "name": name, "parameters": SCHEMAS[name]} for name in TOOLS]
    items: list[Any] = list(ASKED)
    while True:
        *_, last = litellm.responses(input=items, tools=tools, stream=True, store=False, **where)
        calls = [item for item in last.response.output if item.type == "function_call"]
        if not calls:
            return last.response.output[-1].content[0].text
        items += [item.model_dump(exclude_none=True) for item in last.response.output]
        for call in calls:
            output = TOOLS[call.name](**json.loads(call.arguments))
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": output})


def leave(url: str, model: str, api: str) -> str:
    """Leave a stream after its first text."""
    where = place(url, model, "chat" if api == "responses" else api)
    stream = litellm.completion(messages=ASKED, stream=True, **where)
    text = next(chunk.choices[0].delta.content for chunk in stream if chunk.choices[0].delta.content)
    close = getattr(stream.completion_stream, "close", None) or stream.completion_stream.response.close
    close()
    return text


def models(url: str) -> list[str]:
    """List the models."""
    return litellm.get_valid_models(
        check_provider_endpoint=True, custom_llm_provider="openai", api_base=url + "/v1", api_key="any"
    )


serve(work, leave, models)
