"""The decoder of the Responses API, event by event, with the variants of compatible servers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_headrace.core.errors import UpstreamProtocolError, UpstreamStatusError
from flask_headrace.core.events import (
    Completed,
    Failed,
    ReasoningDelta,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from flask_headrace.providers.openai.responses_decoder import ResponseDecoder
from tests.providers.decoding.decoding import Answer
from tests.support.upstream import Reasoning, Refusal, Tokens, ToolCall, oddities, responses_wire

PRICES = "https://api.openai.com/v1"
ODD = {name: script for name, script in oddities.odd(responses_wire).items() if script.body}
PARALLEL = (ToolCall("c1", "find", ('{"q":', ' "ö🌊"}')), ToolCall("c2", "now", ()))


def decode(*pieces: bytes, model: str = "gpt-5-mini") -> Answer:
    return Answer(ResponseDecoder("acme at http://acme", model, PRICES), *pieces)


def frame(kind: str, **fields: Any) -> bytes:
    name = f"response.{kind}"
    return b"event: %b\ndata: %b\n\n" % (name.encode(), json.dumps({"type": name, **fields}).encode())


def text_delta(text: str) -> bytes:
    return frame("output_text.delta", delta=text)


def completed(**fields: Any) -> bytes:
    return frame("completed", response={"status": "completed", **fields})


def called(state: str, place: int | None = 0, *, arguments: str = "", **names: Any) -> bytes:
    item = {"type": "function_call", "name": "find", "arguments": arguments, **names}
    return frame(f"output_item.{state}", item=item, **({} if place is None else {"output_index": place}))


def piece(text: str, **names: Any) -> bytes:
    return frame("function_call_arguments.delta", delta=text, **names)


class TestAnswer:
    def test_becomes_deltas_then_usage_then_done(self) -> None:
        answer = decode(responses_wire.answer(Reasoning("hm"), "Hel", "lo", usage=Tokens(9, 2, 4, 1)).body)
        assert answer.events[:3] == [ReasoningDelta("hm"), TextDelta("Hel"), TextDelta("lo")]
        usage, done = answer.events[3:]
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
        assert (answer.error, answer.text, answer.events[-1]) == (None, oddities.TEXT, Completed("stop"))

    def test_is_the_same_wherever_it_is_cut(self) -> None:
        body = responses_wire.answer(Reasoning("hm"), "ö🌊", *PARALLEL).body.replace(b"\n\n", b"\r\n\r\n")
        whole = decode(body)
        assert whole.reasoning + whole.text == "hmö🌊"
        for place in range(1, len(body)):
            assert decode(body[:place], body[place:]).events == whole.events

    def test_reads_nothing_behind_its_end(self) -> None:
        answer = decode(text_delta("a"), completed() + text_delta("late") + b"data: [DONE]\n\n")
        assert answer.events == [TextDelta("a"), Completed("stop")]

    def test_without_an_end_has_broken_off(self) -> None:
        answer = decode(text_delta("a"), completed()[:-4])
        assert isinstance(answer.error, UpstreamProtocolError)
        assert answer.events == [TextDelta("a")]


class TestEnd:
    @pytest.mark.parametrize(
        ("reason", "ours"),
        [
            ("max_output_tokens", "length"),
            ("content_filter", "content_filter"),
            ("steered", "length"),
            (None, "length"),
        ],
    )
    def test_of_an_incomplete_response_says_why(self, reason: str | None, ours: str) -> None:
        answer = decode(frame("incomplete", response={"incomplete_details": {"reason": reason}}))
        assert answer.events == [Completed(ours)]

    def test_of_an_incomplete_response_may_leave_out_why(self) -> None:
        assert decode(frame("incomplete", response={})).events == [Completed("length")]

    def test_of_a_refusal_is_one_by_the_content(self) -> None:
        answer = decode(responses_wire.answer(Refusal("I can"), Refusal("not.")).body)
        assert (answer.text, answer.events[-1]) == ("I cannot.", Completed("content_filter"))

    @pytest.mark.parametrize("output", [("Well.", *PARALLEL), PARALLEL])
    def test_with_calls_is_one_for_them(self, output: tuple[Any, ...]) -> None:
        assert decode(responses_wire.answer(*output).body).events[-1] == Completed("tool_calls")


class TestReasoning:
    def test_may_come_whole_and_not_in_summary(self) -> None:
        assert decode(frame("reasoning_text.delta", delta="hm"), completed()).events[0] == ReasoningDelta("hm")

    def test_has_its_parts_in_paragraphs(self) -> None:
        part, hm = frame("reasoning_summary_part.added"), frame("reasoning_summary_text.delta", delta="hm")
        assert decode(part, hm, hm, part, hm, completed()).reasoning == "hmhm\n\nhm"


class TestCalls:
    def test_in_parallel_are_told_piece_by_piece_and_then_whole(self) -> None:
        assert decode(responses_wire.answer(*PARALLEL, usage=None).body).events == [
            ToolCallStarted(0, "c1", "find"),
            ToolCallDelta(0, '{"q":'),
            ToolCallDelta(0, ' "ö🌊"}'),
            ToolCallCompleted(0, {"q": "ö🌊"}),
            ToolCallStarted(1, "c2", "now"),
            ToolCallCompleted(1, {}),
            Completed("tool_calls"),
        ]

    @pytest.mark.parametrize(
        ("added", "named"),
        [
            ({"id": "fc_1", "call_id": "c1"}, {"item_id": "fc_1", "output_index": 0}),
            ({"id": "fc_1", "call_id": "c1"}, {"item_id": "fc_other", "output_index": 0}),
            ({"id": "fc_1", "call_id": "c1"}, {"output_index": 0}),
            ({"call_id": "c1", "place": None}, {"item_id": "c1"}),
            ({"id": "c1", "place": None}, {"item_id": "c1"}),
        ],
        ids=["OpenAI", "an id made up anew", "the place alone", "llama.cpp", "the item's id alone"],
    )
    def test_are_known_by_whatever_the_server_calls_them(self, added: dict[str, Any], named: dict[str, Any]) -> None:
        mixed = [called("added", 3, id="fc_2", call_id="c2"), piece("{}", item_id="fc_2", output_index=3)]
        answer = decode(called("added", **added), *mixed, piece('{"a":', **named), piece("1}", **named), completed())
        assert [event for event in answer.events if getattr(event, "index", None) == 0] == [
            ToolCallStarted(0, "c1", "find"), ToolCallDelta(0, '{"a":'), ToolCallDelta(0, "1}"),
            ToolCallCompleted(0, {"a": 1}),
        ]  # fmt: skip

    def test_end_with_their_item_and_not_with_the_answer(self) -> None:
        names = {"id": "fc_1", "call_id": "c1"}
        pieces = called("added", **names) + piece("{}", item_id="fc_1") + called("done", arguments="{}", **names)
        assert decode(pieces + text_delta("a"), completed()).events[-3:] == [
            ToolCallCompleted(0, {}), TextDelta("a"), Completed("tool_calls")
        ]  # fmt: skip

    @pytest.mark.parametrize("is_added", [True, False])
    def test_may_have_their_arguments_at_once(self, is_added: bool) -> None:
        names = {"id": "fc_1", "call_id": "c1"}
        added = [called("added", **names)] if is_added else []
        assert decode(*added, called("done", arguments='{"a":1}', **names), completed()).events == [
            ToolCallStarted(0, "c1", "find"), ToolCallDelta(0, '{"a":1}'), ToolCallCompleted(0, {"a": 1}),
            Completed("tool_calls"),
        ]  # fmt: skip

    def test_of_a_piece_that_belongs_to_none_are_skipped(self) -> None:
        assert decode(piece("{", item_id="fc_9"), completed()).events == [Completed("stop")]

    def test_that_are_cut_fail_with_the_usage_also_where_others_follow(self) -> None:
        cut = ToolCall("c1", "find", ('{"q":',))
        *_, usage, failed = decode(responses_wire.answer(cut, ToolCall("c2", "now", ())).body).events
        assert isinstance(usage, Usage)
        assert isinstance(failed, Failed)
        assert (failed.code, "'find'" in failed.message) == ("tool_arguments_invalid", True)


class TestFailure:
    @pytest.mark.parametrize(
        ("code", "status", "ours", "is_retryable"),
        [
            ("server_error", 502, "upstream_failed", True),
            ("rate_limit_exceeded", 502, "rate_limited", True),
            ("novel_error", 502, "upstream_failed", True),
            (None, 502, "upstream_failed", True),
            ("invalid_prompt", 400, "upstream_invalid_request", False),
            ("image_too_large", 400, "upstream_invalid_request", False),
            ("context_length_exceeded", 400, "upstream_invalid_request", False),
            (429, 429, "rate_limited", True),
            (503, 502, "upstream_failed", True),
        ],
    )
    @pytest.mark.parametrize("shape", ["failed", "error", "nested", "bare"])
    def test_has_its_code(self, shape: str, code: Any, status: int, ours: str, is_retryable: bool) -> None:
        fields = {"code": code, "message": "boom"}
        data: dict[str, Any] = {
            "failed": {"type": "response.failed", "response": {"error": fields}},
            "error": {"type": "error", **fields},
            "nested": {"type": "error", "error": fields},
            "bare": {"error": fields},
        }[shape]
        answer = decode(text_delta("a"), b"data: %b\n\n" % json.dumps(data).encode())
        assert answer.text == "a"
        assert isinstance(answer.error, UpstreamStatusError)
        assert (answer.error.status, answer.error.code, answer.error.retryable) == (status, ours, is_retryable)
        assert "boom" in answer.error.message
        assert answer.error.is_too_long is (code == "context_length_exceeded")

    def test_tells_what_it_took(self) -> None:
        answer = decode(responses_wire.failing_after(1, responses_wire.failed(usage=Tokens(9, 2))).body)
        usage = answer.events[-1]
        assert isinstance(usage, Usage)
        assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (9, 2, False)

    def test_in_the_same_read_loses_nothing_of_what_was_said(self) -> None:
        assert decode(responses_wire.failing_after(3).body).text == "0 1 2 "

    def test_is_shown_without_a_key_and_says_where_nothing_was_said(self) -> None:
        assert "abcdef" not in decode(frame("failed", response={"error": "bad key sk-proj-abcdef123456"})).error.message
        assert "did not say why" in decode(frame("failed", response={})).error.message


class TestUsage:
    @pytest.mark.parametrize("usage", [None, {}, {"input_tokens": 9}, {"output_tokens": 2, "input_tokens": None}])
    def test_that_tells_too_little_is_none(self, usage: dict[str, Any] | None) -> None:
        assert decode(completed(usage=usage)).events == [Completed("stop")]

    @pytest.mark.parametrize("details", [None, {}, {"cached_tokens": None}, {"audio_tokens": 3}])
    def test_has_details_or_not(self, details: dict[str, Any] | None) -> None:
        fields = {"input_tokens": 9, "output_tokens": 2, "input_tokens_details": details, "output_tokens_details": None}
        usage = decode(completed(usage=fields)).events[0]
        assert (usage.input_tokens, usage.cached_tokens, usage.reasoning_tokens) == (9, 0, 0)

    def test_of_what_was_written_to_the_cache_has_its_price(self) -> None:
        fields = {"input_tokens": 1000, "output_tokens": 10}
        with_writes = fields | {"input_tokens_details": {"cache_write_tokens": 500}}
        plain, dearer = (decode(completed(usage=u), model="gpt-5.6").events[0] for u in (fields, with_writes))
        assert dearer.cost > plain.cost


class TestFramesWithoutText:
    @pytest.mark.parametrize(
        "extra",
        [
            frame("created", response={"instructions": "Be brief.", "usage": None, "error": None}),
            frame("in_progress", response={}),
            frame("queued", response={}),
            text_delta(""),
            frame("output_text.delta"),
            frame("output_text.done", text=""),
            frame("content_part.added", part={"type": "output_text", "text": ""}),
            frame("output_text.annotation.added", annotation={"type": "url_citation"}),
            frame("web_search_call.searching", item_id="ws_1", output_index=0),
            frame("output_item.added", item={"type": "web_search_call", "id": "ws_1", "action": {"type": "search"}}),
            frame("output_item.done", item={"type": "reasoning", "id": "rs_1", "encrypted_content": None}),
            frame("mcp_call_arguments.delta", delta="{", item_id="mcp_1"),
            frame("novel.delta", delta={"of": "another shape"}, item=7, response="none"),
            b"event: keepalive\ndata: {\"type\":\"keepalive\"}\n\n",
            b": hm\n\n",
        ],
        ids=lambda extra: extra.decode().splitlines()[0][-40:],
    )  # fmt: skip
    def test_are_skipped(self, extra: bytes) -> None:
        answer = decode(extra, text_delta("a"), extra, completed())
        assert (answer.error, answer.events) == (None, [TextDelta("a"), Completed("stop")])


class TestNonsense:
    @pytest.mark.parametrize(
        "frame",
        [
            b"data: {not json",
            b"data: [1,2,3]",
            b"event: keepalive\ndata: {not json",
            b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":7}',
            b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"caf\xe9"}',
        ],
    )
    def test_after_good_deltas_loses_none_of_them(self, frame: bytes) -> None:
        answer = decode(text_delta("good") + frame + b"\n\n" + text_delta("late"))
        assert answer.events == [TextDelta("good")]
        assert isinstance(answer.error, UpstreamProtocolError)
        assert "cannot be decoded" in answer.error.message
