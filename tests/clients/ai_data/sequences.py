"""Any answer that a stream can have, with restarts and heartbeats, and the expected result of its client."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from flask_headrace.blueprints.encoding.base import AbortConnection, StreamEncoder
from flask_headrace.core.application_events import Data, File, Source, ToolResult, is_transient
from flask_headrace.core.events import (
    AnswerRestarted,
    Completed,
    Event,
    ReasoningDelta,
    ReasoningSignature,
    TextDelta,
    ToolCallCompleted,
    ToolCallStarted,
)
from tests.support.event_sequences import SIZES, batches, contents, sequences


@st.composite
def answers(draw: st.DrawFn) -> list[list[Event]]:
    """Draw the batches of an answer that may restart, and may be cut at any place if it fails."""
    *events, usage, end = draw(sequences())
    if draw(st.integers(0, 5)) == 0:
        place = draw(st.integers(1, len(events)))
        events = [*events[:place], AnswerRestarted("busy", "acme/big"), *draw(contents())]
    if not isinstance(end, Completed):
        events = events[: draw(st.integers(1, len(events)))]
    usages = [usage] if draw(st.booleans()) else []
    return batches([*events, *usages, end], draw(SIZES))


def write(encoder: StreamEncoder, given: list[list[Event]]) -> tuple[bytes, bool]:
    """Return all bytes of an answer, and whether the encoder aborted the connection."""
    written = b""
    try:
        for batch in given:
            written += encoder.encode(batch)
    except AbortConnection as broken:
        return written + broken.final_bytes, True
    return written, False


@dataclass
class Expected:
    """The expected result of a client; without `reason` the client must have received an error."""

    text: str = ""
    reason: str | None = None
    _calls: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The complete calls, with the results that there are."""
        return [call for call in self._calls.values() if "args" in call]


SHOWN = (TextDelta, ToolCallStarted, Source, File, Data)
THOUGHTS = (ReasoningDelta, ReasoningSignature)


def expected(given: list[list[Event]], shown: tuple[type[Event], ...] = SHOWN) -> Expected:
    """Say what a reader must make of it, of the events of which these are shown to it."""
    found, has_begun = Expected(), False
    for event in [event for batch in given for event in batch]:
        match event:
            case TextDelta(text):
                found.text += text
            case ToolCallStarted(number, id, name):
                found._calls[number] = {"toolCallId": id, "toolName": name}
            case ToolCallCompleted(number, arguments):
                found._calls[number]["args"] = arguments
            case AnswerRestarted() if has_begun:
                return found
            case AnswerRestarted():
                found = Expected()
            case Completed(reason):
                found.reason = reason
            case ToolResult(number, result, error):
                found._calls[number]["result"] = result if error is None else {"error": error}
        has_begun = has_begun or (isinstance(event, shown) and not is_transient(event))
    return found
