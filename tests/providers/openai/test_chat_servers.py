"""Streams of particular chat completions servers, as bytes in the format of recordings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_headrace.core.errors import UpstreamStatusError
from flask_headrace.core.events import (
    Completed,
    Event,
    ReasoningDelta,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from flask_headrace.providers.openai.chat_decoder import ChatDecoder
from tests.providers.decoding.decoding import Answer

DONE = b"data: [DONE]\n\n"
STOP = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
CALLED = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
USED = Usage(9, 2)


def frames(*chunks: dict[str, Any] | bytes) -> bytes:
    """Encode chunks as server-sent events; bytes are sent unchanged."""
    written = [c if isinstance(c, bytes) else b"data: " + json.dumps(c).encode() + b"\n\n" for c in chunks]
    return b"".join(written)


def delta_chunk(delta: dict[str, Any], reason: str | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}], **fields,
    }  # fmt: skip


def calls(
    *pieces: tuple[int | None, str | None, str | None, str | None], reason: str | None = None, **delta: Any
) -> dict[str, Any]:
    """Make a chunk with pieces of tool calls: index, id, name and arguments; None leaves a field out."""
    written = []
    for index, id_, name, arguments in pieces:
        function = {k: v for k, v in (("name", name), ("arguments", arguments)) if v is not None}
        named = {k: v for k, v in (("index", index), ("id", id_)) if v is not None}
        written.append({**named, "type": "function", "function": function})
    return delta_chunk({"role": "assistant", "content": None, "tool_calls": written, **delta}, reason)


def decode(*pieces: bytes) -> Answer:
    return Answer(ChatDecoder("acme", "m", "http://acme/v1"), *pieces)


FIND, NOW = ToolCallStarted(0, "c1", "find"), ToolCallStarted(1, "c2", "now")
FOUND = [ToolCallCompleted(0, {"q": "ö🌊"}), ToolCallDelta(1, "{}"), ToolCallCompleted(1, {})]
PARALLEL = [FIND, ToolCallDelta(0, '{"q":'), NOW, ToolCallDelta(0, '"ö🌊"}'), *FOUND]
IN_TURN = [FIND, ToolCallDelta(0, '{"q":'), ToolCallDelta(0, '"ö🌊"}'), NOW, *FOUND]
WHOLE = [FIND, ToolCallDelta(0, '{"q":"ö🌊"}'), NOW, *FOUND]

TOOL_CALLS: dict[str, tuple[list[dict[str, Any] | bytes], list[Event]]] = {
    "OpenAI: by index, their pieces mixed": (
        [
            calls((0, "c1", "find", "")),
            calls((0, None, None, '{"q":')),
            calls((1, "c2", "now", "")),
            calls((0, None, None, '"ö🌊"}')),
            calls((1, None, None, "{}")),
            CALLED,
        ],
        PARALLEL,
    ),
    "several pieces in one chunk": (
        [
            calls((0, "c1", "find", '{"q":'), (1, "c2", "now", None)),
            calls((0, None, None, '"ö🌊"}'), (1, None, None, "{}")),
            CALLED,
        ],
        PARALLEL,
    ),
    "without an index, in turn": (
        [
            calls((None, "c1", "find", '{"q":')),
            calls((None, None, None, '"ö🌊"}')),
            calls((None, "c2", "now", "{}")),
            CALLED,
        ],
        IN_TURN,
    ),
    "without an index, by their ids, mixed": (
        [
            calls((None, "c1", "find", '{"q":')),
            calls((None, "c2", "now", "")),
            calls((None, "c1", None, '"ö🌊"}')),
            calls((None, "c2", "now", "{}")),
            CALLED,
        ],
        PARALLEL,
    ),
    "id and name in each piece": (
        [
            calls((0, "c1", "find", '{"q":')),
            calls((0, "c1", "find", '"ö🌊"}')),
            calls((1, "c2", "now", "{}")),
            CALLED,
        ],
        IN_TURN,
    ),
    "empty id and name in later pieces": (
        [calls((0, "c1", "find", '{"q":')), calls((0, "", "", '"ö🌊"}')), calls((1, "c2", "now", "{}")), CALLED],
        IN_TURN,
    ),
    "all at index 0, with ids of their own": (
        [calls((0, "c1", "find", '{"q":')), calls((0, None, None, '"ö🌊"}')), calls((0, "c2", "now", "{}")), CALLED],
        IN_TURN,
    ),
    "Ollama: each whole in one chunk, and the reason is stop": (
        [calls((0, "c1", "find", '{"q":"ö🌊"}')), calls((1, "c2", "now", "{}")), STOP],
        WHOLE,
    ),
    "Gemini: all whole in the last chunk, without an index": (
        [calls((None, "c1", "find", '{"q":"ö🌊"}'), (None, "c2", "now", "{}"), reason="stop")],
        WHOLE,
    ),
    "an index that begins at 1": (
        [calls((1, "c1", "find", '{"q":"ö🌊"}')), calls((2, "c2", "now", "{}")), CALLED],
        WHOLE,
    ),
}  # fmt: skip


class TestToolCalls:
    @pytest.mark.parametrize("name", TOOL_CALLS)
    def test_are_the_same_from_every_server_wherever_they_are_cut(self, name: str) -> None:
        chunks, expected = TOOL_CALLS[name]
        body = frames(*chunks, DONE)
        assert decode(body).events == [*expected, Completed("tool_calls")]
        for place in range(1, len(body)):
            assert decode(body[:place], body[place:]).events == [*expected, Completed("tool_calls")]

    def test_without_ids_get_some(self) -> None:
        for index in (0, None):
            events = decode(
                frames(calls((index, None, "a", "{}"), (None if index is None else 1, "", "a", "{}")), CALLED)
            ).events
            ids = [event.id for event in events if isinstance(event, ToolCallStarted)]
            assert (len(ids), len({*ids, ""})) == (2, 3)

    def test_come_with_text_and_thoughts_in_one_delta(self) -> None:
        chunk = calls((0, "c1", "now", "{}"), content="Well.", reasoning_content="hm")
        assert decode(frames(chunk, CALLED)).events[:4] == [
            ReasoningDelta("hm"), TextDelta("Well."), ToolCallStarted(0, "c1", "now"), ToolCallDelta(0, "{}")
        ]  # fmt: skip

    def test_that_a_length_cut_short_are_a_length_where_they_are_whole(self) -> None:
        cut = {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}
        assert decode(frames(calls((0, "c1", "now", "{}")), cut)).events[-1] == Completed("length")


ANSWERS: dict[str, list[dict[str, Any] | bytes]] = {
    "Azure": [
        {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": [
            {"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}]},
        delta_chunk({"role": "assistant", "content": ""}),
        delta_chunk({"reasoning_content": "hm"}),
        delta_chunk({"content": "Hel"}),
        delta_chunk({"content": "lo"}),
        {"choices": [{"index": 0, "finish_reason": None, "content_filter_results": {}, "content_filter_offsets": {}}]},
        delta_chunk({}, "stop"),
        {"choices": [], "usage": USAGE},
        DONE,
    ],
    "vLLM": [
        delta_chunk({"role": "assistant", "content": ""}),
        delta_chunk({"reasoning": "hm", "reasoning_content": "hm"}),
        delta_chunk({"content": "Hel"}),
        delta_chunk({"content": "lo"}, "stop", stop_reason=None),
        {"choices": [], "usage": USAGE},
        DONE,
    ],
    "Ollama": [
        delta_chunk({"role": "assistant", "content": "", "reasoning": "hm"}),
        delta_chunk({"role": "assistant", "content": "Hel"}),
        delta_chunk({"role": "assistant", "content": "lo"}),
        delta_chunk({"role": "assistant", "content": ""}, "stop"),
        {"object": "chat.completion.chunk", "choices": [], "usage": USAGE},
        DONE,
    ],
    "llama.cpp": [
        delta_chunk({"role": "assistant", "content": None}),
        delta_chunk({"reasoning_content": "hm"}),
        delta_chunk({"content": "Hel"}),
        delta_chunk({"content": "lo"}),
        delta_chunk({}, "stop", timings={"predicted_n": 2}),
        {"choices": [], "usage": USAGE, "timings": {"predicted_n": 2}},
        DONE,
    ],
    "DeepSeek": [
        b": keep-alive\n\n: keep-alive\n\n",
        delta_chunk({"role": "assistant", "content": None, "reasoning_content": ""}),
        delta_chunk({"content": None, "reasoning_content": "hm"}),
        delta_chunk({"content": "Hel", "reasoning_content": None}),
        delta_chunk({"content": "lo", "reasoning_content": None}),
        delta_chunk({"content": "", "reasoning_content": None}, "stop", usage={**USAGE, "prompt_cache_hit_tokens": 0}),
        DONE,
    ],
    "OpenRouter": [
        b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n",
        delta_chunk({"role": "assistant", "content": "", "reasoning": "hm", "reasoning_details": [{"text": "hm"}]}),
        delta_chunk({"role": "assistant", "content": "Hel"}, provider="Acme"),
        b": OPENROUTER PROCESSING\n\n",
        delta_chunk({"role": "assistant", "content": "lo"}),
        {"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop", "native_finish_reason": "STOP"}]},
        {**delta_chunk({"role": "assistant", "content": ""}), "usage": {**USAGE, "cost": 0.1, "is_byok": False}},
        DONE,
    ],
}  # fmt: skip


class TestAnswer:
    @pytest.mark.parametrize("server", ANSWERS)
    def test_is_the_same_from_every_server_wherever_it_is_cut(self, server: str) -> None:
        body = frames(*ANSWERS[server])
        expected = [ReasoningDelta("hm"), TextDelta("Hel"), TextDelta("lo"), USED, Completed("stop")]
        assert decode(body).events == expected
        for place in range(1, len(body)):
            assert decode(body[:place], body[place:]).events == expected


FAILURES: dict[str, tuple[dict[str, Any], str, str]] = {
    "OpenRouter: beside the choices": (
        delta_chunk({"content": ""}, "error", error={"code": "server_error", "message": "Provider disconnected"}),
        "upstream_failed", "Provider disconnected",
    ),
    "OpenRouter: in the choice": (
        {"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error",
                      "error": {"code": 429, "message": "Provider is busy"}}]},
        "rate_limited", "Provider is busy",
    ),
    "in the choice, and no reason": (
        {"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": None, "error": {"message": "gone"}}]},
        "upstream_failed", "gone",
    ),
    "OpenRouter: in the reason alone": (delta_chunk({}, "error"), "upstream_failed", "its finish reason is 'error'"),
    "DeepSeek: interrupted": (
        delta_chunk({"content": ""}, "insufficient_system_resource"), "upstream_failed", "insufficient_system_resource"
    ),
    "vLLM": (
        {"error": {"message": "no room", "type": "BadRequestError", "code": 400}},
        "upstream_invalid_request", "no room",
    ),
    "vLLM, older": (
        {"object": "error", "message": "no room", "type": "BadRequestError", "code": 400},
        "upstream_invalid_request", "no room",
    ),
    "llama.cpp": ({"error": {"code": 500, "message": "no slot", "type": "server_error"}}, "upstream_failed", "no slot"),
    "Ollama": ({"error": "llama runner process has terminated"}, "upstream_failed", "has terminated"),
}  # fmt: skip


class TestFailure:
    @pytest.mark.parametrize("server", FAILURES)
    def test_in_the_stream_is_never_taken_for_an_end(self, server: str) -> None:
        chunk, code, says = FAILURES[server]
        answer = decode(frames(delta_chunk({"content": "Hel"}), chunk, DONE))
        assert answer.events == [TextDelta("Hel")]
        assert isinstance(answer.error, UpstreamStatusError)
        assert (answer.error.code, says in answer.error.message) == (code, True)

    def test_of_a_shape_that_is_none_is_an_answer(self) -> None:
        assert decode(frames({"object": "ping"}, delta_chunk({}, "stop"), DONE)).events == [Completed("stop")]
