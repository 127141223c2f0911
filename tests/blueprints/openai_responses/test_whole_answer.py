"""The encoder of OpenAI's Responses API gives a complete answer as one JSON object."""

from __future__ import annotations

import json

from openai.types.responses import Response

from flask_headrace.core.answer import CollectedAnswer
from flask_headrace.core.events import (
    Completed,
    Event,
    ReasoningDelta,
    ReasoningSignature,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
)
from tests.blueprints.openai_responses.test_encoder import CALLED, START, USAGE, encoder, read


class TestAnAnswerInOnePiece:
    def test_is_one_of_theirs(self) -> None:
        calls = [CALLED, ToolCallDelta(0, '{"q": 1}'), ToolCallCompleted(0, {"q": 1}), ToolCallStarted(1, "c2", "now")]
        answer = CollectedAnswer()
        answer.add([START, ReasoningDelta("hmm"), ReasoningSignature("abc"), TextDelta("Hel"), TextDelta("lo"), *calls])
        answer.add([ToolCallCompleted(1, {}), USAGE, Completed("tool_calls")])
        written = encoder().encode_whole(answer)
        written["usage"]["input_tokens_details"]["cache_write_tokens"] = 0
        parsed = Response.model_validate_json(json.dumps(written), strict=True)
        thought, _, first, second = parsed.output
        assert (parsed.output_text, thought.summary[0].text, thought.encrypted_content) == ("Hello", "hmm", "abc")
        called = [(call.call_id, call.name, call.arguments) for call in (first, second)]
        assert called == [("c1", "find", '{"q": 1}'), ("c2", "now", "{}")]
        assert (parsed.id, parsed.created_at, parsed.model, parsed.status) == (
            "resp_s1", 1700000000, "acme/tiny", "completed",
        )  # fmt: skip

    def test_is_what_a_stream_ends_with(self) -> None:
        events: list[Event] = [ReasoningDelta("hm"), ReasoningSignature("x", True), TextDelta("a"), CALLED]
        events += [ToolCallCompleted(0, {"q": [1]}), TextDelta("b"), USAGE, Completed("length")]
        answer = CollectedAnswer()
        answer.add([START, *events])
        assert encoder().encode_whole(answer) == read(encoder().encode(events))[-1]["response"]

    def test_may_be_empty(self) -> None:
        answer = CollectedAnswer()
        answer.add([START, USAGE, Completed("stop")])
        assert encoder().encode_whole(answer)["output"] == []
