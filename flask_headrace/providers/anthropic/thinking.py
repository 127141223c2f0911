"""How much the model thinks, in the words of Anthropic's API: `thinking` and `output_config.effort`. Pure.

Other protocols name an effort. Models that take none of Anthropic's names for it think with a budget of tokens instead,
where the API allows that: with its own sampling, without a forced tool call, and not after calls that were made without
thinking.
"""

from __future__ import annotations

import re

from ..chat_request import ChatRequest, Json, Message, ReasoningPart
from .parts import is_signature

_WITHOUT_EFFORT = re.compile(
    r"claude-(?:[23]|instant|(?:opus|sonnet)-4(?:-[01])?(?:$|-20|@|-latest)|(?:sonnet|haiku)-4-5)"
)
_WITHOUT_THINKING = re.compile(r"claude-(?:2|instant|3-(?:opus|sonnet|haiku|5))")
"""Names of the models of Anthropic that do not take an effort, and that cannot think."""

_EFFORTS = {"minimal": "low", "none": None}
"""Anthropic's effort for those of OpenAI's that it does not have; None for no effort."""

_BUDGETS = {"low": 2048, "medium": 8192}
_HIGH_BUDGET = 20480
_MIN_BUDGET = 1024
_MIN_ANSWER = 1024
"""Tokens that are left for the answer beside the budget of thinking."""


def thinking_fields(request: ChatRequest) -> Json:
    """Return the fields `thinking` and `output_config`, None for those that the request leaves open."""
    effort = _EFFORTS.get(request.reasoning_effort or "", request.reasoning_effort)
    fields: Json = {"thinking": request.thinking, "output_config": {"effort": effort} if effort else None}
    if effort is None or not _WITHOUT_EFFORT.search(request.model):
        return fields
    budget = _budget(request, effort)
    thinking = request.thinking or ({"type": "enabled", "budget_tokens": budget} if budget else None)
    return {"thinking": thinking, "output_config": None}


def _budget(request: ChatRequest, effort: str) -> int | None:
    may_think = (
        not _WITHOUT_THINKING.search(request.model)
        and request.temperature in {None, 1}
        and request.top_k is None
        and (request.top_p is None or request.top_p >= 0.95)
        and request.tool_choice in {None, "auto", "none"}
        and request.response_format is None
        and not _has_calls_without_thinking(request.messages)
        and request.messages[-1].role != "assistant"
    )
    room = _HIGH_BUDGET if request.max_tokens is None else request.max_tokens - _MIN_ANSWER
    budget = min(_BUDGETS.get(effort, _HIGH_BUDGET), room)
    return budget if may_think and budget >= _MIN_BUDGET else None


def _has_calls_without_thinking(messages: tuple[Message, ...]) -> bool:
    """Whether an answer since the user's last message has calls, and does not begin with signed reasoning."""
    for message in reversed(messages):
        if message.role == "user":
            return False
        if message.tool_calls and not any(
            isinstance(part, ReasoningPart) and is_signature(part.signature) for part in message.parts()
        ):
            return True
    return False
