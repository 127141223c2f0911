"""What the providers refuse, from their published rules and from the errors that they are known to answer with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

Json = dict[str, Any]

MAX_CALL_ID_IN_CHAT = 40
MAX_CALL_ID_IN_RESPONSES = 64
_ANTHROPIC_ID = re.compile("[a-zA-Z0-9_-]+")


def problems(name: str, body: Json) -> list[str]:
    """Return what a provider refuses in the body of a request; empty for nothing.

    Args:
        name: The provider; see `providers.PROVIDERS`.
        body: The body.
    """
    match name:
        case "anthropic" | "anthropic_compatible":
            return list(_anthropic_problems(body, is_official=name == "anthropic"))
        case "responses" | "responses_compatible":
            return list(_responses_problems(body["input"]))
        case _:
            return list(_chat_problems(body["messages"], is_official=name == "openai"))


def _chat_problems(messages: list[Json], *, is_official: bool) -> Iterator[str]:
    open_calls: list[str] = []
    for number, message in enumerate(messages):
        where, role, content = f"messages[{number}]", message["role"], message["content"]
        calls = message.get("tool_calls", ())
        if role == "tool":
            if message["tool_call_id"] not in open_calls:
                yield f"{where} is a result without a call directly before it"
            else:
                open_calls.remove(message["tool_call_id"])
        elif open_calls:
            yield f"{where} stands between calls and their results"
            open_calls = []
        if calls == []:
            yield f"{where}.tool_calls is an empty list"
        if role == "assistant":
            open_calls = [call["id"] for call in calls]
            if len(set(open_calls)) < len(open_calls):
                yield f"{where} has two calls of one id"
        yield from [f"{where}: {problem}" for problem in _chat_content_problems(role, content, has_calls=bool(calls))]
        if is_official:
            yield from [f"{where}.{name} is unknown" for name in message if name.startswith(("reasoning", "thinking"))]
            yield from [f"{where} has a long id" for call in calls if len(call["id"]) > MAX_CALL_ID_IN_CHAT]
        elif any(call["type"] != "function" for call in calls):
            yield f"{where} calls a custom tool"
    if open_calls:
        yield "the last calls have no results"


def _chat_content_problems(role: str, content: Any, *, has_calls: bool) -> Iterator[str]:  # JSON
    if content is None:
        if role != "assistant" or not has_calls:
            yield "content is null"
    elif isinstance(content, list):
        if not content:
            yield "content is an empty list"
        allowed = {"text", "image_url", "file"} if role == "user" else {"text"}
        yield from [f"{part['type']} in a message of {role}" for part in content if part["type"] not in allowed]


def _anthropic_problems(body: Json, *, is_official: bool) -> Iterator[str]:
    messages: list[Json] = []
    for message in body["messages"]:
        blocks = message["content"]
        if isinstance(blocks, str):
            blocks = [{"type": "text", "text": blocks}]
        if message["role"] not in {"user", "assistant"}:
            yield f"the role {message['role']}"
        if not blocks:
            yield "an empty turn"
        if messages and messages[-1]["role"] == message["role"]:
            messages[-1]["content"] += blocks
        else:
            messages.append({"role": message["role"], "content": list(blocks)})
    if not messages or messages[0]["role"] != "user":
        yield "the first turn is not the user's"
    system = body.get("system", "x")
    for text in [system] if isinstance(system, str) else [block["text"] for block in system] or [""]:
        yield from ["a blank text in the system prompt"] if not text.strip() else []
    for before, message in pairwise([{"role": "user", "content": []}, *messages]):
        if message["role"] == "user":
            yield from _anthropic_result_problems(before["content"], message["content"])
    yield from _anthropic_answer_problems(messages, is_official=is_official)
    for message in messages:
        yield from ["a null result" for block in message["content"] if block.get("content", "") is None]
        yield from ["a blank text" for block in _inner(message["content"]) if not block.get("text", "x").strip()]


def _inner(blocks: list[Json]) -> Iterator[Json]:
    for block in blocks:
        yield block
        if block["type"] == "tool_result" and isinstance(block.get("content"), list):
            yield from block["content"]


def _anthropic_result_problems(before: list[Json], blocks: list[Json]) -> Iterator[str]:
    called = sorted(block["id"] for block in before if block["type"] == "tool_use")
    kinds = [block["type"] == "tool_result" for block in blocks]
    if called != sorted(block["tool_use_id"] for block in blocks if block["type"] == "tool_result"):
        yield "the results are not those of the calls before"
    if kinds != sorted(kinds, reverse=True):
        yield "something stands before a result"


def _anthropic_answer_problems(messages: list[Json], *, is_official: bool) -> Iterator[str]:
    ids: set[str] = set()
    for message in [message for message in messages if message["role"] == "assistant"]:
        for block in message["content"]:
            if is_official and block["type"] == "tool_use":
                yield from [f"the id {block['id']} occurs again"] if block["id"] in ids else []
                yield from [] if _ANTHROPIC_ID.fullmatch(block["id"]) else [f"the id {block['id']}"]
                ids.add(block["id"])
            if is_official and block["type"] == "thinking" and not block["signature"]:
                yield "a thought without a signature"
        if message["content"] and message["content"][-1]["type"] in {"thinking", "redacted_thinking"}:
            yield "a turn ends with a thought"
    if messages and messages[-1]["role"] == "assistant" and messages[-1]["content"]:
        last = messages[-1]["content"][-1]
        if last["type"] == "tool_use":
            yield "the last calls have no results"
        elif last.get("text", "x") != last.get("text", "x").rstrip():
            yield "the last turn ends with white space"


def _responses_problems(items: list[Json]) -> Iterator[str]:
    open_calls: dict[str, int] = {}
    if not items:
        yield "input is empty"
    for number, item in enumerate(items):
        where, kind = f"input[{number}]", item.get("type", "message")
        following = items[number + 1] if number + 1 < len(items) else {"role": "user"}
        if kind == "reasoning" and not _is_output(following):
            yield f"{where}: nothing follows the reasoning"
        if kind in {"function_call", "custom_tool_call"}:
            open_calls[item["call_id"]] = open_calls.get(item["call_id"], 0) + 1
            yield from [f"{where} has a long id"] if len(item["call_id"]) > MAX_CALL_ID_IN_RESPONSES else []
        elif kind in {"function_call_output", "custom_tool_call_output"}:
            open_calls[item["call_id"]] = open_calls.get(item["call_id"], 0) - 1
            yield from [f"{where} is a result without a call"] if open_calls[item["call_id"]] < 0 else []
        elif kind == "message":
            yield from [f"{where}: {problem}" for problem in _part_problems(item)]
    if any(open_calls.values()):
        yield "a call has no result"


def _is_output(item: Json) -> bool:
    return item.get("role") == "assistant" or item.get("type") in {"reasoning", "function_call", "custom_tool_call"}


def _part_problems(item: Json) -> Iterator[str]:
    if isinstance(item["content"], list):
        allowed = ("output_",) if item["role"] == "assistant" else ("input_",)
        kinds = [part["type"] for part in item["content"]]
        yield from [f"{kind} of {item['role']}" for kind in kinds if not kind.startswith(allowed)]
