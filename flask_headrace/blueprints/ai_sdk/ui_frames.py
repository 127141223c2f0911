"""Frames of the Vercel AI SDK's UI message stream, and what is written in them. Pure."""

from __future__ import annotations

from typing import Any

from ...core import exact_json
from ...core.events import FinishReason, Usage

RESTART_PART_TYPE = "data-restart"
"""The type of the data part that revokes the step before it, for versions whose protocol cannot revoke parts."""

RESUMED = "resumed"
"""The reason in the data part with which a replay revokes all parts before it, those of earlier steps as well."""

FINISH_REASONS: dict[FinishReason, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool-calls",
    "content_filter": "content-filter",
    "pause": "other",
    "other": "other",
}
"""The AI SDK's finish reasons."""

_encode = exact_json.encode


def usage_metadata(usage: Usage | None) -> dict[str, Any]:
    """Return an answer's usage as message metadata, with the names of the SDK's own usage object; empty for none."""
    if usage is None:
        return {}
    counted = {
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "totalTokens": usage.input_tokens + usage.output_tokens,
        "cachedInputTokens": usage.cached_tokens,
        "reasoningTokens": usage.reasoning_tokens,
    }
    attempts = [
        {
            "model": attempt.model,
            "inputTokens": attempt.input_tokens,
            "outputTokens": attempt.output_tokens,
            "cost": attempt.cost,
        }
        for attempt in usage.attempts
    ]
    priced = {"cost": usage.cost, "currency": usage.currency, "estimated": usage.estimated}
    return {"usage": counted, **priced, "attempts": attempts}


def restart_message(reason: str, model: str) -> str:
    """Return the error message of an answer that restarts and cannot be revoked.

    Args:
        reason: The error code that made the first model's answer fail.
        model: The model that answers from here on.
    """
    return f"{model} restarts the answer, which cannot be shown here ({reason}): send the request again."


def error_frame(message: str) -> bytes:
    """Return an error frame; clients ignore the frames after it."""
    return frame("error", errorText=message)


def frame(type: str, **fields: Any) -> bytes:  # noqa: A002, ANN401  # the field's name, JSON values
    """Return a frame."""
    return b"data: %b\n\n" % _encode({"type": type, **fields})
