"""A client that resumes receives, in each protocol, the same bytes as a client that stayed connected."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings

from flask_headrace.blueprints.ai_sdk.data_stream_v1_encoder import DataStreamV1Encoder
from flask_headrace.blueprints.ai_sdk.object_encoder import ObjectTextEncoder
from flask_headrace.blueprints.ai_sdk.text_encoder import PlainTextEncoder
from flask_headrace.blueprints.ai_sdk.ui_message_encoder import UIMessageEncoder
from flask_headrace.blueprints.anthropic_messages.encoder import MessagesEncoder
from flask_headrace.blueprints.encoding.base import AbortConnection, StreamEncoder
from flask_headrace.blueprints.encoding.skip_seen import SkipSeenEvents
from flask_headrace.blueprints.native import encoder as native_encoder
from flask_headrace.blueprints.openai_chat.encoder import ChatCompletionEncoder
from flask_headrace.blueprints.openai_responses.encoder import ResponsesEncoder
from flask_headrace.core.events import (
    AnswerRestarted,
    Completed,
    Event,
    Failed,
    ResponseStarted,
    TextDelta,
    ToolCallStarted,
    Usage,
)
from tests.support.event_sequences import SIZES, answers, batches

ENCODERS: dict[str, Callable[[], StreamEncoder]] = {
    "native": lambda: native_encoder,
    "openai": lambda: ChatCompletionEncoder("s1", "acme/tiny", 1700000000, has_usage=True),
    "openai-responses": lambda: ResponsesEncoder("s1", "acme/tiny", 1700000000),
    "anthropic": MessagesEncoder,
    "data-v1": lambda: DataStreamV1Encoder(has_reasoning=True, aborts_on_failure=True),
    "text": PlainTextEncoder,
    "document": ObjectTextEncoder,
    "ui-messages": lambda: UIMessageEncoder("m1"),
    "ui-messages of version 7": lambda: UIMessageEncoder("m1", has_reset=True),
}
"""An encoder of every protocol, by its name."""

WITHOUT_ERROR_FRAMES = {"text", "document"}
"""Protocols that have no form for errors: they only break the connection."""

CONTINUING_AFTER_RESTART = {"native", "document", "ui-messages", "ui-messages of version 7"}
"""Protocols that continue after the restart in AGAIN; the others fail the response."""

FAILING_AT_RESTART = sorted(ENCODERS.keys() - CONTINUING_AFTER_RESTART)
SHOWN: list[Event] = [ResponseStarted("s1", "acme/tiny", "acme"), TextDelta("wrong")]
AGAIN: list[Event] = [AnswerRestarted("it broke off", "acme/big"), TextDelta("right"), Usage(1, 1), Completed("stop")]


def read(encoder: StreamEncoder, batched: list[list[Event]]) -> tuple[bytes, bytes | None]:
    """Return the bytes for a client, and the error frame if the encoder aborted the connection."""
    written, first = b"", 1
    try:
        for batch in batched:
            written += encoder.encode(batch, first) if batch else b""
            first += len(batch)
    except AbortConnection as abort:
        return written + abort.final_bytes, abort.error_frame
    return written, None


def each(encoder: StreamEncoder, events: list[Event]) -> tuple[list[bytes], bytes | None]:
    """Return the bytes of each event for a client that stayed connected, and the error frame."""
    found: list[bytes] = []
    for number, event in enumerate(events, 1):
        written, error_frame = read_one(encoder, event, number)
        found.append(written)
        if error_frame is not None:
            return found, error_frame
    return found, None


def read_one(encoder: StreamEncoder, event: Event, number: int) -> tuple[bytes, bytes | None]:
    try:
        return encoder.encode([event], number), None
    except AbortConnection as abort:
        return abort.final_bytes, abort.error_frame


@pytest.mark.parametrize("protocol", ENCODERS)
@settings(max_examples=15)
@given(events=answers(), sizes=SIZES)
def test_the_rest_is_what_a_reader_has_who_never_left_at_every_cursor(
    protocol: str, events: list[Event], sizes: list[int]
) -> None:
    make = ENCODERS[protocol]
    whole, error_frame = each(make(), events)
    assert read(make(), batches(events, sizes)) == (b"".join(whole), error_frame), "how events come makes no difference"
    for seen in range(len(events)):
        rest = b"".join(whole[seen:]) if seen < len(whole) else error_frame
        assert read(SkipSeenEvents(make(), seen), batches(events, sizes)) == (rest, error_frame)


@pytest.mark.parametrize("protocol", FAILING_AT_RESTART)
def test_what_was_void_is_not_sent_again_to_who_knows_of_it(protocol: str) -> None:
    events = [*SHOWN, *AGAIN]
    for seen in (3, 4):
        rest, error_frame = read(SkipSeenEvents(ENCODERS[protocol](), seen), [events])
        assert rest == error_frame
        assert b"wrong" not in rest.replace(b'"text":"wrong"', b"")  # a response that failed tells what there was
        assert (rest == b"") == (protocol in WITHOUT_ERROR_FRAMES)


@pytest.mark.parametrize("protocol", FAILING_AT_RESTART)
def test_what_came_together_with_a_restart_is_not_lost(protocol: str) -> None:
    apart = read(ENCODERS[protocol](), [[event] for event in [*SHOWN, *AGAIN]])
    together = read(ENCODERS[protocol](), [[*SHOWN, *AGAIN]])
    assert together == apart
    assert b"wrong" in together[0]


def test_anthropics_message_has_begun_before_it_is_broken_off() -> None:
    begun, _ = read(MessagesEncoder(), [[*SHOWN, ToolCallStarted(0, "c1", "find"), *AGAIN]])
    assert begun.index(b"message_start") < begun.index(b"tool_use") < begun.index(b"event: error")


@pytest.mark.parametrize("protocol", ENCODERS)
def test_a_reading_that_fails_by_itself_is_told_so_whatever_its_reader_has(protocol: str) -> None:
    failed: list[Event] = [Failed("internal", "Oh.", retryable=True)]
    encoder = SkipSeenEvents(ENCODERS[protocol](), 2)
    encoder.encode(SHOWN, 1)
    try:
        written = encoder.encode(failed)
    except AbortConnection as abort:
        written = abort.final_bytes
    fresh = ENCODERS[protocol]()
    fresh.encode(SHOWN, 1)
    assert written == read_one_unnumbered(fresh, failed)
    assert (written == b"") == (protocol in WITHOUT_ERROR_FRAMES)


def read_one_unnumbered(encoder: StreamEncoder, events: list[Event]) -> bytes:
    try:
        return encoder.encode(events)
    except AbortConnection as abort:
        return abort.final_bytes
