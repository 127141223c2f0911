"""The tool calls of one response in the AI SDK's UI message stream, as frames. Pure.

A client takes frames of a call only behind the frame that begins it, in the response or in the message that the answer
continues.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from ...core.application_events import ApprovalRequested, ToolProgress, ToolResult
from ...core.events import ToolCallCompleted, ToolCallDelta, ToolCallStarted
from .application_frames import result_object
from .ui_frames import frame


class EarlierCall(NamedTuple):
    """A call of the request's last message that the answer runs, or not, before all else.

    Args:
        name: The tool's name.
        input: The arguments.
    """

    name: str
    input: Any


CallEvent: TypeAlias = ToolCallStarted | ToolCallDelta | ToolCallCompleted
OutcomeEvent: TypeAlias = ToolResult | ToolProgress | ApprovalRequested


_NO_CALLS: dict[Any, Any] = {}  # stays empty: most responses have no calls, and each would hold several empty dicts


class UIToolCalls:
    """The tool calls of one response.

    Args:
        earlier: The calls of the request's last message that wait for this answer, by their ids.
        knows_approvals: Whether the client knows the frames of approvals.
    """

    __slots__ = ("_earlier", "_ids", "_knows_approvals", "_of_step", "_open", "_running")

    def __init__(self, earlier: Mapping[str, EarlierCall], *, knows_approvals: bool) -> None:
        self._earlier, self._knows_approvals = earlier, knows_approvals
        self._open: dict[int, ToolCallStarted] = _NO_CALLS  # whose arguments are incomplete
        self._ids: dict[int, str] = _NO_CALLS
        self._of_step: dict[str, bool] = _NO_CALLS  # the calls of this step, and whether they have a result
        self._running: dict[str, None] = _NO_CALLS  # that run here, and have no result
        if earlier:
            self._begin_calls()
            self._running.update(dict.fromkeys(earlier))

    def _begin_calls(self) -> None:
        if self._ids is _NO_CALLS:
            self._open, self._ids, self._of_step, self._running = {}, {}, {}, {}

    @property
    def is_open(self) -> bool:
        """Whether the arguments of a call are incomplete."""
        return bool(self._open)

    @property
    def is_answered(self) -> bool:
        """Whether this step has calls, and all of them have a result."""
        return bool(self._of_step) and all(self._of_step.values())

    def begin_step(self) -> None:
        """Begin another step."""
        self._of_step.clear()

    def forget(self) -> None:
        """Forget the calls of this step, since the client has removed them."""
        self._open.clear()
        self._end(self._of_step)
        self._of_step.clear()

    def repeat_earlier(self) -> list[bytes]:
        """Return the frames with which a message that is no continuation shows the earlier calls."""
        self._of_step.update(dict.fromkeys(self._earlier, False))
        return [
            frame("tool-input-available", toolCallId=id_, toolName=call.name, input=call.input)
            for id_, call in self._earlier.items()
        ]

    def encode_call(self, event: CallEvent) -> bytes:
        """Return the frame of a call that a model makes."""
        match event:
            case ToolCallStarted(index, id, name):
                self._begin_calls()
                self._open[index] = event
                self._ids[index] = id
                self._of_step[id] = False
                return frame("tool-input-start", toolCallId=id, toolName=name)
            case ToolCallDelta(index, text):
                return frame("tool-input-delta", toolCallId=self._ids[index], inputTextDelta=text)
            case ToolCallCompleted(index, arguments):
                started = self._open.pop(index)
                if started.runs_here:
                    self._running[started.id] = None
                return frame("tool-input-available", toolCallId=started.id, toolName=started.name, input=arguments)

    def encode_outcome(self, event: OutcomeEvent) -> list[bytes]:
        """Return the frame of what comes of a call; none if the client knows no such frame, or not the call."""
        id_ = self._ids[event.index] if isinstance(event, ApprovalRequested) else self._id_of(event)
        if id_ is None:
            return []
        match event:
            case ToolProgress():
                return [frame("tool-output-available", toolCallId=id_, output=event.value, preliminary=True)]
            case ApprovalRequested():
                self._running.pop(id_, None)
                asked = frame("tool-approval-request", approvalId=event.approval, toolCallId=id_)
                return [asked] if self._knows_approvals else []
            case ToolResult():
                self._end([id_])
                if event.is_denied and self._knows_approvals:
                    return [frame("tool-output-denied", toolCallId=id_)]
                return [frame(**result_object(event, id_))]

    def _id_of(self, event: ToolResult | ToolProgress) -> str | None:
        if event.call_id is None:
            return self._ids[event.index]
        return event.call_id if event.call_id in self._earlier else None

    def cut(self, why: str) -> list[bytes]:
        """Return the frames of calls whose arguments stay incomplete."""
        cut = [
            frame("tool-input-error", toolCallId=started.id, toolName=started.name, input={}, errorText=why)
            for started in self._open.values()
        ]
        self._end([started.id for started in self._open.values()])
        self._open.clear()
        return cut

    def give_up(self, why: str) -> list[bytes]:
        """Return the frames of calls that run here and will have no result."""
        given_up = [frame("tool-output-error", toolCallId=id_, errorText=why) for id_ in self._running]
        self._end([*self._running])
        return given_up

    def _end(self, ids: Iterable[str]) -> None:
        for id_ in ids:
            self._running.pop(id_, None)
            if id_ in self._of_step:
                self._of_step[id_] = True
