"""A whole answer, put together from its events. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from .events import (
    AnswerRestarted,
    Completed,
    Event,
    FinishReason,
    ReasoningDelta,
    ReasoningSignature,
    ResponseStarted,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from .text_buffer import GrowingText
from .usage import text_of


@dataclass(slots=True)
class Text:
    """A run of text."""

    growing: GrowingText = field(default_factory=GrowingText)

    @property
    def text(self) -> str:
        """All of it."""
        return str(self.growing)


@dataclass(slots=True)
class Reasoning(Text):
    """A run of reasoning, and what its provider knows it by; see `ReasoningSignature`."""

    signature: str | None = None
    is_redacted: bool = False


@dataclass(slots=True)
class Call(Text):
    """A tool call: the JSON text of its arguments, and their value."""

    id: str = ""
    name: str = ""
    arguments: Any = None


Block: TypeAlias = Text | Reasoning | Call


class CollectedAnswer:
    """An answer as it grows.

    Attributes:
        blocks: Its runs of text, reasoning and tool calls, in their order.
        size: Characters in it.
        started: Who answers; None before that is known.
        usage: What it took; None before the end.
        finish_reason: Why the model ended it; None before the end.
        stop_sequence: See `Completed`.
    """

    __slots__ = ("_calls", "blocks", "finish_reason", "size", "started", "stop_sequence", "usage")

    def __init__(self) -> None:
        self.started: ResponseStarted | None = None
        self.usage: Usage | None = None
        self.finish_reason: FinishReason | None = None
        self.stop_sequence: str | None = None
        self._forget()

    def _forget(self) -> None:
        self.blocks: list[Block] = []
        self._calls: dict[int, Call] = {}
        self.size = 0

    def text(self) -> str:
        """Return all text of it, without reasoning and tool calls."""
        return "".join([block.text for block in self.blocks if type(block) is Text])

    def reasoning(self) -> str:
        """Return all that the model thought aloud."""
        return "".join([block.text for block in self.blocks if isinstance(block, Reasoning)])

    def calls(self) -> list[Call]:
        """Return the tool calls."""
        return list(self._calls.values())

    def add(self, events: list[Event]) -> None:
        """Take the next events."""
        for event in events:
            self.size += len(text_of(event))
            self._add(event)

    def _add(self, event: Event) -> None:
        match event:
            case TextDelta(text):
                self._run_of(Text).growing.add(text)
            case ReasoningDelta(text):
                self._open_reasoning().growing.add(text)
            case ReasoningSignature(signature, is_redacted):
                self._sign(signature, is_redacted=is_redacted)
            case ToolCallStarted(call, id, name):
                self._calls[call] = Call(id=id, name=name)
                self.blocks.append(self._calls[call])
            case ToolCallDelta(call, text):
                self._calls[call].growing.add(text)
            case ToolCallCompleted(call, arguments):
                self._calls[call].arguments = arguments
            case _:
                self._note(event)

    def _note(self, event: Event) -> None:
        match event:
            case ResponseStarted():
                self.started = event
            case AnswerRestarted(_, model):
                self._forget()
                if self.started is not None:
                    self.started = msgspec.structs.replace(self.started, model=model)
            case Usage():
                self.usage = event
            case Completed(finish_reason, stop_sequence):
                self.finish_reason, self.stop_sequence = finish_reason, stop_sequence

    def _run_of(self, kind: type[Text]) -> Text:
        if not self.blocks or type(self.blocks[-1]) is not kind:
            self.blocks.append(kind())
        return self.blocks[-1]

    def _open_reasoning(self) -> Text:
        # One that is signed is whole: what follows is another.
        if self.blocks and isinstance(self.blocks[-1], Reasoning) and self.blocks[-1].signature is not None:
            self.blocks.append(Reasoning())
        return self._run_of(Reasoning)

    def _sign(self, signature: str, *, is_redacted: bool) -> None:
        run = Reasoning(is_redacted=True) if is_redacted else self._open_reasoning()
        if is_redacted:
            self.blocks.append(run)
        assert isinstance(run, Reasoning)
        run.signature = signature
