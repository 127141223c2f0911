"""What a custom generator has yielded so far: the tool calls and the sources of its answer.

Pure.
"""

from __future__ import annotations

from msgspec.structs import replace

from ..core.application_events import Source, ToolResult
from ..core.errors import InvalidToolArguments
from ..core.events import AnswerRestarted, Completed, Event, StreamMetadata, ToolCallCompleted, ToolCallStarted
from .decoding.tool_calls import to_failed_event
from .source_faults import value_error

_CHECKED = {ToolCallStarted, ToolCallCompleted, ToolResult, Source, AnswerRestarted, Completed}
"""Events that are changed here, or that change what others may be."""


class AnswerSoFar:
    """Holds the events of one custom generator together.

    Args:
        name: Names the generator in messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: dict[int, str] = {}  # the names of the tools whose calls are not complete, by the call's index
        self._complete: set[int] = set()
        self._sources = 0

    def check(self, batch: list[Event] | StreamMetadata) -> list[Event] | StreamMetadata:
        """Return the batch to send: sources have an id, and if a tool call is open, `Completed` becomes `Failed`.

        Raises:
            SourceValueError: there is a `ToolResult` of a call that was never made, or is not complete.
        """
        if isinstance(batch, StreamMetadata) or _CHECKED.isdisjoint(map(type, batch)):
            return batch
        return [self._check(event) for event in batch]

    def _check(self, event: Event) -> Event:
        match event:
            case ToolCallStarted(index, _, name):
                self._open[index] = name
            case ToolCallCompleted(index):
                self._open.pop(index, None)
                self._complete.add(index)
            case ToolResult(index) if index in self._open or index not in self._complete:
                raise value_error(f"{self._name} gives", event, self._missing_call(index))
            case Source(id=None):
                self._sources += 1
                return replace(event, id=f"source-{self._sources}")
            case AnswerRestarted():
                self._open.clear()
                self._complete.clear()
            case Completed() if self._open:
                return to_failed_event(self._unfinished_call_error())
        return event

    def _missing_call(self, index: int) -> str:
        if index in self._open:
            return f" of call {index}, which is not complete: yield the call's ToolCallCompleted first."
        return f" of call {index}, which was never made: yield its ToolCallStarted and ToolCallCompleted first."

    def _unfinished_call_error(self) -> InvalidToolArguments:
        (index, name), *_ = self._open.items()
        return InvalidToolArguments(
            f"{self._name} ended its answer in the middle of call {index}, of the tool {name!r:.100}: "
            "yield the call's ToolCallCompleted before Completed."
        )
