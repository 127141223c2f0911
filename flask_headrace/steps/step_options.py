"""What the steps of an answer need beside the request: a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from ..tools.approvals import Approvals
from ..tools.local_tool import LocalTool
from ..tools.running import ToolLimits
from .pending_calls import PendingCall
from .question import QuestionLimits


class StepOptions(NamedTuple):
    """What the steps of an answer need beside the request.

    Args:
        tools: The tools that run here, by their names.
        max_steps: After how many steps with calls the model is asked without tools.
        question_limits: The limits of the questions.
        tool_limits: The limits of the calls.
        approvals: The approvals.
        enter: Returns the context in which a call runs.
        owner: The owner of the stream.
        context: The application's own value, for the tools.
        pending: The calls of the question's messages that were asked to be approved.
        can_ask: Whether the client's protocol can ask a person to approve a call.
    """

    tools: Mapping[str, LocalTool[..., Any]]
    max_steps: int
    question_limits: QuestionLimits
    tool_limits: ToolLimits
    approvals: Approvals
    enter: Callable[[], AbstractContextManager[object]]
    owner: str = ""
    context: Any = None
    pending: Sequence[PendingCall] = ()
    can_ask: bool = True
