"""instructor, which lets a model fill in a form by a call of a tool."""

from __future__ import annotations

import anthropic
import instructor
from openai import OpenAI
from pydantic import BaseModel
from serving import QUESTION, serve

ASKED = [{"role": "user", "content": QUESTION}]


class Wheel(BaseModel):
    kind: str
    blades: int


def client_of(url: str, api: str) -> instructor.Instructor:
    """Return the client of a protocol."""
    if api == "messages":
        return instructor.from_anthropic(anthropic.Anthropic(base_url=url, api_key="any", max_retries=0))
    mode = instructor.Mode.RESPONSES_TOOLS if api == "responses" else instructor.Mode.TOOLS
    return instructor.from_openai(OpenAI(base_url=url + "/v1", api_key="any", max_retries=0), mode=mode)


def fill(url: str, model: str, api: str) -> dict[str, object]:
    """Let a model fill in a form."""
    limit = {"max_tokens": 1000} if api == "messages" else {}
    wheel = client_of(url, api).chat.completions.create(model=model, messages=ASKED, response_model=Wheel, **limit)
    return wheel.model_dump()


def leave(url: str, model: str, api: str) -> str:
    """Leave a form that is half filled in."""
    limit = {"max_tokens": 1000} if api == "messages" else {}
    partial = client_of(url, api).chat.completions.create_partial
    stream = partial(model=model, messages=ASKED, response_model=Wheel, **limit)
    kind = next(wheel.kind for wheel in stream if wheel.kind)
    stream.close()
    return kind


serve(fill, leave)
