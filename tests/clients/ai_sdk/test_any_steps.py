"""Each version of the AI SDK reads any answer of several steps with tools that run here, also one that restarts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from flask_headrace.blueprints.ai_sdk.ui_message_encoder import UIMessageEncoder
from flask_headrace.core.application_events import StepStarted, ToolProgress, ToolResult
from flask_headrace.core.events import (
    AnswerRestarted,
    Completed,
    Event,
    ReasoningDelta,
    ReasoningSignature,
    ResponseStarted,
    TextDelta,
    ToolCallCompleted,
    ToolCallStarted,
)
from tests.clients.ai_sdk.node import Node, valid_parts
from tests.clients.ai_sdk.test_any_events import expected, shown
from tests.support.event_sequences import JSON_VALUES, SIZES, TEXTS, batches

STARTED = ResponseStarted("s1", "acme/tiny", "acme")
FEW = settings(max_examples=8, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
SAID = st.one_of(
    st.builds(TextDelta, TEXTS), st.builds(ReasoningDelta, TEXTS), st.builds(ReasoningSignature, TEXTS, st.booleans())
)


@st.composite
def steps(draw: st.DrawFn) -> list[Event]:
    """Draw an answer of several steps, the last of which may begin again several times."""
    finished: list[Event] = []
    sent: list[Event] = [STARTED]
    calls = 0
    for number in range(draw(st.integers(1, 3))):
        said, made = draw(st.lists(SAID, max_size=3)), draw(st.integers(1, 3))
        indexes = range(calls, calls + made)
        calls += made
        begun = [ToolCallStarted(index, f"c{index}", "find", runs_here=True) for index in indexes]
        ended = [ToolCallCompleted(index, {"q": index}) for index in indexes]
        shown_first = [ToolProgress(index, draw(JSON_VALUES)) for index in indexes if draw(st.booleans())]
        results = [ToolResult(index, draw(JSON_VALUES), draw(st.none() | TEXTS)) for index in indexes]
        step: list[Event] = [*said, *begun, *ended]
        # It begins again with the calls of its own under other numbers.
        for _ in range(draw(st.integers(0, 2))):
            void = [*draw(st.lists(SAID, max_size=3)), ToolCallStarted(calls, f"c{calls}", "find", runs_here=True)]
            sent += [*void[: draw(st.integers(0, len(void)))], AnswerRestarted("it broke off", "acme/big", number)]
            sent += finished
            calls += 1
        sent += [*step, *shown_first, *results, StepStarted()]
        finished += [*step, *results, StepStarted()]
    return [*sent, *draw(st.lists(SAID, max_size=3)), Completed("stop")]


@pytest.mark.parametrize("has_reset", [False, True])
@FEW
@given(st.lists(st.tuples(steps(), SIZES), min_size=6, max_size=10))
def test_keeps_finished_steps_and_shows_nothing_twice(
    has_reset: bool, nodes: Callable[[str], Node], answers: list[tuple[list[Event], list[int]]]
) -> None:
    encoders = [UIMessageEncoder("m1", has_reset=has_reset) for _ in answers]
    bodies = [
        b"".join([encoder.encode(batch, 1) for batch in batches(events, sizes)])
        for encoder, (events, sizes) in zip(encoders, answers, strict=True)
    ]
    for version in ("ai7",) if has_reset else ("ai5", "ai6", "ai7"):
        for (events, _), read in zip(answers, nodes(version).read([[body] for body in bodies]), strict=True):
            assert (read["status"], read["error"]) == ("ready", None)
            message = read["messages"][0]
            assert shown(message) == expected(events)
            assert ids(message) == sorted(ids(message))
            assert [part for part in valid_parts(message) if part.get("preliminary")] == []


def ids(message: dict[str, Any]) -> list[int]:
    return [int(part["toolCallId"][1:]) for part in valid_parts(message) if part["type"] == "tool-find"]
