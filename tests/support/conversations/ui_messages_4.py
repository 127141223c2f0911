"""Conversations as `useChat` of the AI SDK 3.4 to 4.3 sends them: `POST /ai/v4/chat`."""

from __future__ import annotations

from typing import Any

from .clients import FUNCTION
from .turns import Call, Conversation, Media, Part, Reasoning, Result, Text, Turn
from .ui_messages import in_order_of_calls

Json = dict[str, Any]


def ui_messages_4(conversation: Conversation) -> Json:
    """Return the body of a request. An answer, the results of its calls and the next answer are one message."""
    messages: list[Json] = []
    step = 0
    for place, turn in enumerate(conversation):
        if turn.role == "results":
            continue
        following = conversation[place + 1 : place + 2]
        results = following[0].results if following else []
        step = step + 1 if _goes_on(conversation, place) else 0
        parts = [_part(part, results, step) for part in turn.parts if not isinstance(part, Media)]
        if turn.role == "assistant" and step:
            messages[-1]["parts"] += parts
            continue
        message = {"id": f"m{place}", "role": turn.role, "content": turn.text(), "parts": parts}
        media = [part for part in turn.parts if isinstance(part, Media)]
        attachments = [{"url": part.url, "contentType": part.type, "name": part.name} for part in media]
        messages.append({**message, "experimental_attachments": attachments} if attachments else message)
    return {"messages": messages, "tools": [FUNCTION]}


def as_sent_4(conversation: Conversation) -> Conversation:
    """Return a conversation with results in the order of their calls, and attachments behind the text."""
    return tuple(
        [
            Turn(turn.role, tuple(sorted(turn.parts, key=lambda part: isinstance(part, Media))), turn.style)
            if turn.role == "user"
            else turn
            for turn in in_order_of_calls(conversation)
        ]
    )


def _goes_on(conversation: Conversation, place: int) -> bool:
    return place > 0 and conversation[place].role == "assistant" and conversation[place - 1].role == "results"


def _part(part: Part, results: list[Result], step: int) -> Json:
    match part:
        case Text(_, text):
            return {"type": "text", "text": text}
        case Reasoning():
            detail: Json = {"type": "text", "text": part.text, "signature": part.known_signature}
            if part.form == "redacted":
                detail = {"type": "redacted", "data": part.known_signature}
            return {"type": "reasoning", "reasoning": part.text, "details": [detail] if part.signature else []}
        case Call():
            result = next(result for result in results if result.call == part)
            call = {"toolCallId": part.id, "toolName": part.tool, "args": part.arguments, "step": step}
            return {"type": "tool-invocation", "toolInvocation": {**call, "state": "result", "result": result.text}}
    raise TypeError(part)
