"""The encoder of `useCompletion` of the AI SDK from version 5 on."""

from __future__ import annotations

import pytest

from flask_headrace.blueprints.ai_sdk.ui_completion_encoder import UICompletionEncoder
from flask_headrace.blueprints.ai_sdk.ui_message_encoder import UIMessageEncoder
from flask_headrace.blueprints.encoding.base import AbortConnection
from flask_headrace.core.events import AnswerRestarted, Cancelled, Completed, TextDelta
from tests.blueprints.ai_sdk.test_ui_message_encoder import BEGIN, CALL, TEXT, THOUGHT, USAGE, values


class TestCompletion:
    def test_has_the_frames_of_a_message(self) -> None:
        events = [BEGIN, THOUGHT, TEXT, CALL, USAGE, Completed("stop")]
        assert UICompletionEncoder("m1").encode(events) == UIMessageEncoder("m1").encode(events)

    def test_that_is_stopped_is_an_error(self) -> None:
        last = values(UICompletionEncoder("m1").encode([BEGIN, TEXT, USAGE, Cancelled("stopped")]))[-1]
        assert last == {"type": "error", "errorText": "The answer was stopped before it was complete."}

    def test_that_begins_again_is_an_error_after_its_text_and_nothing_follows(self) -> None:
        with pytest.raises(AbortConnection) as broken:
            UICompletionEncoder("m1").encode([BEGIN, TEXT, AnswerRestarted("busy", "acme/big"), TextDelta("x")])
        kinds = [value["type"] for value in values(broken.value.final_bytes)]
        assert kinds == ["start", "start-step", "text-start", "text-delta", "text-end", "error"]

    def test_that_begins_again_before_its_text_goes_on(self) -> None:
        events = [BEGIN, THOUGHT, AnswerRestarted("busy", "acme/big"), TEXT, Completed("stop")]
        assert UICompletionEncoder("m1").encode(events) == UIMessageEncoder("m1").encode(events)
