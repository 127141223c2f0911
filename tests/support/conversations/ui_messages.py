"""Conversations as the AI SDK's `useChat` sends them: `POST /ai/chat`."""

from __future__ import annotations

from typing import Any

from .clients import FUNCTION
from .turns import Call, Conversation, Media, Part, Reasoning, Result, Text, Turn

Json = dict[str, Any]


def ui_messages(conversation: Conversation) -> Json:
    """Return the body of a request. An answer, the results of its calls and the next answer are one message."""
    messages: list[Json] = []
    for place, turn in enumerate(conversation):
        if turn.role == "results":
            continue
        following = conversation[place + 1] if place + 1 < len(conversation) else None
        results = following.results if following is not None and following.role == "results" else []
        # The user may have gone on without waiting for the tools, or have stopped a call before it was complete.
        next_but_results = place + (2 if results else 1)
        has_gone_on = turn.style == 1 and [later.role for later in conversation[next_but_results:]][:1] == ["user"]
        parts = [_part(part, results, may_be_open=has_gone_on) for part in turn.parts]
        if has_gone_on and turn.role == "assistant" and not results:
            parts.append({"type": "tool-search", "toolCallId": f"cut{place}", "state": "input-streaming"})
        if turn.role == "assistant":
            parts.insert(0, {"type": "step-start"})
            if place and conversation[place - 1].role == "results":
                messages[-1]["parts"] += parts
                continue
        messages.append({"id": f"m{place}", "role": turn.role, "parts": parts})
    return {"messages": messages, "tools": [FUNCTION]}


def in_order_of_calls(conversation: Conversation) -> Conversation:
    """Return a conversation whose results are in the order of their calls: results stand in their calls here."""
    turns: list[Turn] = []
    for turn in conversation:
        if turn.role == "results":
            by_call = {result.call: result for result in turn.results}
            turns.append(Turn("results", tuple([by_call[call] for call in turns[-1].calls])))
        else:
            turns.append(turn)
    return tuple(turns)


def _part(part: Part, results: list[Result], *, may_be_open: bool) -> Json:
    match part:
        case Text(_, text):
            return {"type": "text", "text": text}
        case Media():
            return {"type": "file", "mediaType": part.type, "url": part.url, "filename": part.name}
        case Reasoning():
            name = "redactedData" if part.form == "redacted" else "signature"
            metadata = {"providerMetadata": {"anthropic": {name: part.known_signature}}} if part.signature else {}
            return {"type": "reasoning", "text": part.text, "state": "done", **metadata}
        case Call():
            result = next(result for result in results if result.call == part)
            outcome = {"state": "output-available", "output": result.text}
            if result.is_error and not result.parts and may_be_open:
                outcome = {"state": "input-available"}
            elif result.is_error:
                outcome = {"state": "output-error", "errorText": result.text}
            return {"type": f"tool-{part.tool}", "toolCallId": part.id, "input": part.arguments, **outcome}
    raise TypeError(part)
