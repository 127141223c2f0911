"""The events of a finished step, for readers who must begin anew because the model of a later step does. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..core.answer import CollectedAnswer, ReasoningBlock, TextBlock, ToolCallBlock
from ..core.events import (
    Event,
    ReasoningDelta,
    ReasoningSignature,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
)


def step_events(step: CollectedAnswer, indexes: Mapping[str, int]) -> Iterator[Event]:
    """Yield the events of a step, each text in one piece.

    Args:
        step: The step.
        indexes: The numbers of its tool calls within the answer, by the calls' ids.
    """
    beside: list[tuple[int, Event]] = sorted([*step.provider_events, *step.sources], key=lambda item: item[0])
    for number, block in enumerate(step.blocks):
        yield from [event for place, event in beside if place == number]
        match block:
            case ToolCallBlock():
                yield from _call_events(block, indexes[block.id])
            case ReasoningBlock():
                yield from _reasoning_events(block)
            case TextBlock():
                yield TextDelta(block.text)
    yield from [event for place, event in beside if place == len(step.blocks)]
    for block in step.tool_calls():
        if block.result is not None:
            yield block.result


def _call_events(call: ToolCallBlock, index: int) -> Iterator[Event]:
    yield ToolCallStarted(index, call.id, call.name, call.runs_here)
    if call.text:
        yield ToolCallDelta(index, call.text)
    yield ToolCallCompleted(index, call.arguments)


def _reasoning_events(block: ReasoningBlock) -> Iterator[Event]:
    if block.text:
        yield ReasoningDelta(block.text)
    if block.signature is not None:
        yield ReasoningSignature(block.signature, block.is_redacted)
