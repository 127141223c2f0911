"""The encoder of the AI SDK's UI message stream: what an application adds to an answer, and its steps."""

from __future__ import annotations

import pytest

from flask_headrace.blueprints.ai_sdk.ui_message_encoder import UIMessageEncoder
from flask_headrace.blueprints.ai_sdk.ui_tool_calls import EarlierCall
from flask_headrace.blueprints.encoding.base import AbortConnection
from flask_headrace.core.application_events import (
    APPLICATION_EVENTS,
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
    ToolCallCompleted,
    ToolCallStarted,
)
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
    (
        [BEGIN, *CALLED],
        ToolProgress(0, {"d": None}),
        [b'{"type":"tool-output-available","toolCallId":"c1","output":{"d":null},"preliminary":true}'],
    ),
    ([BEGIN, *CALLED], ApprovalRequested(0, "a1"), []),
    (
        [BEGIN, *CALLED],
        ToolResult(0, error="No.", is_denied=True),
        [b'{"type":"tool-output-error","toolCallId":"c1","errorText":"No."}'],
    ),
    ([BEGIN], ToolResult(-1, 7, call_id="gone"), []),
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


OF_APPROVALS: list[tuple[list[Event], Event, list[bytes]]] = [
    (
        [BEGIN, *CALLED],
        ApprovalRequested(0, "a1"),
        [b'{"type":"tool-approval-request","approvalId":"a1","toolCallId":"c1"}'],
    ),
    (
        [BEGIN],
        ToolResult(-1, error="No.", call_id="c0", is_denied=True),
        [b'{"type":"tool-output-denied","toolCallId":"c0"}'],
    ),
    (
        [BEGIN],
        ToolResult(-1, error="No.", call_id="c0", is_denied=True),
        [b'{"type":"tool-output-denied","toolCallId":"c0"}'],
    ),
    ([BEGIN], ToolResult(-1, 7, call_id="c0"), [b'{"type":"tool-output-available","toolCallId":"c0","output":7}']),
    (
        [BEGIN],
        ToolProgress(-1, 7, call_id="c0"),
        [b'{"type":"tool-output-available","toolCallId":"c0","output":7,"preliminary":true}'],
    ),
    ([BEGIN, ToolResult(-1, 7, call_id="c0")], StepStarted(), []),
]
EARLIER = {"c0": EarlierCall("find", {"q": 1})}


@pytest.mark.parametrize(("before", "event", "frames"), OF_APPROVALS)
def test_versions_with_approvals_have_their_frames(before: list[Event], event: Event, frames: list[bytes]) -> None:
    encoder = UIMessageEncoder(None, knows_approvals=True, earlier_calls=EARLIER)
    encoder.encode(before)
    assert encoder.encode([event]) == b"".join(b"data: %b\n\n" % frame for frame in frames)


HERE = (ToolCallStarted(0, "c1", "find", runs_here=True), CALLED[1])


class TestUnfinishedCalls:
    @pytest.mark.parametrize("end", [Cancelled("stopped"), Failed("x", "It broke.", retryable=False)])
    def test_that_run_here_end_with_the_answer(self, end: Event) -> None:
        shown = values(UIMessageEncoder("m1").encode([BEGIN, *HERE, end]))
        why = "It broke." if isinstance(end, Failed) else "The answer was stopped."
        assert {"type": "tool-output-error", "toolCallId": "c1", "errorText": why} in shown

    def test_of_the_client_are_left_to_it(self) -> None:
        assert "tool-output-error" not in types([BEGIN, *CALLED, Cancelled("stopped")])

    def test_that_wait_for_approval_are_left_to_the_user(self) -> None:
        assert "tool-output-error" not in types([BEGIN, *HERE, ApprovalRequested(0, "a1"), Cancelled("stopped")])

    def test_of_the_message_before_end_with_the_answer(self) -> None:
        shown = values(UIMessageEncoder(None, earlier_calls=EARLIER).encode([BEGIN, Cancelled("stopped")]))
        assert [value["toolCallId"] for value in shown if "error" in value["type"]] == ["c0"]

    @pytest.mark.parametrize("end", [Cancelled("stopped"), Completed("other")])
    def test_leave_no_step_behind_that_a_client_sends_again_by_itself(self, end: Event) -> None:
        shown = types([BEGIN, *HERE, ToolResult(0, 7), end])
        assert shown[4:7] == ["tool-output-available", "finish-step", "start-step"]
        assert "start-step" not in types([BEGIN, *HERE, ApprovalRequested(0, "a1"), Completed("tool_calls")])[2:]


def test_a_replay_shows_the_calls_of_the_message_that_the_answer_continues() -> None:
    encoder = UIMessageEncoder("m1", is_replay=True, knows_approvals=True, earlier_calls=EARLIER)
    shown = values(encoder.encode([BEGIN, ToolResult(-1, 7, call_id="c0"), StepStarted(), TEXT]))
    assert [value["type"] for value in shown] == [
        "start", "data-restart", "start-step", "tool-input-available", "tool-output-available", "finish-step",
        "start-step", "text-start", "text-delta",
    ]  # fmt: skip
    assert (shown[3]["toolName"], shown[3]["input"]) == ("find", {"q": 1})


class TestRestartInALaterStep:
    FIRST = (*HERE, ToolResult(0, 7), StepStarted())
    AGAIN = (AnswerRestarted("it broke off", "acme/big", 1), *FIRST)

    @pytest.mark.parametrize("has_reset", [False, True])
    def test_keeps_the_steps_that_come_again(self, has_reset: bool) -> None:
        encoder = UIMessageEncoder("m1", has_reset=has_reset)
        encoder.encode([BEGIN, *self.FIRST, TEXT])
        shown = values(encoder.encode([*self.AGAIN, TEXT, Completed("stop")]))
        assert "tool-input-start" not in [value["type"] for value in shown]
        assert [value["type"] for value in shown].count("text-delta") == 1
        revoked = [value for value in shown if value["type"] in {"reset-step", "data-restart"}]
        assert revoked == [
            {"type": "reset-step"}
            if has_reset
            else {"type": "data-restart", "data": {"reason": "it broke off", "model": "acme/big"}}
        ]

    def test_keeps_what_was_done_before_the_first_question(self) -> None:
        encoder = UIMessageEncoder(None, has_reset=True, earlier_calls=EARLIER)
        done = (ToolResult(-1, 7, call_id="c0"), StepStarted())
        encoder.encode([BEGIN, *done, TEXT])
        shown = values(encoder.encode([AnswerRestarted("it broke off", "acme/big", 1), *done, TEXT]))
        assert [value["type"] for value in shown] == ["reset-step", "message-metadata", "text-start", "text-delta"]

    def test_of_a_provider_with_steps_of_its_own_revokes_all(self) -> None:
        encoder = UIMessageEncoder("m1")
        encoder.encode([BEGIN, *self.FIRST, TEXT, StepStarted(), TEXT])
        shown = values(encoder.encode([*self.AGAIN, TEXT]))
        assert [value["data"]["reason"] for value in shown if value["type"] == "data-restart"] == ["resumed"]
        assert "tool-input-start" in [value["type"] for value in shown]


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
