"""The messages that a question and its answer add to a conversation: each turn, and the results of tool calls."""

from __future__ import annotations

from collections.abc import Container, Sequence

from ..core import exact_json
from ..core.answer import Block, CollectedAnswer, ReasoningBlock, TextBlock, ToolCallBlock, is_reasoning_state
from ..core.application_events import ToolResult
from .chat_request import Message, Part, ReasoningPart, TextPart, ToolCall
from .tool_approval import ToolApproval


def complete_calls(blocks: Sequence[Block]) -> list[ToolCallBlock]:
    """Return the tool calls among blocks whose arguments are a JSON object."""
    return [block for block in blocks if isinstance(block, ToolCallBlock) and isinstance(block.arguments, dict)]


def call_of(block: ToolCallBlock) -> ToolCall:
    """Return a tool call as it stands in a message."""
    approval = None if block.approval is None or block.result is not None else ToolApproval(block.approval)
    arguments = block.arguments if isinstance(block.arguments, dict) else {}
    return ToolCall(block.id, block.name, arguments, approval=approval)


def answer_messages(answer: CollectedAnswer) -> list[Message]:
    """Return the messages of an answer; empty if nothing was answered."""
    earlier = [result_message(result.call_id or "", result) for result in answer.earlier_results]
    starts = [0, *answer.turns]
    ends = [*answer.turns, len(answer.blocks)]
    turns = [
        _turn_messages(answer.blocks[start:end], _state(answer, start, end), is_last=end == ends[-1])
        for start, end in zip(starts, ends, strict=True)
    ]
    return [*earlier, *(message for turn in turns for message in turn)]


def added_places(messages: Sequence[Message], local_names: Container[str]) -> tuple[int, ...]:
    """Return the places of the messages that a question adds to the conversation that an application keeps.

    The last one, or the results behind the last turn. Results of tools that run here came with the answer before, and
    so did a turn whose calls wait for approvals.

    Args:
        messages: The conversation.
        local_names: The names of the tools that run here.
    """
    turn = next((place for place in reversed(range(len(messages))) if messages[place].role != "tool"), -1)
    calls = messages[turn].tool_calls if turn >= 0 else ()
    known = {call.id for call in calls if call.approval is not None or call.name in local_names}
    if turn == len(messages) - 1:
        return () if turn < 0 or known else (turn,)
    return tuple([place for place in range(turn + 1, len(messages)) if messages[place].tool_call_id not in known])


def result_message(call_id: str, result: ToolResult) -> Message:
    """Return the message with the result of a call."""
    if result.error is not None:
        return Message("tool", result.error, tool_call_id=call_id, is_error=True)
    value = result.result
    content = value if isinstance(value, str) else exact_json.encode(value).decode()
    return Message("tool", content, tool_call_id=call_id)


def _state(answer: CollectedAnswer, start: int, end: int) -> str | None:
    """Return the reasoning state of the turn with the blocks from `start` up to `end`; None if it has none."""
    first = start + 1 if start else 0
    states = [
        event.data for place, event in answer.provider_events if first <= place <= end and is_reasoning_state(event)
    ]
    return states[-1] if states else None


def _turn_messages(blocks: Sequence[Block], reasoning_state: str | None, *, is_last: bool) -> list[Message]:
    """Return the messages of one answer of a model: its text and calls, then the results of its calls."""
    calls = [block for block in blocks if isinstance(block, ToolCallBlock)]
    # No provider takes a conversation that goes on after a call without its result.
    kept = [call for call in calls if call.result is not None or (is_last and isinstance(call.arguments, dict))]
    parts = [part for block in blocks if (part := _part(block)) is not None]
    content: str | tuple[Part, ...] = tuple(parts)
    if all(isinstance(part, TextPart) for part in parts):
        content = "".join([part.text for part in parts if isinstance(part, TextPart)])
    if not content and not kept:
        return []
    answer = Message("assistant", content, tuple([call_of(call) for call in kept]), reasoning_state=reasoning_state)
    return [answer, *[result_message(call.id, call.result) for call in kept if call.result is not None]]


def _part(block: TextBlock) -> Part | None:
    match block:
        case ToolCallBlock():
            return None
        case ReasoningBlock(signature=signature, is_redacted=is_redacted):
            # Without a signature, no provider takes reasoning back.
            return None if signature is None else ReasoningPart(block.text, signature, is_redacted)
        case _:
            return TextPart(block.text) if block.text else None
