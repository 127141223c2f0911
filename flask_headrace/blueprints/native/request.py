"""Turns the body of `POST /api/chat` into a `ChatRequest`. Pure."""

from __future__ import annotations

from ...providers.chat_request import ChatRequest, Message, ResponseFormat
from ..requested_tools import client_tools
from .body import ChatBody


def to_chat_request(body: ChatBody) -> ChatRequest:
    """Return the `ChatRequest` of a body, without the model, which `open_stream` resolves."""
    system = (Message("system", body.system),) if body.system else ()
    return ChatRequest(
        model="",
        # An empty conversation is an error even with a system prompt, so both are dropped.
        messages=(*system, *body.messages) if body.messages else (),
        max_tokens=body.max_tokens,
        temperature=body.temperature,
        reasoning_effort=body.reasoning_effort,
        tools=client_tools(body.tools),
        tool_choice=body.tool_choice,
        response_format=None if body.schema is None else ResponseFormat(body.schema),
    )
