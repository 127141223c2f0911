"""Answers of a malicious upstream: the memory that they occupy, and the work for one piece, are bounded."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from flask_headrace.core.errors import InvalidToolArguments, UpstreamProtocolError
from flask_headrace.core.events import Completed, Event, TextDelta
from flask_headrace.core.sse import ServerSentEvent
from flask_headrace.providers.decoding.sse_stream import MAX_BATCH_EVENTS, split_batch
from flask_headrace.providers.decoding.tool_arguments import ToolArguments
from flask_headrace.providers.decoding.tool_calls import MAX_CALLS
from flask_headrace.providers.openai.chat_decoder import ChatDecoder
from flask_headrace.providers.openai.chat_tool_calls import IndexedToolCalls, ToolCallChunk
from flask_headrace.providers.openai.item_texts import MAX_PARTS
from flask_headrace.providers.openai.responses_decoder import ResponseDecoder
from flask_headrace.providers.openai.responses_tool_calls import ItemToolCalls


def stream_event(kind: str, **fields: Any) -> ServerSentEvent:
    return ServerSentEvent(kind.encode(), json.dumps({"type": kind, **fields}).encode())


PARTS: dict[str, Callable[[int], ServerSentEvent]] = {
    "deltas": lambda n: stream_event("response.output_text.delta", output_index=0, content_index=n, delta="a"),
    "deltas of items": lambda n: stream_event(
        "response.output_text.delta", item_id=f"i{n}", content_index=0, delta="a"
    ),
    "whole parts": lambda n: stream_event("response.output_text.done", output_index=n, content_index=0, text="a"),
    "whole items": lambda n: stream_event(
        "response.output_item.added",
        output_index=n,
        item={"type": "message", "id": f"i{n}", "content": [{"type": "output_text", "text": "a"}]},
    ),
}


@pytest.mark.parametrize("kind", PARTS)
def test_parts_of_a_response_without_an_end_are_given_up(kind: str) -> None:
    decoder, events = ResponseDecoder("acme", "m", "openai"), []
    decoder.read([PARTS[kind](number) for number in range(MAX_PARTS)], events)
    with pytest.raises(UpstreamProtocolError, match=f"more than {MAX_PARTS}"):
        decoder.read([PARTS[kind](MAX_PARTS)], events)


def test_calls_without_names_are_given_up() -> None:
    indexed, items = IndexedToolCalls("acme"), ItemToolCalls("acme")
    events: list[Event] = []
    for number in range(MAX_CALLS):
        indexed.read([ToolCallChunk(number, f"c{number}")], events)
        items.begin(f"c{number}", "", events, f"i{number}")
    with pytest.raises(InvalidToolArguments, match="more than 1024 tools"):
        indexed.read([ToolCallChunk(MAX_CALLS, "another")], events)
    with pytest.raises(InvalidToolArguments, match="more than 1024 tools"):
        items.begin("another", "", events, "another")


def test_frames_of_which_nothing_is_read_are_not_kept() -> None:
    decoder = ChatDecoder("acme", "m", "openai")
    tracemalloc.start()
    try:
        for _ in range(8):
            decoder.read([ServerSentEvent(b"message", b'{"choices":[],"a":"%b"}' % (b"x" * 1_000_000))], [])
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000


def test_arguments_that_come_before_their_name_are_kept_as_one_text() -> None:
    calls, events = IndexedToolCalls("acme"), []
    pieces = msgspec.json.decode(msgspec.json.encode(["ab"] * 100_000))
    tracemalloc.start()
    try:
        for text in ['{"a": "', *pieces]:
            calls.read([ToolCallChunk(0, "c", None, text)], events)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000
    calls.read([ToolCallChunk(0, None, "t", '"}')], events)
    assert calls.end_all(events) is None
    assert events[-1].arguments == {"a": "ab" * 100_000}


@pytest.mark.parametrize("behind", [["{", '"b', "b", "b"], ['{"a": "y"}'] * 4, [' {"b": 1}'] * 4])
def test_whole_arguments_are_read_once_however_much_comes_behind(
    monkeypatch: pytest.MonkeyPatch, behind: list[str]
) -> None:
    read: list[int] = []
    arguments = ToolArguments()
    monkeypatch.setattr(
        "flask_headrace.providers.decoding.tool_arguments._parse_or_none",
        lambda text: read.append(len(text)) or json_of(text),
    )
    arguments.add(json.dumps(json.dumps({"a": "x" * 1000})))
    for piece in behind:
        arguments.add(piece)
    assert len([size for size in read if size > 1000]) <= 2  # out of its string, and for the canonical JSON


@pytest.mark.parametrize(
    ("first", "again", "is_same"),
    [
        ('{"a": 1.50}', '{"a":1.5}', True),
        ('{"a": 1E5}', '{"a":100000.0}', True),
        ('{"a": 1e400}', '{"a":1e400}', True),
        ('{"a": 1e400}', '{"a":1e401}', False),
        ('{"a": 9007199254740993.0}', '{"a":9007199254740992.0}', False),
        ('{"a": 0.1000000000000000055511151231257827}', '{"a":0.1}', False),
        ('{"a": 1e99999999999999999999}', '{"a":1e99999999999999999999}', True),
        ('{"a": 1e99999999999999999999}', '{"a":1e99999999999999999998}', False),
        ('{"a": 1}', '{"a":true}', False),
    ],
)
def test_arguments_are_repeated_if_all_digits_are(first: str, again: str, is_same: bool) -> None:
    arguments = ToolArguments()
    assert arguments.add(first + again) == (first, "" if is_same else again)


def json_of(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


@pytest.mark.parametrize("count", [0, 1, MAX_BATCH_EVENTS, MAX_BATCH_EVENTS + 1, 5 * MAX_BATCH_EVENTS])
def test_one_frame_of_very_many_events_is_passed_on_in_turns(count: int) -> None:
    events: list[Event] = [*[TextDelta(str(number)) for number in range(count)], Completed("stop")]
    lists = list(split_batch(events))
    assert [event for each in lists for event in each] == events
    assert max(map(len, lists)) <= MAX_BATCH_EVENTS


def test_nothing_is_one_empty_list() -> None:
    assert list(split_batch([])) == [[]]
