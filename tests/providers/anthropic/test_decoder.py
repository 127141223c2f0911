"""The decoder of Anthropic's messages, event by event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_headrace.core.errors import UpstreamProtocolError, UpstreamStatusError
from flask_headrace.core.events import Completed, ReasoningDelta, TextDelta, Usage
from flask_headrace.providers.anthropic.decoder import MessageDecoder
from tests.providers.decoding.decoding import Answer
from tests.support.upstream import Reasoning, Tokens, ToolCall, anthropic_wire, oddities

PRICES = "https://api.anthropic.com"
ODD = {name: script for name, script in oddities.odd(anthropic_wire).items() if script.body}


def decode(*pieces: bytes, prices: str = PRICES) -> Answer:
    return Answer(MessageDecoder("acme at http://acme", "claude-opus-4-7", prices), *pieces)


def frame(kind: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **fields}).encode())


def text_delta(text: str) -> bytes:
    return frame("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


def ending(reason: str | None, **usage: Any) -> bytes:
    return frame("message_delta", delta={"stop_reason": reason}, **({"usage": usage} if usage else {}))


def opening(**usage: Any) -> bytes:
    return frame("message_start", message={"id": "msg_1", "content": [], "usage": usage})


STOP = frame("message_stop")
TURN = ending("end_turn")


class TestAnswer:
    def test_becomes_deltas_then_usage_then_done(self) -> None:
        answer = decode(anthropic_wire.answer("Hel", "lo", usage=Tokens(9, 2, 4)).body)
        assert answer.events[:2] == [TextDelta("Hel"), TextDelta("lo")]
        usage, done = answer.events[2:]
        assert isinstance(usage, Usage)
        assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens) == (9, 2, 4)
        assert usage.cost is not None
        assert usage.cost > 0
        assert done == Completed("stop")
        assert answer.is_done

    @pytest.mark.parametrize("name", ODD)
    def test_that_looks_odd_is_the_same(self, name: str) -> None:
        answer = decode(ODD[name].body)
        assert answer.error is None
        assert answer.text == oddities.TEXT
        assert answer.events[-1] == Completed("stop")

    def test_is_the_same_wherever_it_is_cut(self) -> None:
        body = anthropic_wire.answer(Reasoning("hm"), "ö🌊").body.replace(b"\n", b"\r\n")
        whole = decode(body)
        assert whole.reasoning + whole.text == "hmö🌊"
        for place in range(1, len(body)):
            assert decode(body[:place], body[place:]).events == whole.events

    def test_is_the_same_in_pieces_of_one_byte(self) -> None:
        body = anthropic_wire.answer("Hel", "ö🌊").body
        assert decode(*(body[at : at + 1] for at in range(len(body)))).events == decode(body).events

    def test_tells_what_its_prompt_took_before_anything_else(self) -> None:
        answer = decode(opening(input_tokens=90, cache_read_input_tokens=10, output_tokens=1) + text_delta("half"))
        (known,) = answer.known
        assert (known.input_tokens, known.cached_tokens, known.output_tokens) == (100, 10, 1)
        assert known.cost is not None
        assert answer.error is not None

    def test_reads_nothing_behind_its_end(self) -> None:
        assert decode(text_delta("a"), TURN + STOP + text_delta("late") + b"data: {\n\n").events == [
            TextDelta("a"),
            Completed("stop"),
        ]

    def test_has_its_reasoning_apart(self) -> None:
        answer = decode(anthropic_wire.answer(Reasoning("hm"), Reasoning("m"), "yes").body)
        assert [event for event in answer.events if isinstance(event, ReasoningDelta)] == [
            ReasoningDelta("hm"),
            ReasoningDelta("m"),
        ]
        assert answer.text == "yes"

    def test_of_tool_calls_has_no_text_of_them(self) -> None:
        answer = decode(anthropic_wire.answer("a", ToolCall("t1", "find", ('{"q"', ":1}")), finish="tool_use").body)
        assert answer.text == "a"
        assert answer.events[-1] == Completed("tool_calls")


class TestStopReason:
    @pytest.mark.parametrize(
        ("theirs", "ours"),
        [
            ("end_turn", "stop"),
            ("stop_sequence", "stop"),
            ("max_tokens", "length"),
            ("model_context_window_exceeded", "length"),
            ("refusal", "content_filter"),
            ("pause_turn", "pause"),
            ("novel_reason", "other"),
        ],
    )
    def test_has_one_vocabulary(self, theirs: str, ours: str) -> None:
        assert decode(ending(theirs), STOP).events == [Completed(ours)]

    def test_without_message_stop_is_a_whole_answer(self) -> None:
        answer = decode(text_delta("a"), TURN)
        assert (answer.events[-1], answer.is_done) == (Completed("stop"), False)

    @pytest.mark.parametrize("last", [[], [STOP], [ending(None), STOP], [TURN[:-3]]])
    def test_left_out_is_an_answer_that_broke_off(self, last: list[bytes]) -> None:
        answer = decode(text_delta("a"), *last)
        assert isinstance(answer.error, UpstreamProtocolError)
        assert answer.events == [TextDelta("a")]


class TestUsage:
    def usage_of(self, *frames: bytes) -> Usage:
        usage = decode(*frames, STOP).events[-2]
        assert isinstance(usage, Usage)
        return usage

    def test_is_cumulative_and_each_frame_tells_a_part(self) -> None:
        usage = self.usage_of(opening(input_tokens=9, output_tokens=1), ending("end_turn", output_tokens=7))
        assert (usage.input_tokens, usage.output_tokens) == (9, 7)

    def test_counts_what_the_cache_gave_and_took_to_the_input(self) -> None:
        start = opening(input_tokens=9, output_tokens=1, cache_read_input_tokens=100, cache_creation_input_tokens=1000)
        usage = self.usage_of(start, ending("end_turn", output_tokens=2))
        assert (usage.input_tokens, usage.cached_tokens) == (1109, 100)

    def test_in_the_last_frame_replaces_that_of_the_first(self) -> None:
        usage = self.usage_of(
            opening(input_tokens=9, output_tokens=1), ending("end_turn", input_tokens=11, output_tokens=2)
        )
        assert (usage.input_tokens, usage.output_tokens) == (11, 2)

    def test_null_leaves_what_was_told_before(self) -> None:
        usage = self.usage_of(
            opening(input_tokens=9, output_tokens=1, cache_read_input_tokens=None),
            ending("end_turn", input_tokens=None, output_tokens=2, cache_read_input_tokens=None),
        )
        assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens) == (9, 2, 0)

    def test_zero_is_a_number_like_any_other(self) -> None:
        usage = self.usage_of(opening(input_tokens=9, output_tokens=1), ending("end_turn", output_tokens=0))
        assert usage.output_tokens == 0

    @pytest.mark.parametrize("start", [frame("message_start", message={}), opening(), opening(output_tokens=1)])
    def test_that_tells_too_little_is_none(self, start: bytes) -> None:
        assert decode(start, TURN, STOP).events == [Completed("stop")]


class TestError:
    @pytest.mark.parametrize(
        ("kind", "status", "code", "is_retryable"),
        [
            ("overloaded_error", 529, "upstream_overloaded", True),
            ("rate_limit_error", 529, "upstream_overloaded", True),
            ("api_error", 502, "upstream_failed", True),
            ("timeout_error", 502, "upstream_failed", True),
            ("invalid_request_error", 502, "upstream_failed", False),
            ("novel_error", 502, "upstream_failed", False),
        ],
    )
    def test_in_the_stream_has_its_code(self, kind: str, status: int, code: str, is_retryable: bool) -> None:
        error = decode(text_delta("a"), frame("error", error={"type": kind, "message": "no"})).error
        assert isinstance(error, UpstreamStatusError)
        assert (error.status, error.code, error.retryable) == (status, code, is_retryable)
        assert f"no ({kind})" in error.message

    def test_in_the_same_read_loses_nothing_of_what_was_said(self) -> None:
        assert decode(anthropic_wire.overloaded(3).body).text == "0 1 2 "

    def test_without_a_message_says_so(self) -> None:
        assert "did not say why" in decode(frame("error", error={"type": "api_error"})).error.message

    def test_is_shown_without_a_key(self) -> None:
        error = decode(frame("error", error={"message": "bad key sk-ant-api03-abcdef"})).error
        assert "abcdef" not in error.message


class TestFramesWithoutText:
    @pytest.mark.parametrize(
        "extra",
        [
            frame("ping"),
            b": hm\n\n",
            text_delta(""),
            frame("content_block_start", index=0, content_block={"type": "text", "text": ""}),
            frame("content_block_stop", index=0),
            frame("content_block_delta", index=0, delta={"type": "signature_delta", "signature": ""}),
            frame("content_block_start", index=3, content_block={"type": "server_tool_use", "id": "s", "name": "web"}),
            frame("content_block_delta", index=3, delta={"type": "input_json_delta", "partial_json": "{"}),
            frame("content_block_delta", index=0, delta={"type": "novel_delta", "novel": [1]}),
            frame("content_block_delta", index=0, delta=None),
            frame("novel_event", novel={"a": [1]}),
            frame("novel_event", message="of another shape", delta=7, usage="lots"),
        ],
        ids=lambda extra: extra.decode().splitlines()[-2][-40:],
    )
    def test_are_skipped(self, extra: bytes) -> None:
        answer = decode(extra, text_delta("a"), extra, TURN, extra, STOP)
        assert answer.error is None
        assert answer.events == [TextDelta("a"), Completed("stop")]


class TestNonsense:
    @pytest.mark.parametrize(
        "kind_and_data",
        [
            b"ping\ndata: {not json",
            b"content_block_delta\ndata: [1,2,3]",
            b'content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":7}}',
            b'content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"caf\xe9"}}',
        ],
    )
    def test_after_good_deltas_loses_none_of_them(self, kind_and_data: bytes) -> None:
        answer = decode(text_delta("good") + b"event: %b\n\n" % kind_and_data + text_delta("late"))
        assert answer.events == [TextDelta("good")]
        assert isinstance(answer.error, UpstreamProtocolError)
        assert "cannot be decoded" in answer.error.message
