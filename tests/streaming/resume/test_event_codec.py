"""The encoding of events in a store: every sequence of events is read back as it was written."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import given

from flask_headrace.core.application_events import Data, OmittedEvent, StreamEvent, without_transient
from flask_headrace.core.events import Event, TextDelta, ToolCallCompleted
from flask_headrace.core.exact_json import encode
from flask_headrace.core.json_object import object_decoder
from flask_headrace.streaming.resume import event_codec
from tests.support.event_sequences import SIZES, answers, batches


def test_every_kind_of_event_can_be_read() -> None:
    assert set(get_args(StreamEvent)) == set(Event.__subclasses__())


@given(events=answers(), sizes=SIZES)
def test_any_sequence_is_read_back_as_it_was_written(events: list[Event], sizes: list[int]) -> None:
    stored = [event_codec.encode(batch) for batch in batches(events, sizes)]
    assert [event for payload in stored for event in event_codec.decode(payload)] == without_transient(events)


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**64), 10**30])
def test_integers_of_more_than_64_bits_are_read_back(number: int) -> None:
    events: list[Event] = [TextDelta("[ö🌊"), ToolCallCompleted(0, {"n": number})]
    assert event_codec.decode(event_codec.encode(events)) == events


def test_transient_data_leave_only_their_number() -> None:
    payload = event_codec.encode([Data("a", "secret", transient=True), Data("a", "kept"), TextDelta("b")])
    assert b"secret" not in payload
    assert event_codec.decode(payload) == [OmittedEvent(), Data("a", "kept"), TextDelta("b")]


@pytest.mark.parametrize("payload", [b"", b"\x91\xc1", b"[", b'[{"event":"novel"}]'])
def test_damaged_bytes_and_unknown_events_are_an_error(payload: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        event_codec.decode(payload)


@pytest.mark.parametrize("digits", ["1.50", "1E5", "1e400", "-0", "0.1000000000000000055511151231257827"])
@pytest.mark.parametrize("other", ["1", "123456789012345678901234567890"])
def test_numbers_that_no_float_has_are_read_back(digits: str, other: str) -> None:
    text = f'{{"a":[{digits},{{"b":{digits}}},{other}]}}'
    events: list[Event] = [TextDelta("hi"), ToolCallCompleted(0, object_decoder.decode(text))]
    (_, completed) = event_codec.decode(event_codec.encode(events))
    assert isinstance(completed, ToolCallCompleted)
    assert encode(completed.arguments).decode() == text


def test_an_extension_of_another_version_is_an_error() -> None:
    payload = msgspec.msgpack.encode([{"event": "tool_ended", "call": 0, "arguments": msgspec.msgpack.Ext(7, b"")}])
    with pytest.raises(msgspec.MsgspecError, match="7 is no code"):
        event_codec.decode(payload)
