"""The official SDK reads any sequence of events that Anthropic's encoder encodes."""

from __future__ import annotations

import re

import anthropic
import httpx2
import pytest
from anthropic.types import RawMessageStreamEvent
from anthropic.types.shared import ErrorResponse
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from flask_headrace.blueprints.anthropic_messages.encoder import MessagesEncoder
from flask_headrace.blueprints.encoding.base import AbortConnection
from flask_headrace.core.answer import CollectedAnswer
from flask_headrace.core.application_events import StepStarted
from flask_headrace.core.events import (
    AnswerRestarted,
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
from flask_headrace.core.sse import SSEDecoder
from tests.support import event_sequences

EVENT, ERROR = TypeAdapter(RawMessageStreamEvent), TypeAdapter(ErrorResponse)


def streamed(events: list[Event]) -> bytes:
    return MessagesEncoder().encode(events)


BEGUN_AGAIN = [
    ResponseStarted("s1", "acme/tiny", "acme"), TextDelta("wrong"), AnswerRestarted("busy", "acme/big"),
    TextDelta("right"), Usage(1, 1), Completed("stop"),
]  # fmt: skip


STEP_WITHIN_A_CALL = [
    ResponseStarted("s1", "acme/tiny", "acme"), ToolCallStarted(0, "call_0", "find"), TextDelta("a"), StepStarted(),
    TextDelta("b"), ToolCallCompleted(0, {}), Usage(1, 1), Completed("stop"),
]  # fmt: skip


class Replaying(httpx2.BaseTransport):
    """Answers every request with the given chunks as an event stream."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = {"Content-Type": "text/event-stream; charset=utf-8"}
        return httpx2.Response(200, headers=headers, content=iter(self.pieces), request=request)


REPLAYING = Replaying()
CLIENT = anthropic.Anthropic(api_key="k", base_url="http://x", http_client=httpx2.Client(transport=REPLAYING))


def heard(pieces: list[bytes]) -> anthropic.types.ParsedMessage[None]:
    """Return the message that the SDK reads from a stream."""
    REPLAYING.pieces = pieces
    with CLIENT.messages.stream(model="m", max_tokens=9, messages=[]) as stream:
        return stream.get_final_message()


def sent(batched: list[list[Event]]) -> tuple[list[bytes], bool]:
    """Return the encoded batches, and whether the encoder aborted the connection."""
    encoder, pieces = MessagesEncoder(), []
    try:
        pieces.extend(encoder.encode(batch) for batch in batched)
    except AbortConnection as broken:
        return [*pieces, broken.final_bytes], True
    return pieces, False


def left_with(pieces: list[bytes]) -> tuple[anthropic.types.ParsedMessage[None], anthropic.APIStatusError | None]:
    """Return the message that the SDK has read from a stream, and the exception that it raised."""
    REPLAYING.pieces = pieces
    with CLIENT.messages.stream(model="m", max_tokens=9, messages=[]) as stream:
        try:
            return stream.get_final_message(), None
        except anthropic.APIStatusError as error:
            return stream.current_message_snapshot, error


def plain(content: list) -> list[dict]:
    return [block.to_dict(exclude_none=True) for block in content]


class TestAnySequence:
    @settings(max_examples=150)
    @given(event_sequences.sequences(event_sequences.DONE), event_sequences.SIZES, st.booleans())
    @example(STEP_WITHIN_A_CALL, [], False)
    def test_that_is_complete_gives_the_sdk_the_message_that_it_would_have_had_whole(self, events, sizes, numbered):
        encoder, answer, number = MessagesEncoder(), CollectedAnswer(), 1
        answer.add(events)
        pieces = []
        for batch in event_sequences.batches(events, sizes):
            pieces.append(encoder.encode(batch, number if numbered else None))
            number += len(batch)
        message = heard(pieces)
        whole = encoder.encode_whole(answer)
        assert plain(message.content) == whole["content"]
        assert message.stop_reason == whole["stop_reason"]
        assert message.usage.to_dict(exclude_none=True) == whole["usage"]
        ids = [int(found) for found in re.findall(rb"^id: (\d+)$", b"".join(pieces), re.MULTILINE)]
        assert ids == sorted(set(ids))
        assert ids[-1:] == [len(events)] * numbered

    @settings(max_examples=60)
    @given(event_sequences.sequences(event_sequences.BROKEN))
    def test_that_broke_off_is_an_error_to_the_sdk_and_never_a_message(self, events):
        sent = streamed(events)
        assert b"message_stop" not in sent
        with pytest.raises(anthropic.APIStatusError) as error:
            heard([sent])
        assert error.value.error_code == (events[-1].code if isinstance(events[-1], Failed) else "cancelled")

    @settings(max_examples=60)
    @given(event_sequences.answers(), event_sequences.SIZES)
    @example(BEGUN_AGAIN, [])
    def test_leaves_the_sdk_with_all_that_came_before_its_end_also_where_it_began_again(self, events, sizes):
        restart = next((n for n, event in enumerate(events) if isinstance(event, AnswerRestarted)), None)
        pieces, is_broken = sent(event_sequences.batches(events, sizes))
        message, error = left_with(pieces)
        assert message.id == "msg_s1"
        assert (error is None) == (isinstance(events[-1], Completed) and not is_broken)
        shown = events[:restart] if is_broken else events
        if not any(isinstance(event, ToolCallStarted) for event in shown):  # a call that is not whole holds text back
            texts = [event.text for event in shown if isinstance(event, TextDelta)]
            assert "".join(block.text for block in message.content if block.type == "text") == "".join(texts)

    @settings(max_examples=60)
    @given(event_sequences.sequences(), event_sequences.SIZES)
    def test_is_written_alike_however_its_events_come(self, events, sizes):
        encoder = MessagesEncoder()
        assert b"".join(encoder.encode(batch) for batch in event_sequences.batches(events, sizes) if batch) == streamed(
            events
        )

    @settings(max_examples=60)
    @given(event_sequences.sequences())
    def test_fits_the_sdks_own_schema(self, events):
        for frame in SSEDecoder().feed(streamed(events)):
            parsed = (ERROR if frame.event == b"error" else EVENT).validate_json(frame.data, strict=True)
            assert parsed.type == frame.event.decode()


@pytest.mark.parametrize("pieces", [[" ", "\n\t", '{"a":', "1} "], ["  ", ' {"a":1}'], ["", " "], []])
def test_blanks_before_the_arguments_of_a_call_harm_nobody(pieces: list[str]) -> None:
    calls: list[Event] = []
    for number, (texts, arguments) in enumerate([(pieces, {"a": 1}), ([" "], {}), ([], {})]):
        deltas = [ToolCallDelta(number, text) for text in texts]
        calls += [ToolCallStarted(number, f"c{number}", "find"), *deltas, ToolCallCompleted(number, arguments)]
    message = heard(
        [streamed([ResponseStarted("s1", "acme/tiny", "acme"), *calls, Usage(1, 1), Completed("tool_calls")])]
    )
    assert [block.input for block in message.content] == [{"a": 1}, {}, {}]
