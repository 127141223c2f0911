"""A complete answer, collected from the events of its stream. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from .application_events import ApprovalRequested, Data, File, Source, StepStarted, ToolResult, data_size
from .events import (
    AnswerRestarted,
    Completed,
    Event,
    FinishReason,
    ProviderEvent,
    ReasoningDelta,
    ReasoningSignature,
    ResponseStarted,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from .text_buffer import TextBuffer
from .usage import delta_text


@dataclass(slots=True)
class TextBlock:
    """A run of text in an answer."""

    buffer: TextBuffer = field(default_factory=TextBuffer)

    @property
    def text(self) -> str:
        """The text so far; for a tool call, the JSON text of its arguments."""
        return str(self.buffer)


@dataclass(slots=True)
class ReasoningBlock(TextBlock):
    """A run of reasoning. For the fields see `ReasoningSignature`; `signature` is None before that event."""

    signature: str | None = None
    is_redacted: bool = False


@dataclass(slots=True)
class ToolCallBlock(TextBlock):
    """A tool call. `arguments` is the parsed value of the arguments; None before the call is complete.

    `result` is what the application's tool returned; None if the application has not executed it. `approval` is the id
    of the approval that the call waits for. `runs_here`: see `ToolCallStarted`.
    """

    id: str = ""
    name: str = ""
    arguments: Any = None
    result: ToolResult | None = None
    approval: str | None = None
    runs_here: bool = False


Block: TypeAlias = TextBlock | ReasoningBlock | ToolCallBlock


def is_reasoning_state(event: ProviderEvent) -> bool:
    """Whether an event has the state of the answer's reasoning, for the next turn of the conversation."""
    return event.family == "native" and event.kind == "reasoning_state"


