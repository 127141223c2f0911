"""Adds to the end of an answer what its provider wants back of the reasoning, for clients of this service. Pure."""

from __future__ import annotations

from ...core.events import (
    Completed,
    Event,
    ProviderEvent,
    ReasoningDelta,
    ReasoningSignature,
    TextDelta,
    ToolCallStarted,
    Usage,
)
from ...core.sse import ServerSentEvent
from ...core.text_buffer import TextBuffer
from ..reasoning_state import ReasoningState, SignedReasoning, encode_state
from ..source_request import Family
from .sse_stream import StreamDecoder


def add_state(state: ReasoningState, events: list[Event]) -> None:
    """Insert the event of a state before the last events of a complete answer; none if the state is too long."""
    text = encode_state(state)
    if text is None:
        return
    place = len(events) - 1
    if place > 0 and isinstance(events[place - 1], Usage):
        place -= 1
    events.insert(place, ProviderEvent("native", "reasoning_state", text))


class _Run:
    """A run of reasoning, behind so many characters of the answer's text."""

    __slots__ = ("buffer", "is_redacted", "place", "signature")

    def __init__(self, place: int) -> None:
        self.buffer = TextBuffer()
        self.place = place
        self.signature: str | None = None
        self.is_redacted = False


class ReasoningRecorder:
    """A `StreamDecoder` whose answers end with the state of their reasoning, in the protocols that sign reasoning.

    Args:
        decoder: Decodes the answer.
        family: The protocol of the provider.
        provider: The provider's name.
        model: The provider's own name of the model.
    """

    def __init__(self, decoder: StreamDecoder, family: Family, provider: str, model: str) -> None:
        self._decoder = decoder
        self._family: Family = family
        self._provider, self._model = provider, model
        self._text_size = 0
        self._runs: list[_Run] = []
        self._is_open = False  # whether more reasoning belongs to the last run

    @property
    def is_done(self) -> bool:
        """Whether the upstream has completed the answer."""
        return self._decoder.is_done

    def read(self, frames: list[ServerSentEvent], events: list[Event]) -> None:
        """Append the events in the next frames; see `StreamDecoder.read`."""
        before = len(events)
        self._decoder.read(frames, events)
        self._record(events, before)

    def end(self) -> list[Event]:
        """Return the last events of the answer; see `StreamDecoder.end`."""
        events = self._decoder.end()
        self._record(events, 0)
        return events

    def _record(self, events: list[Event], start: int) -> None:
        for event in events[start:]:
            match event:
                case TextDelta(text):
                    self._text_size += len(text)
                    self._is_open = False
                case ReasoningDelta(text):
                    self._open_run().buffer.append(text)
                case ReasoningSignature(signature, is_redacted):
                    run = self._open_run(is_new=is_redacted)
                    run.signature, run.is_redacted = signature, is_redacted
                    self._is_open = False
                case ToolCallStarted():
                    self._is_open = False
        if events and isinstance(events[-1], Completed) and self._is_wanted_back:
            add_state(self._state(), events)

    @property
    def _is_wanted_back(self) -> bool:
        # The Responses API takes back what it has signed; servers of Anthropic's API also take what they have not.
        return any(run.signature is not None or self._family == "anthropic" for run in self._runs)

    def _open_run(self, *, is_new: bool = False) -> _Run:
        if is_new or not self._is_open:
            self._runs.append(_Run(self._text_size))
        self._is_open = True
        return self._runs[-1]

    def _state(self) -> ReasoningState:
        runs = [SignedReasoning(str(run.buffer), run.signature, run.is_redacted, run.place) for run in self._runs]
        return ReasoningState(self._family, self._provider, self._model, self._text_size, runs=tuple(runs))
