"""A model that calls the tools that the question lists as JSON, and answers with what it was told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask_headrace import ChatRequest, ToolCallCompleted, ToolCallDelta, ToolCallStarted


class Calling:
    """A provider; it keeps the requests that it was asked."""

    name = "calling"

    def __init__(self) -> None:
        self.requests: list[ChatRequest] = []

    def stream(self, request: ChatRequest) -> Iterator[Any]:
        self.requests.append(request)
        if request.messages[-1].role == "tool":
            yield "done"
            return
        for index, (name, arguments) in enumerate(json.loads(str(request.messages[-1].content))):
            yield ToolCallStarted(index, f"call_{index}", name)
            yield ToolCallDelta(index, json.dumps(arguments))
            yield ToolCallCompleted(index, arguments)


def question(*calls: tuple[str, dict[str, Any]]) -> list[dict[str, str]]:
    """Return the messages of a question that calls tools."""
    return [{"role": "user", "content": json.dumps(calls)}]
