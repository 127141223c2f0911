"""The encoder of the AI SDK's UI message stream: what an application adds to an answer, and its steps."""

from __future__ import annotations

import pytest

from flask_headrace.blueprints.ai_sdk.ui_message_encoder import UIMessageEncoder
from flask_headrace.blueprints.encoding.base import AbortConnection
from flask_headrace.core.application_events import (
    APPLICATION_EVENTS,
    Data,
    File,
    OmittedEvent,
    Source,
    StepStarted,
    ToolResult,
)
from flask_headrace.core.events import AnswerRestarted, Completed, Event, ToolCallCompleted, ToolCallStarted
from tests.blueprints.ai_sdk.test_ui_message_encoder import BEGIN, CALL, END_OF_TEXT, TEXT, values

CALLED = (CALL, ToolCallCompleted(0, {}))
FINISH_STEP, START_STEP = b'{"type":"finish-step"}', b'{"type":"start-step"}'

GOLDEN: list[tuple[list[Event], Event, list[bytes]]] = [
    (
        [BEGIN, *CALLED],
        ToolResult(0, {"d": None}),
        [b'{"type":"tool-output-available","toolCallId":"c1","output":{"d":null}}'],
    ),
    (
        [BEGIN, *CALLED, TEXT],
        ToolResult(0, error="Dry."),
        [END_OF_TEXT, b'{"type":"tool-output-error","toolCallId":"c1","errorText":"Dry."}'],
    ),
    ([BEGIN, TEXT], StepStarted(), [END_OF_TEXT, FINISH_STEP, START_STEP]),
    ([BEGIN], StepStarted(), []),
    ([BEGIN, TEXT, StepStarted()], StepStarted(), []),
    ([BEGIN, TEXT], Source("https://a/", id="s1"), [b'{"type":"source-url","sourceId":"s1","url":"https://a/"}']),
    (
        [BEGIN, TEXT],
        Source("https://a/", "A", id="s1"),
        [b'{"type":"source-url","sourceId":"s1","url":"https://a/","title":"A"}'],
    ),
    (
        [BEGIN, TEXT],
        Source(filename="b.pdf", media_type="a/pdf", id="s2"),
        [b'{"type":"source-document","sourceId":"s2","mediaType":"a/pdf","title":"b.pdf","filename":"b.pdf"}'],
    ),
    (
        [BEGIN],
        Source(title="B", id="s2"),
        [b'{"type":"source-document","sourceId":"s2","mediaType":"application/octet-stream","title":"B"}'],
    ),
    ([BEGIN], File("a/b", data=b"\x89"), [b'{"type":"file","mediaType":"a/b","url":"data:a/b;base64,iQ=="}']),
    ([BEGIN], File("a/b", "https://a/"), [b'{"type":"file","mediaType":"a/b","url":"https://a/"}']),
    ([BEGIN], Data("w", 7, "w1"), [b'{"type":"data-w","id":"w1","data":7}']),
    ([BEGIN, TEXT], Data("w", [], transient=True), [b'{"type":"data-w","data":[],"transient":true}']),
    ([BEGIN], OmittedEvent(), []),
]


@pytest.mark.parametrize(("before", "event", "frames"), GOLDEN)
def test_each_event_has_its_frames(before: list[Event], event: Event, frames: list[bytes]) -> None:
    encoder = UIMessageEncoder("m1")
    encoder.encode(before)
    assert encoder.encode([event]) == b"".join(b"data: %b\n\n" % frame for frame in frames)


def test_every_kind_has_an_entry() -> None:
    assert {type(event) for _, event, _ in GOLDEN} == {OmittedEvent, *APPLICATION_EVENTS}


def types(events: list[Event], **options: bool) -> list[str]:
    return [value["type"] for value in values(UIMessageEncoder("m1", **options).encode(events))]


class TestSteps:
    @pytest.mark.parametrize("more", [[], [StepStarted()]])
    def test_what_a_model_says_to_results_is_a_step_of_its_own(self, more: list[Event]) -> None:
        # Else the SDK's `lastAssistantMessageIsCompleteWithToolCalls` would send the conversation again, for ever.
        shown = types([BEGIN, *CALLED, ToolResult(0, 7), *more, TEXT, Completed("stop")])
        assert shown[4:9] == ["tool-output-available", "finish-step", "start-step", "text-start", "text-delta"]
        assert shown.count("start-step") == 2

    def test_a_step_does_not_begin_while_another_call_of_it_goes_on(self) -> None:
        second = ToolCallStarted(1, "c2", "find")
        events = [BEGIN, *CALLED, second, ToolResult(0, 7), TEXT, ToolCallCompleted(1, {}), ToolResult(1, 8), TEXT]
        assert types(events).count("start-step") == 2

    def test_sources_and_data_leave_an_open_text_open(self) -> None:
        shown = types([BEGIN, TEXT, Source("https://a/", id="s1"), Data("w", 7), File("a/b", "https://a/"), TEXT])
        assert shown[2:] == ["text-start", "text-delta", "source-url", "data-w", "file", "text-delta"]


class TestRestart:
    EVENTS = (BEGIN, TEXT, StepStarted(), TEXT, AnswerRestarted("it broke off", "acme/big"))

    def test_revokes_all_steps(self) -> None:
        revoked = [
            value for value in values(UIMessageEncoder("m1").encode([*self.EVENTS])) if "restart" in value["type"]
        ]
        assert [value["data"]["reason"] for value in revoked] == ["resumed"]

    def test_of_several_steps_ends_the_answer_where_only_one_can_be_removed(self) -> None:
        with pytest.raises(AbortConnection) as broken:
            UIMessageEncoder("m1", has_reset=True).encode([*self.EVENTS])
        assert b"acme/big restarts the answer" in broken.value.error_frame

    def test_of_the_first_step_goes_on_as_before(self) -> None:
        assert "reset-step" in types([BEGIN, *CALLED, ToolResult(0, 7), self.EVENTS[-1], TEXT], has_reset=True)
