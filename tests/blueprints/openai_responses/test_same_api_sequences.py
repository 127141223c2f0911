"""Whatever a provider of the Responses API sends, in whatever order, streamed and whole answers say the same."""

from __future__ import annotations

import json

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_headrace.blueprints.openai_responses.encoder import ResponsesEncoder
from flask_headrace.core.answer import CollectedAnswer
from flask_headrace.core.events import Completed, ResponseStarted
from flask_headrace.core.sse import SSEDecoder
from flask_headrace.providers.openai.responses_source_decoder import SourceResponseDecoder
from tests.blueprints.openai_responses.same_api import ANSWERS, ended
from tests.providers.decoding.decoding import Answer

FRAMES = [frame for frames, _ in ANSWERS.values() for frame in frames]
CUT = ended(status="incomplete", incomplete_details={"reason": "max_output_tokens"})
START = ResponseStarted("s1", "acme/tiny", "acme")


@settings(max_examples=200, derandomize=True)
@given(st.lists(st.sampled_from(FRAMES), max_size=12), st.sampled_from([ended(), CUT]))
def test_the_stream_ends_with_the_whole_answer(frames: list, end) -> None:
    answer = Answer(SourceResponseDecoder("acme", "m", ""), *[frame.data for frame in frames], end.data)
    if answer.error is not None or not isinstance(answer.events[-1], Completed):
        return
    streaming, collected = ResponsesEncoder("s1", "acme/tiny", 1), CollectedAnswer()
    written = streaming.encode([START]) + b"".join(streaming.encode([event]) for event in answer.events)
    collected.add([START, *answer.events])
    whole = msgspec.json.encode(ResponsesEncoder("s1", "acme/tiny", 1).encode_whole(collected))
    sent = [json.loads(frame.data) for frame in SSEDecoder().feed(written)]
    assert [frame["sequence_number"] for frame in sent] == list(range(len(sent)))
    assert sent[-1]["response"] == json.loads(whole)
    done = {frame["output_index"]: frame["item"] for frame in sent if frame["type"] == "response.output_item.done"}
    output = sent[-1]["response"]["output"]
    assert [done.get(index, item) for index, item in enumerate(output)] == output
