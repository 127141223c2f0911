"""The decoder of chat completions, event by event, with the variants of compatible servers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_headrace.core.errors import UpstreamProtocolError, UpstreamStatusError
from flask_headrace.core.events import Completed, ReasoningDelta, TextDelta, Usage
from flask_headrace.providers.openai.chat_decoder import ChatDecoder
from tests.providers.decoding.decoding import Answer
from tests.support.upstream import Reasoning, Refusal, Tokens, ToolCall, oddities, openai_wire
from tests.support.upstream.pieces import USAGE

PRICES = "https://api.openai.com/v1"
DONE = b"data: [DONE]\n\n"
ODD = {name: script for name, script in oddities.odd(openai_wire).items() if script.body}


def decode(*pieces: bytes, prices: str = PRICES, model: str = "gpt-5-mini") -> Answer:
    return Answer(ChatDecoder("acme at http://acme", model, prices), *pieces)


def frame(delta: dict[str, Any] | None = None, reason: str | None = None, **fields: Any) -> bytes:
    choices = [] if delta is None and reason is None else [{"index": 0, "delta": delta, "finish_reason": reason}]
    return b"data: %b\n\n" % json.dumps({"choices": choices, **fields}).encode()


def text_chunk(text: str) -> bytes:
    return frame({"content": text})


def usage_fields(read: Any, written: Any, **fields: Any) -> dict[str, Any]:
    return {"usage": {"prompt_tokens": read, "completion_tokens": written, **fields}}


STOP = frame({}, "stop")


class TestAnswer:
    def test_becomes_deltas_then_usage_then_done(self) -> None:
        answer = decode(openai_wire.answer("Hel", "lo", usage=Tokens(9, 2, 4, 1)).body)
        assert answer.events[:2] == [TextDelta("Hel"), TextDelta("lo")]
        usage, done = answer.events[2:]
        assert isinstance(usage, Usage)
        assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens) == (9, 2, 4, 1)
        assert usage.cost is not None
        assert usage.cost > 0
        assert not usage.estimated
        assert done == Completed("stop")
        assert answer.is_done

    @pytest.mark.parametrize("name", ODD)
    def test_that_looks_odd_is_the_same(self, name: str) -> None:
        answer = decode(ODD[name].body)
        assert answer.error is None
        assert answer.text == oddities.TEXT
        assert answer.events[-1] == Completed("stop")

    def test_is_the_same_wherever_it_is_cut(self) -> None:
        body = openai_wire.answer(Reasoning("hm"), "Hel", "ö🌊").body.replace(b"\n\n", b"\r\n\r\n")
        whole = decode(body)
        assert whole.reasoning + whole.text == "hmHelö🌊"
        for place in range(1, len(body)):
            assert decode(body[:place], body[place:]).events == whole.events

    def test_is_the_same_in_pieces_of_one_byte(self) -> None:
        body = openai_wire.answer("Hel", "ö🌊").body
        assert decode(*(body[at : at + 1] for at in range(len(body)))).events == decode(body).events

    def test_reads_nothing_behind_done(self) -> None:
        answer = decode(text_chunk("a"), STOP + DONE + text_chunk("late") + b"data: {not json\n\n")
        assert answer.events == [TextDelta("a"), Completed("stop")]


class TestFinishReason:
    @pytest.mark.parametrize(
        ("theirs", "ours"),
        [
            ("stop", "stop"),
            ("length", "length"),
            ("model_length", "length"),
            ("content_filter", "content_filter"),
            ("eos_token", "stop"),
            ("novel_reason", "other"),
        ],
    )
    def test_has_one_vocabulary(self, theirs: str, ours: str) -> None:
        assert decode(frame({}, theirs), DONE).events == [Completed(ours)]

    def test_may_come_with_the_last_delta(self) -> None:
        assert decode(frame({"content": "a"}, "length"), DONE).events == [TextDelta("a"), Completed("length")]

    @pytest.mark.parametrize("none", [None, ""])
    def test_empty_is_none_yet(self, none: str | None) -> None:
        assert decode(frame({"content": "a"}, none), frame({}, "length"), frame({}, none), DONE).events[
            -1
        ] == Completed("length")

    def test_left_out_before_done_is_not_known(self) -> None:
        assert decode(text_chunk("a"), DONE).events[-1] == Completed("other")

    def test_without_done_is_a_whole_answer(self) -> None:
        answer = decode(text_chunk("a"), STOP)
        assert (answer.events[-1], answer.is_done) == (Completed("stop"), False)

    def test_and_done_both_left_out_is_an_answer_that_broke_off(self) -> None:
        answer = decode(text_chunk("a"))
        assert isinstance(answer.error, UpstreamProtocolError)
        assert "acme at http://acme closed the connection" in answer.error.message
        assert answer.events == [TextDelta("a")]

    def test_of_a_frame_that_was_cut_does_not_count(self) -> None:
        for place in range(1, len(STOP) - 2):
            assert isinstance(decode(text_chunk("a"), STOP[:place]).error, UpstreamProtocolError)

    @pytest.mark.parametrize("missing", [1, 2])
    def test_of_a_frame_that_lacks_its_line_end_alone_counts(self, missing: int) -> None:
        assert decode(text_chunk("a"), STOP[:-missing]).events == [TextDelta("a"), Completed("stop")]


class TestDelta:
    @pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
    def test_of_reasoning_has_two_names(self, field: str) -> None:
        assert decode(frame({field: "hm", "content": None}), DONE).events[0] == ReasoningDelta("hm")

    def test_of_reasoning_under_both_names_counts_once(self) -> None:
        assert decode(frame({"reasoning_content": "hm", "reasoning": "hm"}), DONE).reasoning == "hm"

    def test_may_hold_the_last_of_the_reasoning_and_the_first_of_the_text(self) -> None:
        answer = decode(frame({"reasoning_content": "so", "content": "Hel"}), DONE)
        assert answer.events[:2] == [ReasoningDelta("so"), TextDelta("Hel")]

    def test_of_a_refusal_is_text(self) -> None:
        answer = decode(openai_wire.answer(Refusal("I can"), Refusal("not.")).body)
        assert answer.text == "I cannot."
        assert answer.events[-1] == Completed("content_filter")

    @pytest.mark.parametrize(
        "delta",
        [None, {}, {"content": ""}, {"content": None}, {"role": "assistant"}, {"content": None, "refusal": None}],
    )
    def test_without_anything_in_it_is_no_event(self, delta: dict[str, Any] | None) -> None:
        assert decode(frame(delta, "stop"), DONE).events == [Completed("stop")]

    def test_of_a_tool_call_is_no_text(self) -> None:
        answer = decode(openai_wire.answer(ToolCall("c1", "find", ('{"q"', ":1}")), finish="tool_calls").body)
        assert answer.text == ""
        assert answer.events[-1] == Completed("tool_calls")

    def test_of_another_choice_is_left_out(self) -> None:
        other = b'data: {"choices":[{"index":1,"delta":{"content":"no"},"finish_reason":"length"}]}\n\n'
        assert decode(text_chunk("a"), other, STOP, DONE).events == [TextDelta("a"), Completed("stop")]

    @pytest.mark.parametrize("choices", [b"null", b"[]"])
    def test_is_not_needed_in_a_frame(self, choices: bytes) -> None:
        assert decode(b'data: {"choices":%b}\n\n' % choices, STOP, DONE).events == [Completed("stop")]

    def test_may_have_fields_that_nobody_knows(self) -> None:
        strange = b'data: {"choices":[{"index":0,"delta":{"content":"a","x":{"y":[1]}},"logprobs":null}],"z":1.5}\n\n'
        assert decode(strange, DONE).text == "a"


class TestUsage:
    @pytest.mark.parametrize(
        "frames",
        [
            [STOP, frame(**usage_fields(9, 2))],
            [frame(**usage_fields(9, 2)), STOP],
            [frame({}, "stop", **usage_fields(9, 2))],
            [frame({"content": "a"}, **usage_fields(9, 1)), frame({}, "stop", **usage_fields(9, 2))],
            [frame({}, "stop", **usage_fields(9, 2)), frame({}, None, usage=None)],
        ],
        ids=["after the reason", "before it", "with it", "with every delta", "with null after it"],
    )
    def test_may_come_anywhere_and_the_last_counts(self, frames: list[bytes]) -> None:
        usage, done = decode(*frames, DONE).events[-2:]
        assert (usage.input_tokens, usage.output_tokens) == (9, 2)
        assert done == Completed("stop")

    @pytest.mark.parametrize("fields", [{"usage": None}, {"usage": {}}, usage_fields(None, 2), usage_fields(9, None)])
    def test_that_tells_too_little_is_none(self, fields: dict[str, Any]) -> None:
        assert decode(STOP, frame(**fields), DONE).events == [Completed("stop")]

    @pytest.mark.parametrize("details", [None, {}, {"cached_tokens": None}, {"audio_tokens": 3}])
    def test_has_details_or_not(self, details: dict[str, Any] | None) -> None:
        usage = decode(STOP, frame(**usage_fields(9, 2, prompt_tokens_details=details)), DONE).events[0]
        assert (usage.input_tokens, usage.cached_tokens) == (9, 0)

    def test_of_what_was_written_to_the_cache_has_its_price(self) -> None:
        writes = {"prompt_tokens_details": {"cache_write_tokens": 500}}
        plain, dearer = (
            decode(STOP, frame(**usage_fields(1000, 9, **d)), DONE, model="gpt-5.6").events[0] for d in ({}, writes)
        )
        assert dearer.cost > plain.cost

    def test_has_no_cost_where_the_price_is_not_known(self) -> None:
        assert decode(openai_wire.answer("a").body, prices="http://127.0.0.1:9/v1").events[-2] == Usage(*USAGE[:2])

    def test_has_no_cost_where_its_numbers_make_no_sense(self) -> None:
        nonsense = usage_fields(9, 2, prompt_tokens_details={"cached_tokens": 20})
        assert decode(STOP, frame(**nonsense), DONE).events[0].cost is None


class TestError:
    def test_in_the_stream_comes_after_what_was_said(self) -> None:
        answer = decode(openai_wire.failing_after(2).body)
        assert answer.text == "0 1 "
        assert isinstance(answer.error, UpstreamStatusError)
        assert (answer.error.status, answer.error.code, answer.error.retryable) == (502, "upstream_failed", True)
        assert "The server had an error" in answer.error.message

    def test_in_the_same_read_loses_nothing_of_what_was_said(self) -> None:
        assert decode(text_chunk("a") + text_chunk("b") + b'data: {"error":"boom"}\n\n' + text_chunk("c")).text == "ab"

    @pytest.mark.parametrize(
        ("error", "says"),
        [("boom", "boom"), ({"message": "boom"}, "boom"), ({}, "did not say why"), ({"message": None}, "not say why")],
    )
    def test_may_be_an_object_or_a_string(self, error: Any, says: str) -> None:
        assert says in decode(frame(error=error)).error.message

    def test_with_a_status_is_told_with_it(self) -> None:
        error = decode(frame(error={"message": "slow down", "code": 429})).error
        assert (error.status, error.code, error.retryable) == (429, "rate_limited", True)

    @pytest.mark.parametrize("code", ["server_error", None, 7, 99999])
    def test_with_another_code_is_a_failure_of_the_upstream(self, code: Any) -> None:
        assert decode(frame(error={"message": "no", "code": code})).error.code == "upstream_failed"

    @pytest.mark.parametrize(
        ("code", "status", "reported", "retryable"),
        [
            ("rate_limit_exceeded", 502, "rate_limited", True),
            ("insufficient_quota", 502, "upstream_failed", False),
            ("context_length_exceeded", 400, "upstream_invalid_request", False),
        ],
    )
    def test_by_its_name_says_whether_asking_again_helps(
        self, code: str, status: int, reported: str, retryable: bool
    ) -> None:
        error = decode(frame(error={"message": "no", "code": code})).error
        assert (error.status, error.code, error.retryable) == (status, reported, retryable)
        assert error.is_too_long is (status == 400)

    def test_is_shown_without_a_key(self) -> None:
        error = decode(frame(error={"message": "bad key sk-proj-abcdef123456"})).error
        assert "abcdef" not in error.message

    def test_null_is_none(self) -> None:
        assert decode(frame({"content": "a"}, "stop", error=None), DONE).error is None


class TestNonsense:
    @pytest.mark.parametrize(
        "data",
        [
            b"{not json",
            b"[1,2,3]",
            b'"text"',
            b'{"choices":[{"delta":{"content":"caf\xe9"}}]}',
            b'{"choices":7}',
        ],
    )
    def test_after_good_deltas_loses_none_of_them(self, data: bytes) -> None:
        answer = decode(text_chunk("good") + b"data: %b\n\n" % data + text_chunk("late"))
        assert answer.events == [TextDelta("good")]
        assert isinstance(answer.error, UpstreamProtocolError)
        assert answer.error.retryable
        assert "cannot be decoded" in answer.error.message

    @pytest.mark.parametrize("data", [b'{"choices":"many"}', b"[1]", b'{"usage":"lots"}'])
    def test_in_an_event_that_nobody_knows_is_skipped(self, data: bytes) -> None:
        answer = decode(text_chunk("a"), b"event: novel\ndata: %b\n\n" % data, STOP, DONE)
        assert answer.error is None
        assert answer.events == [TextDelta("a"), Completed("stop")]
