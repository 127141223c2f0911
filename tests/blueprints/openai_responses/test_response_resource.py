"""The response object of a stream at any moment: valid, and at the end the one that the stream has told."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flask_headrace.blueprints.openai_responses import response_resource
from flask_headrace.blueprints.openai_responses.encoder_factory import PROTOCOL, encoder_of
from flask_headrace.blueprints.openai_responses.response_resource import response_object
from flask_headrace.core.application_events import StepStarted, ToolResult
from flask_headrace.core.errors import AnswerTooLarge
from flask_headrace.core.events import (
    Cancelled,
    Completed,
    Event,
    Failed,
    ResponseStarted,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from flask_headrace.core.pricing import FREE
from flask_headrace.streaming.context import StreamContext
from flask_headrace.streaming.stored_streams import StreamSnapshot
from tests.blueprints.openai_responses.response_schema import check_response
from tests.support.event_sequences import sequences

FIELDS = {"background": True, "tool_names": {"custom": ["patch"], "qualified": {}}}
CONTEXT = StreamContext(
    "acme/tiny", "acme", "tiny", FREE, created=1700000000, protocol=PROTOCOL, echoed_fields=msgspec.json.encode(FIELDS)
)
STARTED = ResponseStarted("s1", "acme/big", "acme")


def snapshot(*events: Event) -> StreamSnapshot:
    return StreamSnapshot("s1", CONTEXT, list(events), is_behind=False)


BEFORE_A_STEP = [STARTED, TextDelta("a"), StepStarted(), Usage(1, 1), Completed("length")]
BEFORE_A_RESULT = [
    STARTED, ToolCallStarted(0, "c", "f"), ToolCallCompleted(0, {}), TextDelta("a"), ToolResult(0, "b"), Usage(1, 1),
    Completed("length"),
]  # fmt: skip


@settings(max_examples=60)
@given(sequences(), st.integers(0, 40))
@example(BEFORE_A_STEP, 0)
@example(BEFORE_A_RESULT, 0)
def test_is_valid_at_any_moment_and_the_streams_own_at_the_end(events: list[Event], count: int) -> None:
    check_response(response_object(snapshot(*events[:count])))
    frames = encoder_of("s1", CONTEXT).encode(events)
    told = json.loads(frames.rstrip().rpartition(b"\ndata: ")[2])["response"]
    found = json.loads(msgspec.json.encode(response_object(snapshot(*events))))
    if isinstance(events[-1], Completed):
        assert found == told
    else:
        assert found["error"] == (None if isinstance(events[-1], Cancelled) else told["error"])
        assert (found["usage"], found["model"]) == (told["usage"], told["model"])
        assert [item["id"] for item in found["output"]] == [item["id"] for item in told["output"]]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], "queued"),
        ([STARTED], "in_progress"),
        ([STARTED, TextDelta("a")], "in_progress"),
        ([STARTED, Usage(1, 1), Completed("stop")], "completed"),
        ([STARTED, Usage(1, 1), Completed("length")], "incomplete"),
        ([Usage(1, 0), Failed("upstream_failed", "No.", retryable=True)], "failed"),
        ([STARTED, Usage(1, 1), Cancelled("stopped")], "cancelled"),
    ],
)
def test_has_the_status_of_the_stream(events: list[Event], expected: str) -> None:
    found = response_object(snapshot(*events))
    check_response(found)
    assert (found["status"], found["background"], found["store"]) == (expected, True, True)


def test_has_calls_as_far_as_they_have_come() -> None:
    events: list[Event] = [
        STARTED, TextDelta("Well."), ToolCallStarted(0, "c1", "find"), ToolCallStarted(1, "c2", "patch"),
        ToolCallDelta(0, "{}"), ToolCallCompleted(0, {}), ToolCallDelta(1, '{"input": "*** Beg'),
    ]  # fmt: skip
    text, function, custom = response_object(snapshot(*events))["output"]
    assert (text["status"], function["status"], custom["status"]) == ("completed", "completed", "in_progress")
    assert (custom["type"], custom["name"], custom["input"]) == ("custom_tool_call", "patch", "*** Beg")
    stopped = response_object(snapshot(*events, Usage(1, 1), Cancelled("stopped")))["output"]
    assert [item["status"] for item in stopped] == ["completed", "completed", "incomplete"]


def test_that_is_too_long_is_to_be_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_resource, "MAX_TEXT_CHARS", 9)
    assert response_object(snapshot(STARTED, TextDelta("x" * 9)))["status"] == "in_progress"
    with pytest.raises(AnswerTooLarge, match="more than 9 characters"):
        response_object(snapshot(STARTED, TextDelta("x" * 10)))
