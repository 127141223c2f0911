"""FastAPI and the official OpenAI SDK's asyncio client. UPSTREAM is in the environment."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from typing import Any

import httpx2
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from pydantic import BaseModel

# The SDK's own limits are 1,000 connections and 5 s to connect: a loop that is busy for longer fails its own requests.
http_client = DefaultAsyncHttpxClient(limits=httpx2.Limits(max_connections=None), timeout=600)
client = AsyncOpenAI(base_url=os.environ["UPSTREAM"], api_key="sk-none", http_client=http_client, timeout=600)
app = FastAPI()


class Question(BaseModel):
    """The body of a request."""

    model: str
    messages: list[Any]
    max_tokens: int = 100


@app.post("/api/chat")
async def chat(question: Question) -> StreamingResponse:
    """Stream an answer."""
    return StreamingResponse(frames(question), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


async def frames(question: Question) -> AsyncIterator[str]:
    """Yield the answer's frames; the upstream is closed with the generator."""
    answer = await client.chat.completions.create(
        model=question.model.split("/")[1],
        messages=question.messages,
        max_tokens=question.max_tokens,
        stream=True,
    )
    async with answer:
        async for chunk in answer:
            if chunk.choices and (delta := chunk.choices[0].delta.content):
                yield f"data: {json.dumps({'delta': delta})}\n\n"
    yield "data: [DONE]\n\n"
