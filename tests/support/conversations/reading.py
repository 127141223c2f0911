"""Reads the marks of a conversation from a provider's request, in their order."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .turns import KINDS

Json = dict[str, Any]

_MARK = re.compile(f"[{''.join(KINDS)}][0-9]+x")
_IDS = {"id", "call_id", "tool_call_id", "tool_use_id"}


def marks_in(value: Any) -> list[str]:  # a JSON value
    """Return the marks in a JSON value, those in data too, each once."""
    return list(dict.fromkeys(_marks(value)))


def _marks(value: Any) -> Iterator[str]:  # a JSON value
    if isinstance(value, list):
        for item in value:
            yield from _marks(item)
    elif isinstance(value, dict):
        is_data = value.get("type") == "base64"
        for name, item in value.items():
            if name not in _IDS:
                yield from _marks(f"data:;base64,{item}" if is_data and name == "data" else item)
    elif isinstance(value, str):
        data = value.partition(";base64,")[2] if value.startswith("data:") else ""
        yield from _MARK.findall(base64.b64decode(data).decode() if data else value)


@dataclass
class Found:
    """What was found in a provider's request.

    Attributes:
        said: The marks in their order, each with the role of whom said it: `system`, `user`, `assistant` or `tool`.
        results: The text of each result, by the mark of its call.
        failed: The marks of the calls whose results are errors.
        called: The names of the tools that were called.
        reasoning: The blocks or items of reasoning.
    """

    said: list[tuple[str, str]] = field(default_factory=list)
    results: dict[str, list[str]] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    reasoning: list[Json] = field(default_factory=list)
    _calls: dict[str, str] = field(default_factory=dict)

    def say(self, role: str, value: Any) -> None:  # a JSON value
        """Add the marks of what somebody says."""
        self.said += [(role, mark) for mark in marks_in(value)]

    def call(self, call_id: str, name: str, value: Any) -> None:  # a JSON value
        """Add a call."""
        self.called.add(name)
        marks = marks_in(value)
        assert len(marks) == 1, f"{value} is not the arguments of one call"
        self._calls[call_id] = marks[0]
        self.say("assistant", value)

    def result(self, call_id: str, value: Any, *, is_error: bool = False) -> None:  # a JSON value
        """Add the result of a call."""
        call = self._calls[call_id]
        self.results[call] = [mark for mark in marks_in(value) if mark.startswith("O")]
        if is_error:
            self.failed.add(call)
        self.say("tool", value)


def read_chat(body: Json) -> Found:
    """Read a request for a chat completion."""
    found = Found()
    for message in body["messages"]:
        if message["role"] == "tool":
            found.result(message["tool_call_id"], message["content"])
            continue
        role = "system" if message["role"] == "developer" else message["role"]
        found.say(role, [message[name] for name in message if name.startswith(("reasoning", "thinking"))])
        found.say(role, message["content"])
        for call in message.get("tool_calls", ()):
            custom = call.get("custom")
            name = call[call["type"]]["name"]
            found.call(call["id"], name, custom["input"] if custom else call["function"]["arguments"])
    return found


def read_anthropic(body: Json) -> Found:
    """Read a request to Anthropic."""
    found = Found()
    found.say("system", body.get("system"))
    for message in body["messages"]:
        content = message["content"]
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            match block["type"]:
                case "tool_use":
                    found.call(block["id"], block["name"], block["input"])
                case "tool_result":
                    found.result(block["tool_use_id"], block.get("content"), is_error=block.get("is_error", False))
                case "thinking" | "redacted_thinking":
                    found.reasoning.append(block)
                    found.say("assistant", block)
                case _:
                    found.say(message["role"], block)
    return found


def read_responses(body: Json) -> Found:
    """Read a request for a response."""
    found = Found()
    for item in body["input"]:
        match item.get("type", "message"):
            case "function_call" | "custom_tool_call":
                name = ".".join([item[place] for place in ("namespace", "name") if place in item])
                found.call(item["call_id"], name, item.get("arguments", item.get("input")))
            case "function_call_output" | "custom_tool_call_output":
                found.result(item["call_id"], item["output"])
            case "reasoning":
                found.reasoning.append(item)
                found.say("assistant", item)
            case _:
                found.say("system" if item["role"] == "developer" else item["role"], item["content"])
    return found


def offered_tools(body: Json) -> set[str]:
    """Return the names of the tools that the model may call."""
    names: set[str] = set()
    for tool in body["tools"]:
        within = [f"{tool['name']}.{function['name']}" for function in tool.get("tools", ())]
        definition = tool.get("function") or tool.get("custom") or tool
        names |= set(within or [definition["name"]])
    return names


READERS = {
    "openai": read_chat,
    "compatible": read_chat,
    "responses": read_responses,
    "responses_compatible": read_responses,
    "anthropic": read_anthropic,
    "anthropic_compatible": read_anthropic,
}
"""Read the body of a request to a provider, by the provider's name in `providers.PROVIDERS`."""