class CollectedAnswer:
    """Collects the events of one stream into an answer.

    Attributes:
        provider_events: What only the provider's own protocol has, each with the number of blocks before it.
        blocks: The runs of text, reasoning and tool calls, in their order.
        turns: The numbers of blocks before which a new turn of the conversation begins: after results of tool calls.
        sources: What the answer is based on, each with the number of blocks before the text that may cite it.
        files: The files in the answer.
        earlier_results: The results of calls in the question's messages.
        size: The approximate number of characters of the answer.
        started: The stream's first event, with the model that answers now; None before that event.
        usage: The usage; None before the end.
        completed: The last event of a complete answer; None before it.
    """

    __slots__ = (
        "_calls", "_closed", "_data", "_has_result", "blocks", "completed", "earlier_results", "files",
        "provider_events", "size", "sources", "started", "turns", "usage",
    )  # fmt: skip

    def __init__(self) -> None:
        self.started: ResponseStarted | None = None
        self.usage: Usage | None = None
        self.completed: Completed | None = None
        self._reset()

    def _reset(self) -> None:
        self.blocks: list[Block] = []
        self._calls: dict[int, ToolCallBlock] = {}
        self.provider_events: list[tuple[int, ProviderEvent]] = []
        self._closed = 0  # blocks that no further piece belongs to, since content of the provider followed them
        self.turns: list[int] = []
        self._has_result = False  # whether the current turn has the result of a call
        self.sources: list[tuple[int, Source]] = []
        self.files: list[File] = []
        self.earlier_results: list[ToolResult] = []
        self._data: dict[tuple[str, str | int], Data] = {}
        self.size = 0

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the model ended the answer; None before the end."""
        return None if self.completed is None else self.completed.finish_reason

    @property
    def stop_sequence(self) -> str | None:
        """The stop sequence that ended the answer; see `Completed`."""
        return None if self.completed is None else self.completed.stop_sequence

    @property
    def reasoning_state(self) -> str | None:
        """What the provider wants back of its reasoning, as opaque text; None for nothing."""
        states = [event.data for _, event in self.provider_events if is_reasoning_state(event)]
        return states[-1] if states else None

    def text(self) -> str:
        """Return the text of the answer, without reasoning and tool calls."""
        return "".join([block.text for block in self.blocks if type(block) is TextBlock])

    def reasoning(self) -> str:
        """Return the text of all reasoning."""
        return "".join([block.text for block in self.blocks if isinstance(block, ReasoningBlock)])

    def tool_calls(self) -> list[ToolCallBlock]:
        """Return the tool calls in the order in which they began."""
        return [block for block in self.blocks if isinstance(block, ToolCallBlock)]

    def data(self) -> list[Data]:
        """Return the application's values without transient ones; a later one of the same name and id replaces it."""
        return list(self._data.values())

    def add(self, events: list[Event]) -> None:
        """Add the next events of the stream."""
        for event in events:
            self.size += len(delta_text(event))
            self._add(event)

    def _add(self, event: Event) -> None:
        match event:
            case TextDelta(text):
                self._open_block(TextBlock).buffer.append(text)
            case ReasoningDelta(text):
                self._open_reasoning().buffer.append(text)
            case ReasoningSignature(signature, is_redacted):
                self._sign(signature, is_redacted=is_redacted)
            case ToolCallStarted(call, id, name, runs_here):
                self._calls[call] = ToolCallBlock(id=id, name=name, runs_here=runs_here)
                self._append(self._calls[call])
            case ToolCallDelta(call, text):
                self._calls[call].buffer.append(text)
            case ToolCallCompleted(call, arguments):
                self._calls[call].arguments = arguments
            case _:
                self._add_metadata(event)

    def _add_metadata(self, event: Event) -> None:
        match event:
            case ResponseStarted():
                self.started = event
            case ProviderEvent(data=data, is_content=is_content):
                self.size += len(data)
                self.provider_events.append((len(self.blocks), event))
                self._closed = len(self.blocks) if is_content else self._closed
            case AnswerRestarted(_, model):
                self._reset()
                if self.started is not None:
                    self.started = msgspec.structs.replace(self.started, model=model)
            case Usage():
                self.usage = event
            case Completed():
                self.completed = event
            case _:
                self._add_of_application(event)

    def _add_of_application(self, event: Event) -> None:
        match event:
            case ToolResult(call_id=str()):
                self._resize(None, event)
                self.earlier_results.append(event)
            case ApprovalRequested(call, approval):
                self._calls[call].approval = approval
            case ToolResult(call):
                self._resize(self._calls[call].result, event)
                self._calls[call].result = event
                self._has_result = True
            case StepStarted():
                self._closed = len(self.blocks)
            case Source():
                self._resize(None, event)
                is_open = not self.is_closed and type(self.blocks[-1]) is TextBlock
                self.sources.append((len(self.blocks) - is_open, event))
            case File():
                self._resize(None, event)
                self.files.append(event)
            case Data(name, _, id, transient=False):
                key = (name, len(self._data) if id is None else id)
                self._resize(self._data.get(key), event)
                self._data[key] = event

    def _resize(self, replaced: Event | None, event: Event) -> None:
        self.size += data_size([event]) - (0 if replaced is None else data_size([replaced]))

    def _append(self, block: Block) -> None:
        if self._has_result:
            self.turns.append(len(self.blocks))
            self._has_result = False
        self.blocks.append(block)

    @property
    def is_closed(self) -> bool:
        """Whether no further piece belongs to the last block."""
        return len(self.blocks) == self._closed or self._has_result

    def _open_block(self, kind: type[TextBlock]) -> TextBlock:
        if self.is_closed or type(self.blocks[-1]) is not kind:
            self._append(kind())
        return self.blocks[-1]

    def _open_reasoning(self) -> TextBlock:
        # A signed run of reasoning is complete: the next delta begins another run.
        if self.blocks and isinstance(self.blocks[-1], ReasoningBlock) and self.blocks[-1].signature is not None:
            self._append(ReasoningBlock())
        return self._open_block(ReasoningBlock)

    def _sign(self, signature: str, *, is_redacted: bool) -> None:
        run = ReasoningBlock(is_redacted=True) if is_redacted else self._open_reasoning()
        if is_redacted:
            self._append(run)
        assert isinstance(run, ReasoningBlock)
        run.signature = signature
