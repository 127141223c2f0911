"""The SDKs' own parsers read any sequence of events that a stream can have, without a loss."""

from __future__ import annotations

import base64
import json
from itertools import cycle
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai import OpenAI, Stream
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from flask_headrace.blueprints.encoding.base import AbortConnection
from flask_headrace.blueprints.openai_chat.encoder import ChatCompletionEncoder
from flask_headrace.core.events import (
    AnswerRestarted,
    Completed,
    Event,
    ReasoningDelta,
    ResponseStarted,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from tests.clients.openai_chat.node import Node
from tests.support.event_sequences import BROKEN, DONE, SIZES, batches, sequences

SDK = OpenAI(base_url="http://never.asked", api_key="any")
STRICT = {
    "type": "function",
    "function": {"name": "find", "strict": True, "parameters": {"type": "object", "properties": {}}},
}
"""A tool whose arguments the SDK parses with each piece of them."""
ENDS = DONE | BROKEN | st.just(AnswerRestarted("it broke off", "acme/big"))


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[Event], list[bytes]]:
    """Draw an answer and its bytes: in batches, with or without heartbeats and event ids, and split at any place."""
    events = draw(sequences(ENDS))
    written = write(batches(events, draw(SIZES)), draw(st.sampled_from([None, 1])))
    return events, cut(written, draw(st.lists(st.integers(1, 300), min_size=1, max_size=6)))


def write(batched: list[list[Event]], first: int | None) -> bytes:
    encoder = ChatCompletionEncoder("s1", "acme/tiny", 1700000000, has_usage=True)
    written = b""
    try:
        for batch in batched:
            written += encoder.encode(batch, first)
            first = None if first is None else first + len(batch)
    except AbortConnection as broken:
        written += broken.final_bytes
    return written


def cut(written: bytes, sizes: list[int]) -> list[bytes]:
    pieces = []
    for size in cycle(sizes):
        if not written:
            return pieces
        pieces.append(written[:size])
        written = written[size:]
    return pieces


def text_of(events: list[Event], kind: type[TextDelta | ReasoningDelta]) -> str:
    return "".join(event.text for event in events if isinstance(event, kind))


def called(events: list[Event]) -> list[tuple[str, str, object]]:
    arguments = {event.index: event.arguments for event in events if isinstance(event, ToolCallCompleted)}
    return [(event.id, event.name, arguments[event.index]) for event in events if isinstance(event, ToolCallStarted)]


def read(pieces: list[bytes]) -> tuple[list[ChatCompletionChunk], openai.APIError | None]:
    response = httpx2.Response(200, content=iter(pieces), request=httpx2.Request("POST", "http://never.asked"))
    chunks: list[ChatCompletionChunk] = []
    try:
        chunks.extend(Stream(cast_to=ChatCompletionChunk, response=response, client=SDK))
    except openai.APIError as error:
        return chunks, error
    return chunks, None


@settings(max_examples=100)
@given(streams())
def test_pythons_sdk_reads_what_went_in(stream: tuple[list[Event], list[bytes]]) -> None:
    events, pieces = stream
    chunks, error = read(pieces)
    assert (error is None) == isinstance(events[-1], Completed) == (b"data: [DONE]" in b"".join(pieces))
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == text_of(events, TextDelta)
    reasoning = "".join((delta.model_extra or {}).get("reasoning_content") or "" for delta in deltas)
    assert reasoning == text_of(events, ReasoningDelta)
    state = ChatCompletionStreamState()
    for chunk in chunks:
        ChatCompletionChunk.model_validate_json(chunk.model_dump_json(exclude_unset=True), strict=True)
        state.handle_chunk(chunk)
    if error is None:
        assert calls_in(state.current_completion_snapshot) == called(events)
        assert chunks[-1].usage.total_tokens == events[-2].input_tokens + events[-2].output_tokens


@pytest.mark.parametrize("pieces", [[" ", "\n\t", '{"a":', "1} "], ["  ", ' {"a":1}'], ["", " "], []])
def test_blanks_before_the_arguments_of_a_strict_tool_harm_nobody(pieces: list[str]) -> None:
    deltas = [ToolCallDelta(0, piece) for piece in pieces]
    arguments = {"a": 1}
    call = [ToolCallStarted(0, "call_0", "find"), *deltas, ToolCallCompleted(0, arguments)]
    chunks, _ = read(
        [write([[ResponseStarted("s1", "acme/tiny", "acme"), *call, Usage(1, 1), Completed("tool_calls")]], 1)]
    )
    state = ChatCompletionStreamState(input_tools=[STRICT])
    for chunk in chunks:
        state.handle_chunk(chunk)
    assert calls_in(state.current_completion_snapshot) == [("call_0", "find", arguments)]


def calls_in(completion: Any) -> list[tuple[str, str, object]]:
    calls = completion.choices[0].message.tool_calls or []
    return [(call.id, call.function.name, json.loads(call.function.arguments)) for call in calls]


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(batch=st.lists(streams(), min_size=15, max_size=15))
def test_nodes_sdk_reads_what_went_in(node: Node, batch: list[tuple[list[Event], list[bytes]]]) -> None:
    encoded = [[base64.b64encode(piece).decode() for piece in pieces] for _, pieces in batch]
    for (events, _), got in zip(batch, node.ask("read", streams=encoded), strict=True):
        assert (got["text"], got["reasoning"]) == (text_of(events, TextDelta), text_of(events, ReasoningDelta))
        assert ("error" not in got) == isinstance(events[-1], Completed)
        calls = [(call["id"], call["name"], json.loads(call["arguments"])) for call in got["calls"]]
        assert calls == called(events)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_stream_in_pieces_of_any_size_reads_the_same(size: int) -> None:
    events = [ResponseStarted("s1", "acme/tiny", "acme"), TextDelta("👩‍👩‍👧 e\u0301"), Completed("stop")]
    chunks, error = read(cut(write([events], 1), [size]))
    assert error is None
    assert chunks[1].choices[0].delta.content == "👩‍👩‍👧 e\u0301"
