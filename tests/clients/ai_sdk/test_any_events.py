"""Any sequence of events that the engine can produce, as each version of the AI SDK reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
from flask_headrace.blueprints.ai_sdk_body import read_chat_body
from flask_headrace.blueprints.ai_sdk_request import question_of
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
from flask_headrace.streaming.wire.answer import Answer, Call, Reasoning, Text
from flask_headrace.streaming.wire.ui_messages import UiMessages
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.clients.ai_sdk.node import Node, text_of
from tests.streaming.test_ui_messages_wire import GOLDEN, values

TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\\n\r\0\u2028🌊e\u0301'), max_size=8)
VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS | st.lists(TEXTS, max_size=2)
STARTED = Started("s1", "acme/tiny", "acme")
ENDS = st.sampled_from(
    [Done("stop"), Done("tool_calls"), Failed("stall_timeout", "It fell silent.", True), Cancelled("reader_left")]
)


@st.composite
def calls(draw: st.DrawFn) -> list[list[Event]]:
    """Make the events of a call, for several at once: begun, in pieces, and perhaps not ended."""
    arguments = draw(st.dictionaries(TEXTS, VALUES, max_size=3))
    written = json.dumps(arguments, ensure_ascii=draw(st.booleans()))
    cuts = sorted(draw(st.lists(st.integers(0, len(written)), max_size=4)))
    pieces = [written[start:end] for start, end in zip([0, *cuts], [*cuts, len(written)], strict=True)]
    is_whole = draw(st.booleans())
    return [
        [ToolCallStarted(0, "", "find")],
        *[[ToolCallDelta(0, piece)] for piece in pieces if piece],
        *([[ToolCallEnded(0, arguments)]] if is_whole else []),
    ]


@st.composite
def answers(draw: st.DrawFn) -> list[Event]:
    """Make the events of an answer, from its beginning to its end."""
    plain = st.one_of(
        st.builds(TextDelta, TEXTS),
        st.builds(ReasoningDelta, TEXTS),
        st.builds(ReasoningSigned, TEXTS, st.booleans()),
    )
    events: list[Event] = draw(st.lists(plain, max_size=6))
    attempts = [events]
    number = 0
    for _ in range(draw(st.integers(0, 2))):
        for call in draw(st.lists(calls(), max_size=2)):
            events += [renamed(event, number) for batch in call for event in batch]
            number += 1
        events += draw(st.lists(plain, max_size=3))
        if draw(st.booleans()):
            events = [Restarted("it broke off", "acme/big")]
            attempts.append(events)
    begun: list[Event] = [] if draw(st.integers(0, 9)) == 0 and not any(attempts) else [STARTED]
    return [*begun, *[event for attempt in attempts for event in attempt], Usage(9, 2), draw(ENDS)]


def renamed(event: Event, call: int) -> Event:
    if isinstance(event, ToolCallStarted):
        return ToolCallStarted(call, f"call {call}", event.name)
    return msgspec.structs.replace(event, call=call)  # type: ignore[call-arg]


def expected(events: list[Event]) -> list[tuple[str, Any]]:
    """Return the parts that are to be seen: kind, and text or arguments; None for a call that is not whole."""
    answer = Answer()
    answer.add(events)
    found: list[tuple[str, Any]] = []
    for block in answer.blocks:
        match block:
            case Call():
                found.append(("tool-find", block.arguments))
            case Reasoning():
                found.append(("reasoning", block.text))
            case Text():
                found.append(("text", block.text))
    return found


def shown(message: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return a message's parts after the last restart in the same form."""
    parts = message["parts"]
    # Also what is void is closed.
    assert all(part["state"] not in {"streaming", "input-streaming"} for part in parts if "state" in part)
    kept = max([number for number, part in enumerate(parts, 1) if part["type"] == "data-restart"], default=0)
    found: list[tuple[str, Any]] = []
    for part in parts[kept:]:
        if part["type"].startswith("tool-"):
            found.append((part["type"], part["input"] if part["state"] == "input-available" else None))
        elif part["type"] != "step-start":
            found.append((part["type"], part["text"]))
    return found


@st.composite
def cut(draw: st.DrawFn) -> tuple[list[Event], list[bytes]]:
    """Make an answer and its bytes, cut anywhere and with a silence somewhere."""
    events = draw(answers())
    wire = UiMessages("m1")
    silence = draw(st.integers(0, len(events)))
    batches = [batch for batch in (events[:silence], events[silence:]) if batch]
    body = wire.encode([]) + wire.encode([]).join([wire.encode(batch, 1) for batch in batches])
    cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=6)))
    return events, [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]


@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))
@given(st.lists(cut(), min_size=6, max_size=10))
def test_is_parsed_and_shows_what_went_in(node: Node, streams: list[tuple[list[Event], list[bytes]]]) -> None:
    for (events, _), read in zip(streams, node.read([pieces for _, pieces in streams]), strict=True):
        failed = isinstance(events[-1], Failed)
        assert (read["status"], read["error"]) == (("error", events[-1].message) if failed else ("ready", None))
        seen = read["messages"][0] if read["messages"] else {"parts": []}
        assert shown(seen) == expected(events)
        assert text_of(seen) == "".join(text for kind, text in expected(events) if kind == "text")


def test_each_frame_is_one_of_the_clients_own_schema(node: Node) -> None:
    frames = [value for before, event, _ in GOLDEN for value in values(UiMessages("m1").encode([*before, event]))]
    accepted: list[bool] = node.do("check", frames=frames)
    assert [frame for frame, is_accepted in zip(frames, accepted, strict=True) if not is_accepted] == []
    assert node.do("check", frames=[{"type": "no-such-type"}, {"type": "text-delta", "id": 1}]) == [False, False]


def test_what_was_void_does_not_go_back_to_the_model(nodes: Callable[[str], Node]) -> None:
    events: list[Event] = [STARTED, TextDelta("wrong"), Restarted("it broke off", "acme/big"), TextDelta("right")]
    body = UiMessages("m1").encode([*events, Done("stop")])
    for version in ("ai5", "ai6", "ai7"):
        (read,) = nodes(version).read([[body]])
        assert read["messages"][0]["metadata"]["model"] == "acme/big"
        question = question_of(read_chat_body({"messages": read["messages"]}))
        assert [message.text() for message in question.messages] == ["right"]
