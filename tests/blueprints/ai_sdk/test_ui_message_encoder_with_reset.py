"""The encoder of the AI SDK's UI message stream for version 7, which can remove what it has."""

from __future__ import annotations

from flask_headrace.blueprints.ai_sdk.ui_message_encoder import UIMessageEncoder
from flask_headrace.core.events import AnswerRestarted, Cancelled, Completed, Event, ToolCallDelta
from tests.blueprints.ai_sdk.test_ui_message_encoder import BEGIN, CALL, TEXT, THOUGHT, golden, values


class TestVersionWithReset:
    def test_voids_the_step_and_continues_it(self) -> None:
        encoder = UIMessageEncoder("m1", has_reset=True)
        encoder.encode([BEGIN, THOUGHT, TEXT, CALL, ToolCallDelta(0, "{")])
        assert values(encoder.encode([AnswerRestarted("busy", "acme/big"), TEXT, Completed("stop")])) == [
            {"type": "reset-step"},
            {"type": "message-metadata", "messageMetadata": {"model": "acme/big"}},
            {"type": "text-start", "id": "3"},
            {"type": "text-delta", "id": "3", "delta": "Hel"},
            {"type": "text-end", "id": "3"},
            {"type": "finish-step"},
            {"type": "finish", "finishReason": "stop", "messageMetadata": {}},
        ]

    def test_has_the_reason_of_a_stop(self) -> None:
        last = values(UIMessageEncoder("m1", has_reset=True).encode([BEGIN, TEXT, Cancelled("shutdown")]))[-1]
        assert last == {"type": "abort", "reason": "shutdown"}

    def test_voids_by_a_replay_what_its_reader_may_have(self) -> None:
        frames = values(UIMessageEncoder("m1", is_replay=True, has_reset=True).encode([BEGIN, TEXT]))
        assert [frame["type"] for frame in frames[:3]] == ["start", "reset-step", "start-step"]

    @golden
    def test_has_the_other_frames_of_all_versions(self, before: list[Event], event: Event, frames: list[bytes]) -> None:
        if not isinstance(event, (AnswerRestarted, Cancelled)):
            written = UIMessageEncoder("m1", has_reset=True).encode([*before, event])
            assert written == UIMessageEncoder("m1").encode([*before, event])
