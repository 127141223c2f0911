"""An encoder for clients that would run each tool call that they see: they do not get those that run here. Pure.

Clients of OpenAI's and Anthropic's protocols are such, and so is plain text.
"""

from __future__ import annotations

from copy import copy
from typing import Any, cast

from msgspec.structs import replace

from ...core.answer import CollectedAnswer, TextBlock, ToolCallBlock
from ...core.application_events import OMITTED, ApprovalRequested, StepStarted, ToolProgress, ToolResult
from ...core.errors import HeadraceError
from ...core.events import (
    AnswerRestarted,
    Completed,
    Event,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
)
from ...core.text_buffer import TextBuffer
from .base import JSONEncoder, StreamEncoder

STEP_BREAK = "\n\n"
"""What stands between the texts of two steps where a protocol has one text for the whole answer."""


class WithoutLocalCalls:
    """Wraps an encoder: it gets the events, without those of calls that run here; the other calls are numbered anew.

    Args:
        encoder: The encoder of the protocol.
        has_one_text: Whether the protocol has one text for the whole answer.
    """

    def __init__(self, encoder: StreamEncoder, *, has_one_text: bool) -> None:
        self._encoder, self._has_one_text = encoder, has_one_text
        self.HEADERS = encoder.HEADERS
        self._reset()

    def _reset(self) -> None:
        self._indexes: dict[int, int] = {}  # of the calls that the client sees, by their numbers within the answer
        self._has_text = self._is_new_step = False

    def encode(self, events: list[Event], first_id: int | None = None, id_suffix: bytes = b"") -> bytes:
        """Return the bytes of the next events; see `StreamEncoder.encode`."""
        return self._encoder.encode([self._visible(event) for event in events], first_id, id_suffix)

    def encode_whole(self, answer: CollectedAnswer) -> Any:  # noqa: ANN401  # a JSON value of the protocol
        """Return a complete answer as one JSON value."""
        encoder = cast("JSONEncoder", self._encoder)  # only protocols with whole answers ask for them
        return encoder.encode_whole(_without_local_calls(answer, has_one_text=self._has_one_text))

    def error_body(self, error: HeadraceError) -> Any:  # noqa: ANN401
        """Return the wrapped encoder's body of an error response."""
        return self._encoder.error_body(error)

    def _visible(self, event: Event) -> Event:
        match event:
            case TextDelta(text):
                is_break = self._has_one_text and self._is_new_step and self._has_text
                self._has_text, self._is_new_step = True, False
                return TextDelta(STEP_BREAK + text) if is_break else event
            case ToolCallStarted(runs_here=True) | ToolProgress() | ApprovalRequested():
                return OMITTED
            case ToolCallStarted(index):
                self._indexes[index] = len(self._indexes)
                return replace(event, index=self._indexes[index])
            case ToolCallDelta(index) | ToolCallCompleted(index) | ToolResult(index):
                return replace(event, index=self._indexes[index]) if index in self._indexes else OMITTED
            case StepStarted():
                self._is_new_step = True
            case AnswerRestarted():
                self._reset()
            case Completed("tool_calls") if not self._indexes:
                return replace(event, finish_reason="other")
        return event


def _without_local_calls(answer: CollectedAnswer, *, has_one_text: bool) -> CollectedAnswer:
    visible = copy(answer)
    visible.blocks = []
    places = [0]  # of the blocks of the answer among those that are visible
    is_new_step = False
    for number, block in enumerate(answer.blocks):
        is_text = type(block) is TextBlock
        is_new_step |= number in answer.turns
        if is_text and has_one_text and is_new_step and visible.text():
            visible.blocks.append(_text_block(STEP_BREAK))
        is_new_step &= not is_text  # reasoning may stand before the text of a step
        if not (isinstance(block, ToolCallBlock) and block.runs_here):
            visible.blocks.append(block)
        places.append(len(visible.blocks))
    visible.provider_events = [(places[place], event) for place, event in answer.provider_events]
    visible.sources = [(places[place], source) for place, source in answer.sources]
    visible.turns = [places[place] for place in answer.turns]
    completed = answer.completed
    if completed is not None and completed.finish_reason == "tool_calls" and not visible.tool_calls():
        visible.completed = replace(completed, finish_reason="other")
    return visible


def _text_block(text: str) -> TextBlock:
    buffer = TextBuffer()
    buffer.append(text)
    return TextBlock(buffer)
