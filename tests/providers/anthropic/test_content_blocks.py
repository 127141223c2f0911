"""Whole answers of Anthropic's API, block by block, as bytes in the format of recordings; cut everywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_headrace.core.errors import UpstreamStatusError
from flask_headrace.core.events import (
    Completed,
    Event,
    ReasoningDelta,
    ReasoningSignature,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from flask_headrace.providers.anthropic.decoder import MessageDecoder
from tests.providers.decoding.decoding import Answer

SIGNATURE = "EqQBCkYIBxgCKkBz0mVYq2b9dHh4cXNvbWUgc2lnbmF0dXJlIGJ5dGVz"
TEXT = {"type": "text", "text": "", "citations": None}
THINKING = {"type": "thinking", "thinking": "", "signature": ""}
CITATION = {
    "type": "web_search_result_location", "url": "https://a/b", "title": "A", "encrypted_index": "Eo8B"
}  # fmt: skip
FOUND = [
    {"type": "web_search_result", "url": "https://a/b", "title": "A", "encrypted_content": "EqgI", "page_age": None}
]


def frame(kind: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **fields}).encode())


def start(**usage: Any) -> bytes:
    usage = {"input_tokens": 9, "output_tokens": 1, "cache_creation_input_tokens": 0, **usage}
    return frame("message_start", message={"id": "msg_1", "role": "assistant", "content": [], "usage": usage})


def block(index: int, first: dict[str, Any], *deltas: dict[str, Any]) -> bytes:
    """Return the events of a content block: its start, its deltas and its stop."""
    frames = b"".join(frame("content_block_delta", index=index, delta=delta) for delta in deltas)
    return begun(index, first) + frames + frame("content_block_stop", index=index)


def begun(index: int, first: dict[str, Any]) -> bytes:
    return frame("content_block_start", index=index, content_block=first)


def text(*texts: str) -> list[dict[str, Any]]:
    return [{"type": "text_delta", "text": piece} for piece in texts]


def inputs(*pieces: str) -> list[dict[str, Any]]:
    return [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces)]


def thought(*texts: str) -> list[dict[str, Any]]:
    pieces = [{"type": "thinking_delta", "thinking": piece} for piece in texts]
    return [*pieces, {"type": "signature_delta", "signature": SIGNATURE}]


def called(id_: str, name: str, kind: str = "tool_use") -> dict[str, Any]:
    return {"type": kind, "id": id_, "name": name, "input": {}, "caller": {"type": "direct"}}


def end(reason: str, **usage: Any) -> bytes:
    return frame(
        "message_delta",
        delta={"stop_reason": reason, "stop_sequence": None, "container": None},
        usage={"output_tokens": 7, **usage},
    ) + frame("message_stop")


USED = Usage(9, 7)

ANSWERS: dict[str, tuple[list[bytes], list[Event]]] = {
    "tools in parallel": (
        [
            start(),
            block(0, TEXT, *text("I'll look", " twice.")),
            frame("ping"),
            block(1, called("toolu_1", "find"), *inputs('{"q": "ö', '🌊"}')),
            block(2, called("toolu_2", "now"), *inputs()),
            block(3, called("toolu_3", "find"), *inputs('{"q":', ' "b"}')),
            end("tool_use"),
        ],
        [
            TextDelta("I'll look"),
            TextDelta(" twice."),
            ToolCallStarted(0, "toolu_1", "find"),
            ToolCallDelta(0, '{"q": "ö'),
            ToolCallDelta(0, '🌊"}'),
            ToolCallCompleted(0, {"q": "ö🌊"}),
            ToolCallStarted(1, "toolu_2", "now"),
            ToolCallCompleted(1, {}),
            ToolCallStarted(2, "toolu_3", "find"),
            ToolCallDelta(2, '{"q":'),
            ToolCallDelta(2, ' "b"}'),
            ToolCallCompleted(2, {"q": "b"}),
            USED,
            Completed("tool_calls"),
        ],
    ),
    "blocks that begin with what they hold": (
        [
            start(),
            block(0, {"type": "thinking", "thinking": "hm"}, *thought(" so")),
            block(1, {"type": "text", "text": "Hel"}, *text("lo")),
            block(2, {**called("toolu_1", "find"), "input": {"q": "ö🌊"}}),
            block(3, {**called("toolu_2", "find"), "input": {"q": "a"}}, *inputs('{"q":"b"}')),
            end("tool_use"),
        ],
        [
            ReasoningDelta("hm"),
            ReasoningDelta(" so"),
            ReasoningSignature(SIGNATURE),
            TextDelta("Hel"),
            TextDelta("lo"),
            ToolCallStarted(0, "toolu_1", "find"),
            ToolCallDelta(0, r'{"q": "\u00f6\ud83c\udf0a"}'),
            ToolCallCompleted(0, {"q": "ö🌊"}),
            ToolCallStarted(1, "toolu_2", "find"),
            ToolCallDelta(1, '{"q":"b"}'),
            ToolCallCompleted(1, {"q": "b"}),
            USED,
            Completed("tool_calls"),
        ],
    ),
    "interleaved thinking": (
        [
            start(),
            block(0, THINKING, *thought("first", " this")),
            block(1, called("toolu_1", "find"), *inputs("{}")),
            block(2, THINKING, *thought("then that")),
            block(3, called("toolu_2", "now"), *inputs("{}")),
            end("tool_use", output_tokens_details={"thinking_tokens": 4}),
        ],
        [
            ReasoningDelta("first"),
            ReasoningDelta(" this"),
            ReasoningSignature(SIGNATURE),
            ToolCallStarted(0, "toolu_1", "find"),
            ToolCallDelta(0, "{}"),
            ToolCallCompleted(0, {}),
            ReasoningDelta("then that"),
            ReasoningSignature(SIGNATURE),
            ToolCallStarted(1, "toolu_2", "now"),
            ToolCallDelta(1, "{}"),
            ToolCallCompleted(1, {}),
            Usage(9, 7, reasoning_tokens=4),
            Completed("tool_calls"),
        ],
    ),
    "redacted and omitted thinking": (
        [
            start(),
            block(0, THINKING, *thought()),
            block(1, {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3"}),
            block(2, TEXT, *text("So.")),
            end("end_turn"),
        ],
        [
            ReasoningSignature(SIGNATURE),
            ReasoningSignature("EmwKAhgBEgy3va3", is_redacted=True),
            TextDelta("So."),
            USED,
            Completed("stop"),
        ],
    ),
    "tools of the server's, with citations": (
        [
            start(server_tool_use={"web_search_requests": 0}),
            block(0, called("srvtoolu_1", "web_search", "server_tool_use"), *inputs('{"query": "mills"}')),
            block(1, {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": FOUND}),
            block(
                2, {**TEXT, "citations": []}, *text("Mills"), {"type": "citations_delta", "citation": CITATION},
                *text(" grind."),
            ),
            block(3, {"type": "code_execution_tool_result", "tool_use_id": "srvtoolu_2", "content": {"stdout": "1"}}),
            block(4, called("toolu_1", "find"), *inputs("{}")),
            end("tool_use", server_tool_use={"web_search_requests": 1}),
        ],
        [
            TextDelta("Mills"),
            TextDelta(" grind."),
            ToolCallStarted(0, "toolu_1", "find"),
            ToolCallDelta(0, "{}"),
            ToolCallCompleted(0, {}),
            USED,
            Completed("tool_calls"),
        ],
    ),
    "blocks that are whole when they begin": (
        [
            start(),
            block(0, {**THINKING, "thinking": "first", "signature": SIGNATURE}),
            block(1, {**TEXT, "text": "I'll "}, *text("look.")),
            block(2, {**called("toolu_1", "find"), "input": {"q": "ö", "n": [1.0, 7]}}),
            block(3, {**called("toolu_2", "find"), "input": {"q": "void"}}, *inputs('{"q":', ' "b"}')),
            block(4, {**called("toolu_3", "now"), "input": None}),
            end("tool_use"),
        ],
        [
            ReasoningDelta("first"),
            ReasoningSignature(SIGNATURE),
            TextDelta("I'll "),
            TextDelta("look."),
            ToolCallStarted(0, "toolu_1", "find"),
            ToolCallDelta(0, '{"q": "\\u00f6", "n": [1.0, 7]}'),
            ToolCallCompleted(0, {"q": "ö", "n": [1.0, 7]}),
            ToolCallStarted(1, "toolu_2", "find"),
            ToolCallDelta(1, '{"q":'),
            ToolCallDelta(1, ' "b"}'),
            ToolCallCompleted(1, {"q": "b"}),
            ToolCallStarted(2, "toolu_3", "now"),
            ToolCallCompleted(2, {}),
            USED,
            Completed("tool_calls"),
        ],
    ),
    "a pause in a long turn": (
        [
            start(),
            block(0, TEXT, *text("Let me see.")),
            block(1, called("srvtoolu_1", "web_search", "server_tool_use"), *inputs('{"query": "mills"}')),
            end("pause_turn"),
        ],
        [TextDelta("Let me see."), USED, Completed("pause")],
    ),
    "a refusal": (
        [start(), block(0, TEXT, *text("Well")), end("refusal", stop_details={"type": "refusal", "category": "bio"})],
        [TextDelta("Well"), USED, Completed("content_filter")],
    ),
    "a refusal before the first word": ([start(), end("refusal")], [USED, Completed("content_filter")]),
    "what the cache gave": (
        [
            start(cache_read_input_tokens=100, cache_creation_input_tokens=1000, cache_creation={"ephemeral_5m": 1000}),
            block(0, TEXT, *text("So.")),
            end("end_turn", cache_read_input_tokens=100, cache_creation_input_tokens=1000, input_tokens=9),
        ],
        [TextDelta("So."), Usage(1109, 7, cached_tokens=100, cache_write_tokens=1000), Completed("stop")],
    ),
}  # fmt: skip


def decode(*pieces: bytes) -> Answer:
    return Answer(MessageDecoder("acme", "m", "http://acme"), *pieces)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_the_same_wherever_it_is_cut(name: str) -> None:
    frames, expected = ANSWERS[name]
    body = b"".join(frames)
    assert decode(body).events == expected
    for place in range(1, len(body)):
        assert decode(body[:place], body[place:]).events == expected


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_without_its_last_frames_has_broken_off(name: str) -> None:
    frames, expected = ANSWERS[name]
    answer = decode(*frames[:-1])
    assert answer.error is not None
    assert answer.events == expected[: len(answer.events)]
    assert not any(isinstance(event, Completed) for event in answer.events)


@pytest.mark.parametrize(
    "before",
    [begun(0, TEXT), block(0, THINKING, *thought("hm")), begun(0, called("toolu_1", "find"))],
    ids=["in a text", "after a thought", "in a call"],
)
def test_an_error_inside_the_stream_comes_after_what_was_said(before: bytes) -> None:
    error = frame("error", error={"type": "overloaded_error", "message": "Overloaded"}, request_id="req_1")
    whole = decode(start(), before)
    answer = decode(start() + before + error + end("end_turn"))
    assert answer.events == whole.events
    assert isinstance(answer.error, UpstreamStatusError)
    assert (answer.error.code, answer.error.retryable) == ("upstream_overloaded", True)
