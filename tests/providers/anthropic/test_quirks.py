"""Anthropic's messages of gateways that send whole blocks: at a block's end, or at the message's beginning."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_headrace.core.errors import UpstreamProtocolError, UpstreamStatusError
from flask_headrace.core.events import Completed, TextDelta
from flask_headrace.providers.anthropic.decoder import MessageDecoder
from tests.providers.decoding.decoding import Answer

X = '{"x":1}'


def frame(kind: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **fields}).encode())


def start(*content: dict[str, Any], **fields: Any) -> bytes:
    usage = {"input_tokens": 9, "output_tokens": 1}
    return frame("message_start", message={"id": "m", "content": list(content), "usage": usage, **fields})


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def tool(arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": "t1", "name": "f", "input": arguments}


def begun(block: dict[str, Any]) -> bytes:
    return frame("content_block_start", index=0, content_block=block)


def delta(**fields: Any) -> bytes:
    return frame("content_block_delta", index=0, delta=fields)


def end(reason: str = "end_turn", **usage: Any) -> bytes:
    return frame("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 7, **usage})


HALT, STOP, DONE = frame("content_block_stop", index=0), frame("message_stop"), b"data: [DONE]\n\n"
HELLO = [begun(text("")), delta(type="text_delta", text="hello"), HALT]


def halt(block: dict[str, Any]) -> bytes:
    return frame("content_block_stop", index=0, content_block=block)


def decode(*pieces: bytes) -> Answer:
    return Answer(MessageDecoder("acme", "m", "http://acme"), *pieces)


TEXTS: dict[str, list[bytes]] = {
    "sent whole at the block's end too": [start(), *HELLO[:2], halt(text("hello")), end(), STOP],
    "sent at the block's end alone": [start(), begun(text("")), halt(text("hello")), end(), STOP],
    "sent at the block's beginning alone": [start(), begun(text("hello")), halt(text("hello")), end(), STOP],
    "sent at the message's beginning alone": [start(text("hello")), end(), STOP],
    "sent at the message's beginning with its end": [start(text("hello"), stop_reason="end_turn"), STOP],
    "sent at the message's beginning too": [start(text("hello")), *HELLO, end(), STOP],
    "beside events of the SDK's own": [
        start(), *HELLO[:2], frame("text", text="hello", snapshot="hello"), halt(text("hello")), end(),
        frame("message_stop", message={"content": [text("hello")]}),
    ],
    "ended by [DONE]": [start(), *HELLO, end(), DONE],
    "ended by [DONE] with a space": [start(), *HELLO, end(), b"data: [DONE] \n\n"],
    "ended without a line end": [start(), *HELLO, end().strip()],
    "with pings of nothing": [
        b"event: ping\ndata: {}\n\nevent: ping\ndata:\n\n", start(), b"data: null\n\n", *HELLO, end(), STOP,
    ],
    "of events whose name alone tells their type": [
        b'event: content_block_delta\ndata: {"delta":{"text":"hello"}}\n\n',
        b'event: message_delta\ndata: {"delta":{"stop_reason":"end_turn"}}\n\n', b"event: message_stop\ndata: {}\n\n",
    ],
}  # fmt: skip


class TestText:
    @pytest.mark.parametrize("name", TEXTS)
    def test_is_told_whole_and_once(self, name: str) -> None:
        answer = decode(*TEXTS[name])
        assert (answer.error, answer.text, answer.events[-1]) == (None, "hello", Completed("stop"))

    @pytest.mark.parametrize("last", [DONE, STOP, b""])
    def test_without_a_stop_reason_has_broken_off(self, last: bytes) -> None:
        answer = decode(start(), *HELLO, last)
        assert (answer.text, isinstance(answer.error, UpstreamProtocolError)) == ("hello", True)


def pieces(*texts: Any) -> list[bytes]:
    return [delta(type="input_json_delta", partial_json=piece) for piece in texts]


CALLS: dict[str, list[bytes]] = {
    "in pieces": [begun(tool({})), *pieces('{"x"', ":1}"), HALT],
    "in pieces, and again at the end": [begun(tool({})), *pieces('{"x"', ":1}"), halt(tool({"x": 1}))],
    "in pieces, and again in one": [begun(tool({})), *pieces('{"x"', ":1}", X), HALT],
    "in a piece that is an object": [begun(tool({})), *pieces({"x": 1}), HALT],
    "behind an empty object": [begun(tool({})), *pieces("{}", '{"x"', ":1}"), HALT],
    "encoded twice": [begun(tool({})), *pieces(json.dumps(X)), HALT],
    "at the beginning": [begun(tool({"x": 1})), HALT],
    "at the beginning, as a text": [begun(tool(X)), HALT],
    "at the end alone": [begun(tool({})), halt(tool({"x": 1}))],
    "at the end, as a text": [begun(tool({})), halt(tool(X))],
    "in a block that was never begun": [halt(tool({"x": 1}))],
}


class TestCall:
    @pytest.mark.parametrize("word", ["tool_use", "end_turn", "tool_calls", "stop"])
    @pytest.mark.parametrize("name", CALLS)
    def test_is_told_once_with_its_input_and_ends_for_it(self, name: str, word: str) -> None:
        answer = decode(start(), *CALLS[name], end(word), STOP)
        assert (answer.error, answer.calls, answer.events[-1]) == (
            None,
            [("t1", "f", {"x": 1})],
            Completed("tool_calls"),
        )

    def test_in_a_message_told_at_once_is_one(self) -> None:
        assert decode(start(tool({"x": 1})), end("tool_use"), STOP).calls == [("t1", "f", {"x": 1})]

    def test_that_was_announced_and_never_came_is_a_failure(self) -> None:
        assert isinstance(decode(start(), end("tool_use"), STOP).error, UpstreamProtocolError)


def test_nothing_at_all_is_an_answer_where_it_ended_well() -> None:
    assert decode(start(), end(), STOP).events[-1] == Completed("stop")


class TestUsage:
    def test_of_the_input_is_not_undone_by_zeros_at_the_end(self) -> None:
        opening = frame("message_start", message={"usage": {"input_tokens": 100, "cache_read_input_tokens": 30}})
        usage = decode(opening, end(input_tokens=0, cache_read_input_tokens=0), STOP).events[0]
        assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens) == (130, 30, 7)

    @pytest.mark.parametrize("cut", [b"", frame("error", error={"message": "boom"}), end("abort"), b"data: {]\n\n"])
    def test_that_was_told_before_a_cut_is_kept(self, cut: bytes) -> None:
        answer = decode(start() + HELLO[1] + cut)
        assert answer.error is not None
        assert [(known.input_tokens, known.estimated) for known in answer.known] == [(9, True)]


@pytest.mark.parametrize(
    "data", [b'{"type":"error","error":"busy"}', b'{"error":"busy"}', b'{"type":"error","message":"busy"}', b'"busy"']
)
def test_an_error_may_be_a_text(data: bytes) -> None:
    answer = decode(start(), *HELLO, b"event: error\ndata: " + data + b"\n\n")
    assert answer.events == [TextDelta("hello")]
    assert isinstance(answer.error, UpstreamStatusError if data != b'"busy"' else UpstreamProtocolError)
    assert data == b'"busy"' or "busy" in answer.error.message
