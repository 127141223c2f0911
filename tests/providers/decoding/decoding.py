"""Runs the bytes of an answer through a decoder, as `AnswerStream` does."""

from __future__ import annotations

from typing import Any

from flask_headrace.core import sse
from flask_headrace.core.errors import UpstreamError
from flask_headrace.core.events import Event, ReasoningDelta, TextDelta, ToolCallCompleted, ToolCallStarted, Usage
from flask_headrace.providers.decoding.sse_stream import final_batches


class Answer:
    """The result of decoding the pieces of a body: the events, and the error that ended it, or None.

    `known` lists the estimated usages, which depend on where the body is cut.
    """

    def __init__(self, decoder: Any, *pieces: bytes) -> None:
        self.known: list[Usage] = []
        self.events: list[Event] = []
        self.error: UpstreamError | None = None
        self.is_done = False
        try:
            self._read(decoder, pieces)
        except UpstreamError as error:
            self.error = error
        self.known = [event for event in self.events if isinstance(event, Usage) and event.estimated]
        self.events = [event for event in self.events if event not in self.known]

    def _read(self, decoder: Any, pieces: tuple[bytes, ...]) -> None:
        frames = sse.SSEDecoder()
        for piece in pieces:
            decoder.read(frames.feed(piece), self.events)
            if decoder.is_done:
                self.is_done = True
                return
        for events in final_batches(frames, decoder):
            self.events += events

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))

    @property
    def reasoning(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, ReasoningDelta))

    @property
    def calls(self) -> list[tuple[str, str, Any]]:
        """The id, the name and the parsed arguments of each tool call; None for incomplete arguments."""
        arguments = {event.index: event.arguments for event in self.events if isinstance(event, ToolCallCompleted)}
        started = [event for event in self.events if isinstance(event, ToolCallStarted)]
        return [(call.id, call.name, arguments.get(call.index)) for call in started]
