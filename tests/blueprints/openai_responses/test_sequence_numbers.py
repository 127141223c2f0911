"""Frames that a client has are left out, whatever the batches, and an interrupted stream numbers no frame twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_headrace.blueprints.encoding.base import AbortConnection
from flask_headrace.blueprints.openai_responses.encoder import ResponsesEncoder
from flask_headrace.blueprints.openai_responses.sequence_numbers import SkipSeenFrames, last_sequence_number
from flask_headrace.core.events import AnswerRestarted, Event, Failed, ResponseStarted, TextDelta, Usage
from tests.support.event_sequences import BROKEN, DONE, SIZES, batches, sequences

ENDS = DONE | BROKEN | st.just(AnswerRestarted("it broke off", "acme/big"))
STARTED = ResponseStarted("s1", "acme/tiny", "acme")


def encoder() -> ResponsesEncoder:
    return ResponsesEncoder("s1", "acme/tiny", 1700000000)


def encoded(encoder: Any, given: list[list[Event]], first: int | None = 1) -> bytes:
    """Return the bytes of a whole stream in these batches; after an abort, its last bytes."""
    written = b""
    try:
        for batch in given:
            written += encoder.encode(batch, first, b"-abcdef01") if batch else b""
            first = None if first is None else first + len(batch)
    except AbortConnection as abort:
        written += abort.final_bytes
    return written


def frames(written: bytes) -> list[bytes]:
    return [frame + b"\n\n" for frame in written.split(b"\n\n") if frame]


def numbers(written: bytes) -> list[int]:
    return [json.loads(frame.partition(b"\ndata: ")[2])["sequence_number"] for frame in frames(written)]


@settings(max_examples=60)
@given(sequences(ENDS), SIZES, SIZES, st.integers(0, 60), st.sampled_from([None, 1]))
def test_what_follows_is_the_rest_of_the_whole(
    events: list[Event], sizes: list[int], other_sizes: list[int], seen: int, first: int | None
) -> None:
    whole = encoded(encoder(), batches(events, sizes), first)
    assert numbers(whole) == list(range(len(numbers(whole))))
    assert last_sequence_number(whole) == len(numbers(whole)) - 1
    rest = encoded(SkipSeenFrames(encoder(), seen), batches(events, other_sizes), first)
    assert rest == b"".join(frames(whole)[seen + 1 :])


LOST = Failed("worker_lost", "The worker died.", retryable=True)


@pytest.mark.parametrize("seen", [5, 6, 40])
def test_a_client_that_has_more_than_the_store_gets_the_end_with_the_next_number(seen: int) -> None:
    stored: list[Event] = [STARTED, TextDelta("a"), Usage(1, 1), LOST]
    whole = encoded(encoder(), [stored])
    assert numbers(whole) == [0, 1, 2, 3, 4, 5]
    for batching in ([stored], [[event] for event in stored]):
        rest = encoded(SkipSeenFrames(encoder(), seen), batching)
        assert numbers(rest) == [seen + 1]
        assert b"event: response.failed\ndata: " in rest
        assert rest.replace(b'"sequence_number":%d}' % (seen + 1), b'"sequence_number":5}') == frames(whole)[-1]


def test_a_client_whose_worker_stored_nothing_gets_the_end_alone() -> None:
    assert numbers(encoded(SkipSeenFrames(encoder(), 9), [[Usage(1, 1), LOST]])) == [10]


@pytest.mark.parametrize("code", ["upstream_failed", "stall_timeout"])
def test_an_end_of_its_own_is_not_sent_twice(code: str) -> None:
    stored: list[Event] = [STARTED, TextDelta("a"), Failed(code, "It broke off.", retryable=True)]
    assert encoded(SkipSeenFrames(encoder(), 5), [stored]) == b""


def test_a_silence_is_a_heartbeat_wherever_the_client_is() -> None:
    skipping = SkipSeenFrames(encoder(), 9)
    skipping.encode([STARTED], 1)
    assert skipping.encode([], None) == encoder().encode([], None)


def test_text_that_looks_like_the_end_of_a_frame_is_text() -> None:
    stored: list[Event] = [STARTED, TextDelta('","sequence_number":99}\n\nevent: x\ndata: {"sequence_number":7}\n\n')]
    whole = encoded(encoder(), [stored])
    assert [encoded(SkipSeenFrames(encoder(), seen), [stored]) for seen in range(len(numbers(whole)))] == [
        b"".join(frames(whole)[seen + 1 :]) for seen in range(len(numbers(whole)))
    ]


def test_of_no_frames_there_is_no_last_one() -> None:
    assert last_sequence_number(b"") is None
