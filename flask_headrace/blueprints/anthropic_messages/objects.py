"""JSON objects of Anthropic's Messages API: the message, its blocks and its usage. Pure."""

from __future__ import annotations

from typing import Any

from ...core.answer import Block, ReasoningBlock, ToolCallBlock
from ...core.events import FinishReason, ResponseStarted, Usage

STOP_REASONS: dict[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "pause": "pause_turn",
    "other": "end_turn",
}


def message_object(started: ResponseStarted) -> dict[str, Any]:
    """Return a message at its beginning."""
    return {
        "id": f"msg_{started.id}",
        "type": "message",
        "role": "assistant",
        "model": started.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        # Some clients read the input tokens only here. The last frames have the complete usage.
        "usage": usage_object(
            Usage(started.input_tokens, 0, started.cached_tokens, cache_write_tokens=started.cache_write_tokens)
        ),
    }


def block_object(block: Block) -> dict[str, Any]:
    """Return a complete block."""
    match block:
        case ToolCallBlock(id=id, name=name, arguments=arguments):
            return {"type": "tool_use", "id": id, "name": name, "input": arguments or {}}
        case ReasoningBlock(signature=data, is_redacted=True):
            return {"type": "redacted_thinking", "data": data or ""}
        case ReasoningBlock(signature=signature):
            return {"type": "thinking", "thinking": block.text, "signature": signature or ""}
        case _:
            return {"type": "text", "text": block.text}


def usage_object(usage: Usage) -> dict[str, Any]:
    """Return the usage. The tokens of the cache are not among the input tokens."""
    counts: dict[str, Any] = {
        "input_tokens": max(0, usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens),
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
    }
    details = {"output_tokens_details": {"thinking_tokens": usage.reasoning_tokens}}
    return {**counts, **(details if usage.reasoning_tokens else {})}


def stop_fields(
    finish_reason: FinishReason, stop_sequence: str | None, reported: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return why the answer ended.

    Args:
        finish_reason: Why the model ended the answer.
        stop_sequence: The text at which it ended; None for none.
        reported: The provider's own fields, whose `stop_reason` says it in other words.
    """
    reason = STOP_REASONS[finish_reason] if stop_sequence is None else "stop_sequence"
    own = {"stop_reason": reason, "stop_sequence": stop_sequence}
    if finish_reason == "tool_calls":
        return {**(reported or {}), **own}
    return {**own, **(reported or {})}
