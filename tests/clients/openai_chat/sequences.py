"""Every sequence of events that the engine can produce, in every way that it can be batched and cut by the network."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import pairwise

from flask_headrace.streaming.events import (
    Cancelled,
    Done,
    Event,
    Failed,
    ReasoningDelta,
    ReasoningSigned,
    Restarted,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallEnded,
    ToolCallStarted,
    Usage,
)
from flask_headrace.streaming.wire.base import BrokenOff
from flask_headrace.streaming.wire.openai_chat import ChatCompletion
from hypothesis import strategies as st

TEXTS = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\\n\r\t\0\u2028\u2029\u0085🌊'), max_size=9
)
ENDS = st.sampled_from([
    Done("stop"), Done("tool_calls"), Done("pause"), Failed("stall_timeout", 'It "fell" silent.', True),
    Cancelled("stopped"), Restarted("it broke off", "acme/big"),
])  # fmt: skip


@dataclass
class Told:
    """What an answer's events say, taken together."""

    events: list[Event] = field(default_factory=lambda: [Started("s1", "acme/tiny", "acme")])
    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str, str, object]] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Whether the answer is whole."""
        return isinstance(self.events[-1], Done)


@st.composite
def answers(draw: st.DrawFn) -> Told:
    """Draw an answer, from its start to its end."""
    told, open_calls = Told(), []
    for kind in draw(st.lists(st.sampled_from(["text", "text", "reasoning", "signed", "call"]), max_size=8)):
        piece = draw(TEXTS)
        match kind:
            case "text":
                told.text += piece
                told.events.append(TextDelta(piece))
            case "reasoning":
                told.reasoning += piece
                told.events.append(ReasoningDelta(piece))
            case "signed":
                told.events.append(ReasoningSigned(piece, draw(st.booleans())))
            case _:
                open_calls += draw_call(draw, told, piece)
        if draw(st.booleans()):  # some providers end a call before the next piece, others all calls at the end
            told.events += open_calls
            open_calls = []
    told.events += open_calls
    end = draw(ENDS)
    told.events += [end] if isinstance(end, Restarted) else [Usage(9, 3, cost=0.5), end]
    return told


def draw_call(draw: st.DrawFn, told: Told, name: str) -> list[Event]:
    """Add a call to an answer; return what ends it."""
    call = len(told.calls)
    arguments = draw(st.dictionaries(TEXTS, TEXTS | st.integers(-9, 9) | st.none(), max_size=2))
    told.calls.append((f"c{call}", f"f{name}", arguments))
    told.events.append(ToolCallStarted(call, f"c{call}", f"f{name}"))
    if arguments or draw(st.booleans()):  # a call without arguments may have no text at all
        text = json.dumps(arguments, ensure_ascii=draw(st.booleans()))
        told.events += [ToolCallDelta(call, piece) for piece in cut(draw, text)]
    return [ToolCallEnded(call, arguments)]


def cut(draw: st.DrawFn, whole):
    """Cut a text, bytes or a list at places that are drawn."""
    places = draw(st.sets(st.integers(1, max(1, len(whole) - 1)), max_size=6))
    edges = [0, *sorted(place for place in places if place < len(whole)), len(whole)]
    return [whole[start:end] for start, end in pairwise(edges)]


@st.composite
def streams(draw: st.DrawFn) -> tuple[Told, list[bytes]]:
    """Draw an answer and its bytes: batched, with heartbeats and numbers or without, and cut anywhere."""
    told = draw(answers())
    wire = ChatCompletion("s1", "acme/tiny", 1700000000, has_usage=True)
    first = draw(st.sampled_from([None, 1]))
    written = b""
    try:
        for batch in cut(draw, told.events):
            written += wire.encode([], first) * draw(st.integers(0, 2))
            written += wire.encode(batch, first)
            first = None if first is None else first + len(batch)
    except BrokenOff as broken:
        written += broken.last
    return told, cut(draw, written)
