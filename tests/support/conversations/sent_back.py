"""Answers as this service gives them to a client, and as the client sends them back with its next request."""

from __future__ import annotations

import msgspec

from flask_headrace.blueprints.ai_sdk.ui_message_encoder import UIMessageEncoder
from flask_headrace.blueprints.anthropic_messages.encoder import MessagesEncoder
from flask_headrace.blueprints.openai_chat.encoder import ChatCompletionEncoder
from flask_headrace.blueprints.openai_responses.encoder import ResponsesEncoder
from flask_headrace.blueprints.openai_responses.tool_names import FIELD
from flask_headrace.core.answer import CollectedAnswer
from flask_headrace.core.events import (
    Completed,
    Event,
    ReasoningDelta,
    ReasoningSignature,
    ResponseStarted,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)

from .clients import Json
from .protocols import PROTOCOLS
from .turns import Call, Conversation, Reasoning, Text, Turn

PROTOCOLS_OF_ANSWERS = ("chat", "responses", "anthropic", "ui_messages")
"""The protocols whose clients send an answer back as they have received it."""


def with_answer(protocol: str, conversation: Conversation, following: Conversation) -> Json:
    """Return the body of a request whose last answer came from this service.

    Args:
        protocol: One of `PROTOCOLS_OF_ANSWERS`.
        conversation: The conversation until then.
        following: The answer, and what the client sent after it.
    """
    write, (answer, *rest) = PROTOCOLS[protocol].write, following
    if protocol == "ui_messages":
        return _with_ui_parts(write(conversation + following), answer)
    fields, later = write(conversation), write(tuple(rest))
    name = "input" if protocol == "responses" else "messages"
    fields[name] += _items(protocol, answer) + later[name]
    return fields


def _items(protocol: str, answer: Turn) -> list[Json]:
    collected = CollectedAnswer()
    collected.add(_events(answer))
    whole = msgspec.json.decode(msgspec.json.encode(_whole(protocol, collected)))
    match protocol:
        case "chat":
            return [whole["choices"][0]["message"]]
        case "responses":
            output: list[Json] = whole["output"]
            return output
        case _:
            return [{"role": whole["role"], "content": whole["content"]}]


def _with_ui_parts(fields: Json, answer: Turn) -> Json:
    """Put the parts that `useChat` collects from the stream in place of those of the last answer."""
    parts = [message["parts"] for message in fields["messages"] if message["role"] == "assistant"][-1]
    place = max(place for place, part in enumerate(parts) if part["type"] == "step-start")
    outputs = {part["toolCallId"]: part for part in parts[place:] if part.get("state", "").startswith("output-")}
    collected = _ui_parts(UIMessageEncoder("m").encode(_events(answer)))
    parts[place:] = [part | outputs.get(part.get("toolCallId"), {}) for part in collected]
    return fields


def _ui_parts(stream: bytes) -> list[Json]:
    parts: list[Json] = []
    by_id: dict[str, Json] = {}
    for line in stream.splitlines():
        if not line or line.endswith(b"[DONE]"):
            continue
        frame = msgspec.json.decode(line.removeprefix(b"data: "))
        kind, _, moment = frame["type"].rpartition("-")
        metadata = {name: frame[name] for name in ("providerMetadata",) if name in frame}
        match kind, moment:
            case "start", "step":
                parts.append({"type": "step-start"})
            case "text" | "reasoning", "start":
                parts.append({"type": kind, "text": "", **metadata})
                by_id[frame["id"]] = parts[-1]
            case "text" | "reasoning", "delta":
                by_id[frame["id"]]["text"] += frame["delta"]
            case "text" | "reasoning", "end":
                by_id[frame["id"]].update(metadata)
            case "tool-input", "available":
                call = {"type": f"tool-{frame['toolName']}", "toolCallId": frame["toolCallId"], "input": frame["input"]}
                parts.append({**call, "state": "input-available"})
    return parts


def _whole(protocol: str, answer: CollectedAnswer) -> Json:
    match protocol:
        case "chat":
            return ChatCompletionEncoder("id", "model", 0, custom_tools=["patch"]).encode_whole(answer)
        case "responses":
            names = {"custom": ["patch"], "qualified": {"files__read": ["files", "read"]}}
            return ResponsesEncoder("id", "model", 0, {FIELD: names}).encode_whole(answer)
        case _:
            return MessagesEncoder().encode_whole(answer)


def _events(answer: Turn) -> list[Event]:
    events: list[Event] = [ResponseStarted("id", "model", "provider")]
    calls = 0
    for part in answer.parts:
        match part:
            case Text(_, text):
                events.append(TextDelta(text or " "))  # an answer of reasoning alone would be one that was stopped
            case Reasoning():
                events += [ReasoningDelta(part.text)] if part.text else []
                if part.known_signature:
                    events.append(ReasoningSignature(part.known_signature, part.form == "redacted"))
            case Call():
                arguments = msgspec.json.encode(part.arguments).decode()
                events += [
                    ToolCallStarted(calls, part.id, part.tool.replace(".", "__")),
                    ToolCallDelta(calls, arguments),
                    ToolCallCompleted(calls, part.arguments),
                ]
                calls += 1
    return [*events, Usage(1, 1), Completed("tool_calls" if calls else "stop")]
