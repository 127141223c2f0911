"""Answers as this service gives them to a client, and as the client sends them back with its next request."""

from __future__ import annotations

import msgspec
from flask_headrace.blueprints.openai_responses.tool_names import FIELD

from flask_headrace.blueprints.anthropic_messages.encoder import MessagesEncoder
from flask_headrace.blueprints.openai_chat.encoder import ChatCompletionEncoder
from flask_headrace.blueprints.openai_responses.encoder import ResponsesEncoder
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
from .turns import Call, Reasoning, Text, Turn


def items_of(protocol: str, answer: Turn) -> list[Json]:
    """Return what a client appends to its conversation: the whole answer as this service gives it.

    Args:
        protocol: `chat`, `responses` or `anthropic`.
        answer: The answer.
    """
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
