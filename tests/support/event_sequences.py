"""Hypothesis strategies for the event sequences of streams, and their expected contents."""

from __future__ import annotations

import json
from itertools import chain, cycle, pairwise

from hypothesis import strategies as st

from flask_headrace.core.application_events import (
    ApprovalRequested,
    Data,
    File,
    OmittedEvent,
    Source,
    StepStarted,
    ToolProgress,
    ToolResult,
)
from flask_headrace.core.events import (
    AnswerRestarted,
    Cancelled,
    Completed,
    Event,
    Failed,
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

CHARACTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\\n\r\t\0\u2028\u2029\u0085\u0301🌊👩‍🚀')
TEXTS = st.text(CHARACTERS, min_size=1, max_size=12)
ARGUMENTS = st.dictionaries(TEXTS, st.none() | st.booleans() | st.integers(-9, 9) | TEXTS | st.lists(TEXTS), max_size=3)
BLANKS = st.sampled_from(["", "", " ", "\n \t", "\r\n"])
"""What models write around the arguments of a call."""
USAGES = st.builds(
    lambda cached, more, written, thought: Usage(cached + more, written + thought, cached, thought),
    *[st.integers(0, 1000)] * 4,
)
DONE = st.builds(Completed, st.sampled_from(["stop", "length", "tool_calls", "content_filter", "pause", "other"]))
BROKEN = st.builds(Failed, st.sampled_from(["upstream_failed", "stall_timeout", "novel"]), TEXTS, st.booleans()) | (
    st.builds(Cancelled, st.sampled_from(["reader_left", "reader_stalled", "stopped"]))
)
RUNS = st.one_of(
    st.lists(st.builds(TextDelta, TEXTS), min_size=1, max_size=4),
    st.lists(st.builds(ReasoningDelta, TEXTS), min_size=1, max_size=4),
    st.lists(st.builds(ReasoningSignature, TEXTS, st.booleans()), min_size=1, max_size=2),
    st.lists(st.builds(ProviderEvent, st.just("other"), TEXTS, st.sampled_from(["{}", '{"a":"ö"}'])), max_size=2),
    st.lists(st.builds(ProviderEvent, st.just("native"), st.just("reasoning_state"), TEXTS), max_size=1),
)
JSON_VALUES = st.none() | st.booleans() | TEXTS | ARGUMENTS | st.lists(TEXTS, max_size=2)
OF_APPLICATIONS = st.one_of(
    st.just(StepStarted()),
    st.builds(Source, st.just("https://mill.example/"), st.none() | TEXTS, id=TEXTS),
    st.builds(Source, st.none(), TEXTS, st.none() | st.just("application/pdf"), st.none() | TEXTS, id=TEXTS),
    st.builds(File, st.just("image/png"), st.just("https://mill.example/a.png")),
    st.builds(
        Data, st.sampled_from(["depth", "größe.2"]), JSON_VALUES, st.none() | st.sampled_from("ab"), st.booleans()
    ),
    st.just(OmittedEvent()),
)


@st.composite
def contents(draw: st.DrawFn) -> list[Event]:
    """Draw the content events of an answer: runs of text and reasoning, and tool calls interleaved as providers do."""
    events: list[Event] = []
    late: list[Event] = []
    calls = 0
    for _ in range(draw(st.integers(0, 5))):
        if draw(st.booleans()):
            events += draw(RUNS)
            events += draw(st.lists(OF_APPLICATIONS, max_size=2))
            continue
        group = [_call(draw, calls + number) for number in range(draw(st.integers(1, 3)))]
        calls += len(group)
        pieces = [pieces for pieces, _ in group]
        events += _mixed(draw, pieces) if draw(st.booleans()) else list(chain(*pieces))
        # OpenAI's calls are known to be over when the answer is, Anthropic's one by one.
        ends = [end for _, end in group]
        is_late = draw(st.booleans())
        (late if is_late else events).extend(ends)
        if not is_late:  # only an application that has executed its tools has results
            events += [event for end in ends for event in _outcome(draw, end)]
    return events + late


@st.composite
def sequences(draw: st.DrawFn, ends: st.SearchStrategy[Event] = DONE | BROKEN) -> list[Event]:
    """Draw all events of a stream, with its terminal event."""
    return [ResponseStarted("s1", "acme/tiny", "acme"), *draw(contents()), draw(USAGES), draw(ends)]


SIZES = st.lists(st.integers(0, 4), max_size=5)
"""How many events come at once; none is a silence."""


def batches(events: list[Event], sizes: list[int]) -> list[list[Event]]:
    """Split a sequence into lists, as reads of the network do."""
    cut: list[list[Event]] = []
    for size in cycle([*sizes, 3]):
        if not events:
            return cut
        cut.append(events[:size])
        events = events[size:]
    return cut


def _call(draw: st.DrawFn, number: int) -> tuple[list[Event], Event]:
    arguments = draw(ARGUMENTS)
    text = json.dumps(arguments, ensure_ascii=draw(st.booleans())) if arguments or draw(st.booleans()) else ""
    text = draw(BLANKS) + text + draw(BLANKS)
    places = sorted(draw(st.sets(st.integers(0, len(text)), max_size=3)) | {0, len(text)})
    pieces = [text[start:end] for start, end in pairwise(places)]
    deltas = [ToolCallDelta(number, piece) for piece in pieces]
    return [ToolCallStarted(number, f"call_{number}", "find"), *deltas], ToolCallCompleted(number, arguments)


def _outcome(draw: st.DrawFn, end: Event) -> list[Event]:
    assert isinstance(end, ToolCallCompleted)
    match draw(st.sampled_from(["nothing", "result", "progress", "approval"])):
        case "result":
            return [ToolResult(end.index, draw(JSON_VALUES), draw(st.none() | TEXTS))]
        case "progress":
            return [ToolProgress(end.index, draw(JSON_VALUES)), ToolResult(end.index, draw(JSON_VALUES))]
        case "approval":
            return [ApprovalRequested(end.index, draw(TEXTS))]
    return []


def _mixed(draw: st.DrawFn, rows: list[list[Event]]) -> list[Event]:
    # Calls begin in the order of their numbers; their pieces come as they like.
    mixed = [row[0] for row in rows]
    left = [row[1:] for row in rows]
    while any(left):
        row = draw(st.sampled_from([row for row in left if row]))
        mixed.append(row.pop(0))
    return mixed


@st.composite
def answers(draw: st.DrawFn) -> list[Event]:
    """Draw all events of a stream that may restart; an attempt that failed may end anywhere in its content."""
    *events, usage, end = draw(sequences())
    if draw(st.integers(0, 2)) == 0:
        # Small numbers are drawn most: most of it was shown.
        void = len(events) - draw(st.integers(0, len(events) - 1))
        events = [*events[:void], AnswerRestarted("it broke off", "acme/big"), *draw(contents())]
    if not isinstance(end, Completed):
        events = events[: draw(st.integers(1, len(events)))]
    return [*events, usage, end]
