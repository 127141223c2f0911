"""The settings that OpenAI's two APIs report with an answer reach its last event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_headrace.core.events import Completed
from flask_headrace.core.sse import SSEDecoder
from flask_headrace.providers.openai.chat_decoder import ChatDecoder
from flask_headrace.providers.openai.responses_decoder import ResponseDecoder


def applied(decoder: Any, *bodies: dict[str, Any]) -> dict[str, Any] | None:
    events: list[Any] = []
    stream = b"".join(b"data: " + json.dumps(body).encode() + b"\n\n" for body in bodies)
    decoder.read(SSEDecoder().feed(stream), events)
    last = events[-1] if decoder.is_done else decoder.end()[-1]
    assert isinstance(last, Completed)
    return last.applied_settings


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ({}, None),
        ({"temperature": 0.25, "service_tier": "flex"}, {"temperature": 0.25, "service_tier": "flex"}),
        ({"top_logprobs": 3, "presence_penalty": 0.0}, {"top_logprobs": 3, "presence_penalty": 0.0}),
        ({"temperature": "hot", "top_p": True, "service_tier": {"a": 1}, "frequency_penalty": [1]}, None),
        ({"service_tier": "x" * 65, "temperature": None}, None),
    ],
)  # fmt: skip
def test_of_a_response(reported: dict[str, Any], expected: dict[str, Any] | None) -> None:
    output = [{"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}]
    response = {"status": "completed", "output": output, **reported}
    assert applied(ResponseDecoder("acme", "m", ""), {"type": "response.completed", "response": response}) == expected


@pytest.mark.parametrize(("tier", "expected"), [("priority", {"service_tier": "priority"}), (None, None), (7, None)])
def test_of_a_chat_completion(tier: Any, expected: dict[str, Any] | None) -> None:
    choice = {"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}
    chunks = [{"choices": [choice], "service_tier": tier}, {"choices": [], "service_tier": None}]
    assert applied(ChatDecoder("acme", "m", ""), *chunks) == expected
