"""Whatever the engine produces, the SDKs' own parsers read, and what comes out is what went in."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx2
import openai
import pytest
from flask_headrace.streaming.events import Done, Started, TextDelta
from flask_headrace.streaming.wire.openai_chat import ChatCompletion
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai import OpenAI, Stream
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from tests.clients.openai_chat.node import Node
from tests.clients.openai_chat.sequences import Told, streams

SDK = OpenAI(base_url="http://never.asked", api_key="any")


def read(pieces: list[bytes]) -> tuple[list[ChatCompletionChunk], openai.APIError | None]:
    response = httpx2.Response(200, content=iter(pieces), request=httpx2.Request("POST", "http://never.asked"))
    chunks: list[ChatCompletionChunk] = []
    try:
        chunks.extend(Stream(cast_to=ChatCompletionChunk, response=response, client=SDK))
    except openai.APIError as error:
        return chunks, error
    return chunks, None


@settings(max_examples=100, deadline=None)
@given(streams())
def test_pythons_sdk_reads_what_went_in(stream: tuple[Told, list[bytes]]) -> None:
    told, pieces = stream
    chunks, error = read(pieces)
    assert (error is None) == told.is_done == (b"[DONE]" in b"".join(pieces))
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == told.text
    assert "".join((delta.model_extra or {}).get("reasoning_content") or "" for delta in deltas) == told.reasoning
    state = ChatCompletionStreamState()
    for chunk in chunks:
        ChatCompletionChunk.model_validate_json(chunk.model_dump_json(exclude_unset=True), strict=True)
        state.handle_chunk(chunk)
    if told.is_done:
        assert called(state.get_final_completion()) == told.calls
        assert chunks[-1].usage.total_tokens == 12


def called(completion: Any) -> list[tuple[str, str, object]]:
    calls = completion.choices[0].message.tool_calls or []
    return [(call.id, call.function.name, json.loads(call.function.arguments)) for call in calls]


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=st.lists(streams(), min_size=25, max_size=25))
def test_nodes_sdk_reads_what_went_in(node: Node, batch: list[tuple[Told, list[bytes]]]) -> None:
    encoded = [[base64.b64encode(piece).decode() for piece in pieces] for _, pieces in batch]
    for (told, _), got in zip(batch, node.ask("read", streams=encoded), strict=True):
        assert (got["text"], got["reasoning"]) == (told.text, told.reasoning)
        assert ("error" not in got) == told.is_done
        calls = [(call["id"], call["name"], json.loads(call["arguments"])) for call in got["calls"]]
        assert calls == told.calls


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_stream_in_pieces_of_any_size_reads_the_same(size: int) -> None:
    wire = ChatCompletion("s1", "acme/tiny", 1700000000)
    written = wire.encode([Started("s1", "acme/tiny", "acme"), TextDelta("👩‍👩‍👧 e\u0301"), Done("stop")], 1)
    chunks, error = read([written[start : start + size] for start in range(0, len(written), size)])
    assert error is None
    assert chunks[1].choices[0].delta.content == "👩‍👩‍👧 e\u0301"
