"""The tool calls in messages of the AI SDK's `useChat`: as calls and results of a `ChatRequest`. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ...core import exact_json
from ...core.errors import InvalidRequest
from ...providers.chat_request import Message, ToolCall
from ...providers.tool_approval import ToolApproval, denial
from .chat_body import UIApproval, UIMessage, UIMessagePart

UNANSWERED_RESULT = "The call was not answered: the tool did not run to its end."
UNAPPROVED_RESULT = "The call was not approved, and the tool did not run."
INTERRUPTED_RESULT = "The call was approved, and the answer was interrupted: whether the tool ran is not known."
"""The results of tool calls without an output, as the model sees them."""


def superseded_calls(messages: Sequence[UIMessage]) -> frozenset[tuple[int, int]]:
    """Return the places of calls without a result that stand once more with their result in a later message.

    A replayed answer is a message of its own, in which the calls that it has run stand once more.

    Returns:
        The numbers of the message and of the part.
    """
    answered: set[tuple[str, str | None, bytes]] = set()
    superseded = []
    for index, message in reversed(list(enumerate(messages))):
        keys = [
            (place, part, (part.tool_call_id, part.called_tool, exact_json.encode(part.input)))
            for place, part in enumerate(message.parts)
            if part.called_tool is not None
        ]
        # Some models use an id again in another answer.
        superseded += [(index, place) for place, part, key in keys if not part.has_result and key in answered]
        answered |= {key for _, part, key in keys if part.has_result}
    return frozenset(superseded)


def to_tool_call(path: str, part: UIMessagePart, *, is_open: bool) -> ToolCall:
    """Return a tool call.

    Args:
        path: The part's path, for error messages.
        part: The part.
        is_open: Whether nothing follows the step of the call, so that an approval of it counts.

    Raises:
        InvalidRequest: it has no name or no id, or nobody has answered a call that the model waits for; 400.
    """
    if not part.called_tool or not part.tool_call_id:
        raise InvalidRequest(f"{path} is a tool call without a name or without `toolCallId`.")
    # A call that failed before its arguments were complete has no input.
    arguments = part.input if isinstance(part.input, dict) else {}
    approval = _answered_approval(path, part) if is_open and not part.has_result else None
    return ToolCall(part.tool_call_id, part.called_tool, arguments, approval=approval)


def _answered_approval(path: str, part: UIMessagePart) -> ToolApproval:
    match part.state, part.approval:
        case "approval-responded", UIApproval(id_, bool(approved), reason):
            return ToolApproval(id_, approved, reason)
        case "approval-responded", _:
            raise InvalidRequest(
                f"{path} calls {part.called_tool!r:.100} and its approval has no answer: send `approval` with `id` and "
                "`approved`."
            )
        case "approval-requested", _:
            raise InvalidRequest(
                f"{path} calls {part.called_tool!r:.100}, and nobody has approved or denied it: send the request when "
                "somebody has, or another message of the user."
            )
        case _:
            raise InvalidRequest(
                f"{path} calls {part.called_tool!r:.100} and has no output: send the request with the output."
            )


def to_tool_message(part: UIMessagePart) -> Message:
    """Return the result of a tool call; an error if it has none."""
    if part.state == "output-available" and part.has_result:
        output = part.output if isinstance(part.output, str) else exact_json.encode(part.output).decode()
        return Message("tool", output, tool_call_id=part.tool_call_id)
    return Message("tool", _error_of(part), tool_call_id=part.tool_call_id, is_error=True)


def _error_of(part: UIMessagePart) -> str:
    is_approved = part.approval is not None and part.approval.approved
    match part.state:
        case "output-error":
            return part.error_text
        case "approval-requested":
            return UNAPPROVED_RESULT
        case "approval-responded" if is_approved:
            return INTERRUPTED_RESULT
        case "output-denied" | "approval-responded":
            return denial(None if part.approval is None else part.approval.reason)
        case _:
            return UNANSWERED_RESULT
