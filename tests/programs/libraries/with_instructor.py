"""instructor, which lets a model fill in a form by a call of a tool."""

from __future__ import annotations

import asyncio

import anthropic
import instructor
from openai import AsyncOpenAI
from pydantic import BaseModel
from serving import QUESTION, serve

ASKED = [{"role": "user", "content": QUESTION}]


class Wheel(BaseModel):
    kind: str
    blades: int


def client_of(url: str, api: str) -> instructor.AsyncInstructor:
    """Return the client of a protocol."""
    if api == "messages":
        return instructor.from_anthropic(anthropic.AsyncAnthropic(base_url=url, api_key="any", max_retries=0))
    mode = instructor.Mode.RESPONSES_TOOLS if api == "responses" else instructor.Mode.TOOLS
    return instructor.from_openai(AsyncOpenAI(base_url=url + "/v1", api_key="any", max_retries=0), mode=mode)


def fill(url: str, model: str, api: str) -> dict[str, object]:
    """Let a model fill in a form."""
    limit = {"max_tokens": 1000} if api == "messages" else {}
    create = client_of(url, api).chat.completions.create
    return asyncio.run(create(model=model, messages=ASKED, response_model=Wheel, **limit)).model_dump()


def leave(url: str, model: str, api: str) -> str:
    """Leave a form that is half filled in. (Without `async`, the library waits for the whole form.)"""
    limit = {"max_tokens": 1000} if api == "messages" else {}

    async def run() -> str:
        partial = client_of(url, api).chat.completions.create_partial
        async for wheel in partial(model=model, messages=ASKED, response_model=Wheel, **limit):
            if wheel.kind:
                return wheel.kind
        return ""

    return asyncio.run(run())


serve(fill, leave)
