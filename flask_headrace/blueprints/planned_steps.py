"""Whether a question takes several steps, and what they need: tools that run here, approvals, and the limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import Flask, current_app
from msgspec.structs import replace

from ..core.errors import InvalidRequest
from ..providers.chat_request import ChatRequest
from ..steps.pending_calls import answer_unanswered
from ..steps.question import question_limits
from ..steps.step_options import StepOptions
from ..tools.local_tool import LocalTool
from .before_hooks import Question
from .offered_tools import ChosenTools
from .state import current_state

ASKING_PROTOCOLS = frozenset({"native", "ai-sdk", "ai-sdk-v4"})
"""The protocols of clients that see a call that waits for its approval; the others run all calls that they see."""


class Bounds(NamedTuple):
    """The bounds that a request sets itself; None for those of the service.

    Args:
        max_steps: After how many steps with calls the model must answer.
        max_cost: The most that the answer may cost.
    """

    max_steps: int | None
    max_cost: float | None


def plan_steps(
    question: Question,
    local: ChosenTools,
    default_provider: str | None,
    bounds: Bounds,
    app_context: Any,  # noqa: ANN401  # the application's own
) -> tuple[ChatRequest, StepOptions | None]:
    """Return the request to the model, and what its steps need; None if it is one question without further limits.

    Args:
        question: The question.
        local: The tools that run here and that the request declares.
        default_provider: See `resolve`.
        bounds: The bounds that the request sets.
        app_context: The application's own value.

    Raises:
        InvalidRequest: a bound is not valid, or an approval is none of this service; 400.
    """
    state = current_state()
    request = question.request
    _check(bounds)
    costs = [cost for cost in (bounds.max_cost, state.max_cost) if cost is not None]
    max_cost = min(costs, default=None)
    has_approvals = any(call.approval is not None for message in request.messages for call in message.tool_calls)
    if not local.tools and not has_approvals:
        if max_cost is None:
            return request, None
        return request, _options({}, max_cost)
    declared = {tool.name for tool in request.tools}
    tools = {name: tool for name, tool in local.tools.items() if name in declared}
    if local.is_implied and tools and _calls_no_tools(question, default_provider):
        request = replace(request, tools=tuple([tool for tool in request.tools if tool.name not in tools]))
        tools = {}
    limit, approvals = state.offered_tools.max_steps, state.offered_tools.approvals
    messages, pending = answer_unanswered(request.messages, local.tools, tools, approvals, question.owner)
    options = _options(tools, max_cost)._replace(
        max_steps=limit if bounds.max_steps is None else min(bounds.max_steps, limit),
        owner=question.owner,
        context=app_context,
        pending=pending,
        can_ask=question.protocol in ASKING_PROTOCOLS,
    )
    return replace(request, messages=messages), options


def _options(tools: Mapping[str, LocalTool[..., Any]], max_cost: float | None) -> StepOptions:
    state = current_state()
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # as Flask documents it
    return StepOptions(
        tools=tools,
        max_steps=state.offered_tools.max_steps,
        question_limits=question_limits(state.streams.limits, max_cost),
        tool_limits=state.offered_tools.limits,
        approvals=state.offered_tools.approvals,
        enter=app.app_context,
    )


def _calls_no_tools(question: Question, default_provider: str | None) -> bool:
    provider, _ = current_state().registry.resolve(question.model, default_provider)
    return "tools" in provider.unsupported_features


def _check(bounds: Bounds) -> None:
    if bounds.max_steps is not None and bounds.max_steps < 0:
        raise InvalidRequest(f"max_steps is {bounds.max_steps}: it must be 0 or more.")
    if bounds.max_cost is not None and not bounds.max_cost > 0:
        raise InvalidRequest(f"max_cost is {bounds.max_cost:g}: it must be more than 0.")
