"""The tool calls at the end of a question that wait for this service: a person has approved them, or not. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from ..core.errors import InvalidRequest
from ..providers.chat_request import Message, ToolCall
from ..providers.tool_approval import ToolApproval
from ..tools.approvals import Approvals
from ..tools.local_tool import LocalTool

UNANSWERED = "There is no result: the call was not approved, or it was stopped."
"""What the model is told of a call that runs here, if the conversation goes on without its result."""


class PendingCall(NamedTuple):
    """A call of a question's messages that was asked to be approved.

    Args:
        call: The call.
        tool: The tool; None if the call was not approved.
        approval: The answer.
    """

    call: ToolCall
    tool: LocalTool[..., Any] | None
    approval: ToolApproval


def answer_unanswered(
    messages: Sequence[Message],
    tools: Mapping[str, LocalTool[..., Any]],
    offered: Mapping[str, LocalTool[..., Any]],
    approvals: Approvals,
    owner: str,
) -> tuple[tuple[Message, ...], list[PendingCall]]:
    """Return the messages, with a result for each call of a local tool that nobody has approved, and the pending calls.

    Args:
        messages: The conversation.
        tools: The tools that run here, by their names: the client is asked for no results of them.
        offered: Those of the tools that the question is offered, so that an approved call may run.
        approvals: The approvals.
        owner: The owner of the question.

    Raises:
        InvalidRequest: an approval is none of just this call and owner, or a call at the end has no answer; 400.
    """
    answered = _answered(messages)
    last = _last_turn(messages)
    kept: list[Message] = []
    pending: list[PendingCall] = []
    late: list[Message] = []
    left_to_client = ""
    for number, message in enumerate(messages):
        if message.role != "tool":
            kept += late
            late = []
        kept.append(_without_approvals(message))
        for place, call in enumerate(message.tool_calls):
            where = f"messages[{number}].tool_calls[{place}]"
            if (number, call.id) in answered:
                continue
            if call.approval is None and call.name not in tools:
                left_to_client = where if number == last else ""
            elif number == last:
                pending.append(_pending_call(call, where, offered, approvals, owner))
            else:
                late.append(Message("tool", UNANSWERED, tool_call_id=call.id, is_error=True))
    if pending and left_to_client:
        # No provider would accept the conversation, after the approved tools had run.
        raise InvalidRequest(f"{left_to_client} has no result: send the results of all calls that the client runs.")
    return (*kept, *late), pending


def _answered(messages: Sequence[Message]) -> set[tuple[int, str]]:
    """Return the calls that have a result: the number of the message, and the id, which a later turn may use again."""
    made: dict[str, int] = {}
    answered: set[tuple[int, str]] = set()
    for number, message in enumerate(messages):
        made.update({call.id: number for call in message.tool_calls})
        if message.role == "tool" and message.tool_call_id in made:
            answered.add((made[message.tool_call_id], message.tool_call_id))
    return answered


def _last_turn(messages: Sequence[Message]) -> int | None:
    """Return the number of the message behind which only results of its calls follow; None if the user goes on."""
    turns = [number for number, message in enumerate(messages) if message.role != "tool"]
    return turns[-1] if turns and messages[turns[-1]].tool_calls else None


def _without_approvals(message: Message) -> Message:
    if all(call.approval is None for call in message.tool_calls):
        return message
    return replace(message, tool_calls=tuple([replace(call, approval=None) for call in message.tool_calls]))


def _pending_call(
    call: ToolCall, where: str, tools: Mapping[str, LocalTool[..., Any]], approvals: Approvals, owner: str
) -> PendingCall:
    approval = call.approval
    if approval is None or approval.approved is None:
        raise InvalidRequest(
            f"{where} calls {call.name!r:.100}, which runs here, and has no result: send the call with its approval "
            "answered (approved true or false), or its result, or another message of the user."
        )
    if not approval.approved:
        return PendingCall(call, None, approval)
    if (tool := tools.get(call.name)) is None:
        raise InvalidRequest(f"{where} approves {call.name!r:.100}, and no tool of this name runs here.")
    approvals.check(call, approval, owner)
    return PendingCall(call, tool, approval)
