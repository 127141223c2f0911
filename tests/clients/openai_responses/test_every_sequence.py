"""The SDKs' own parsers read any sequence of events that a stream can have, without a loss."""

from __future__ import annotations

import json

import httpx2
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import OpenAI, Stream, omit
from openai.lib.streaming.responses import ResponseStream
from openai.types.responses import Response, ResponseStreamEvent

from flask_headrace.blueprints.encoding.base import AbortConnection
from flask_headrace.blueprints.openai_responses.encoder import ResponsesEncoder
from flask_headrace.core.events import (
    AnswerRestarted,
    Completed,
    Event,
    ReasoningDelta,
    TextDelta,
    ToolCallCompleted,
    ToolCallStarted,
)
from flask_headrace.core.sse import SSEDecoder
from tests.blueprints.openai_responses.response_schema import check_events
from tests.blueprints.openai_responses.test_encoder import ANY_OF_THEIRS
from tests.support.event_sequences import BROKEN, DONE, SIZES, batches, sequences

SDK = OpenAI(base_url="http://never.asked", api_key="any")
ENDS = DONE | BROKEN | st.just(AnswerRestarted("it broke off", "acme/big"))


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[Event], bytes]:
    """Draw an answer and its bytes: in batches, with or without heartbeats and event ids."""
    events = draw(sequences(ENDS))
    encoder, first = ResponsesEncoder("s1", "acme/tiny", 1700000000), draw(st.sampled_from([None, 1]))
    written = b""
    try:
        for batch in batches(events, draw(SIZES)):
            written += encoder.encode(batch, first)
            first = None if first is None else first + len(batch)
    except AbortConnection as broken:
        written += broken.final_bytes
    return events, written


def last_response(written: bytes) -> Response:
    response = httpx2.Response(200, content=written, request=httpx2.Request("POST", "http://never.asked"))
    raw: Stream[ResponseStreamEvent] = Stream(cast_to=ResponseStreamEvent, response=response, client=SDK)
    *_, last = ResponseStream(raw_stream=raw, text_format=omit, input_tools=omit, starting_after=None)
    return last.response


@settings(max_examples=40)
@given(streams())
def test_each_event_is_one_of_theirs_and_in_its_place(stream: tuple[list[Event], bytes]) -> None:
    events = [json.loads(frame.data) for frame in SSEDecoder().feed(stream[1])]
    check_events(events)
    for event in events:
        if usage := event.get("response", {}).get("usage"):
            usage["input_tokens_details"]["cache_write_tokens"] = 0  # not known here, and left out
        if error := event.get("response", {}).get("error"):
            error["code"] = "server_error"  # theirs are a closed list, which their SDKs do not hold us to
        ANY_OF_THEIRS.validate_json(json.dumps(event), strict=True)


@settings(max_examples=40)
@given(streams())
def test_the_sdk_reads_what_went_in(stream: tuple[list[Event], bytes]) -> None:
    events, written = stream
    response = last_response(written)
    assert (response.status != "failed") == isinstance(events[-1], Completed)
    assert response.output_text == "".join(event.text for event in events if isinstance(event, TextDelta))
    thoughts = [part.text for item in response.output if item.type == "reasoning" for part in item.summary]
    assert "".join(thoughts) == "".join(event.text for event in events if isinstance(event, ReasoningDelta))
    if isinstance(events[-1], Completed):
        calls = [item for item in response.output if item.type == "function_call"]
        arguments = {event.index: event.arguments for event in events if isinstance(event, ToolCallCompleted)}
        wanted = [(e.id, e.name, arguments[e.index]) for e in events if isinstance(e, ToolCallStarted)]
        assert [(call.call_id, call.name, json.loads(call.arguments)) for call in calls] == wanted
