"""OpenAI's SDK: `chat.completions.stream`, `responses.stream`, and what parses structured answers."""

from __future__ import annotations

import json

from openai import OpenAI
from pydantic import BaseModel
from serving import QUESTION, SCHEMAS, TOOLS, serve

ASKED = [{"role": "user", "content": QUESTION}]


class Wheel(BaseModel):
    kind: str
    blades: int


def client_of(url: str) -> OpenAI:
    """Return a client of the service."""
    return OpenAI(base_url=url + "/v1", api_key="any", max_retries=0)


def work(url: str, model: str, api: str) -> str:
    """Do the task turn by turn."""
    return over_responses(client_of(url), model) if api == "responses" else over_chat(client_of(url), model)


def over_chat(client: OpenAI, model: str) -> str:
    """Do the task over chat completions."""
    tools = [
        {"type": "function", "function": {"name": name, "parameters": SCHEMAS[name], "strict": False}} for name in TOOLS
    ]
    messages = list(ASKED)
    while True:
        with client.chat.completions.stream(model=model, messages=messages, tools=tools) as stream:
            message = stream.get_final_completion().choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message)
        for call in message.tool_calls:
            output = TOOLS[call.function.name](**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": output})


def over_responses(client: OpenAI, model: str) -> str:
    """Do the task over the Responses API, whose items go back as they came."""
    tools = [{"type": "function", "name": name, "parameters": SCHEMAS[name], "strict": False} for name in TOOLS]
    items = list(ASKED)
    while True:
        with client.responses.stream(model=model, input=items, tools=tools, store=False) as stream:
            response = stream.get_final_response()
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            return response.output_text
        items += response.output
        for call in calls:
            output = TOOLS[call.name](**json.loads(call.arguments))
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": output})


def leave(url: str, model: str, api: str) -> str:
    """Leave a stream after its first text."""
    client = client_of(url)
    if api == "responses":
        with client.responses.stream(model=model, input=QUESTION) as stream:
            return next(event.delta for event in stream if event.type == "response.output_text.delta")
    with client.chat.completions.stream(model=model, messages=ASKED) as stream:
        return next(event.delta for event in stream if event.type == "content.delta" and event.delta)


def fill(url: str, model: str, api: str) -> dict[str, object]:
    """Let a model fill in a form."""
    client = client_of(url)
    if api == "responses":
        return client.responses.parse(model=model, input=QUESTION, text_format=Wheel).output_parsed.model_dump()
    whole = client.chat.completions.parse(model=model, messages=ASKED, response_format=Wheel)
    return whole.choices[0].message.parsed.model_dump()


def models(url: str) -> list[str]:
    """List the models."""
    return [model.id for model in client_of(url).models.list()]


serve(work, leave, fill, models)
