"""The finish reasons of all servers, in any spelling, and how each of the three decoders reports them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_headrace.core.errors import UpstreamStatusError
from flask_headrace.core.events import Completed, TextDelta
from flask_headrace.providers.anthropic.decoder import MessageDecoder
from flask_headrace.providers.decoding.finish_reasons import parse_finish_reason, resolve_finish_reason
from flask_headrace.providers.openai.chat_decoder import ChatDecoder
from flask_headrace.providers.openai.responses_decoder import ResponseDecoder
from tests.providers.decoding.decoding import Answer

WORDS = {
    "stop": [
        "stop", "STOP", "Stop", "eos", "eos_token", "EOS", "end_turn", "endTurn", "stop_sequence", "COMPLETE",
        "completed", "FinishReason.STOP", "stop_token", "eot",
    ],
    "length": [
        "length", "LENGTH", "max_tokens", "MAX_TOKENS", "maxTokens", "max-tokens", "max_output_tokens", "model_length",
        "max_completion_tokens", "token_limit", "time_limit", "ERROR_LIMIT", "model_context_window_exceeded", "limit",
        "context_length_exceeded", "FinishReason.MAX_TOKENS", "truncated", "repetition", "incomplete", "max_length",
    ],
    "content_filter": [
        "content_filter", "content-filter", "content_filtered", "CONTENT_FILTER", "SAFETY", "RECITATION", "BLOCKLIST",
        "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "refusal", "sensitive", "guardrail_intervened", "ERROR_TOXIC",
        "LANGUAGE",
    ],
    "tool_calls": ["tool_calls", "tool_call", "tool_use", "TOOL_USE", "tool-calls", "toolUse", "function_call"],
    "pause": ["pause_turn", "pause"],
    "interrupted": [
        "error", "ERROR", "abort", "aborted", "cancelled", "canceled", "USER_CANCEL", "timeout", "network_error",
        "insufficient_system_resource", "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE", "malformed_model_output", "failed", "rate_limit",
    ],
    "other": ["OTHER", "novel_reason"],
    None: ["", "null", "None", "not_finished", "FINISH_REASON_UNSPECIFIED", None, 7, {}],
}  # fmt: skip
CASES = [(word, reported) for reported, words in WORDS.items() for word in words]


@pytest.mark.parametrize(("word", "reported"), CASES, ids=str)
def test_a_word_means_the_same_in_any_spelling(word: Any, reported: str | None) -> None:
    assert parse_finish_reason(word) == reported


def test_a_word_may_stand_in_an_object() -> None:
    assert parse_finish_reason({"type": "length", "length": 16}) == "length"


@pytest.mark.parametrize(
    ("reported", "has_calls", "has_refused", "expected"),
    [
        ("stop", False, False, "stop"),
        ("stop", True, False, "tool_calls"),
        ("other", True, False, "tool_calls"),
        ("tool_calls", True, True, "tool_calls"),
        ("tool_calls", False, False, "stop"),
        ("stop", False, True, "content_filter"),
        ("length", True, False, "length"),
        ("content_filter", True, False, "content_filter"),
        ("pause", True, False, "pause"),
    ],
)
def test_what_the_answer_holds_decides_where_the_word_does_not_fit(
    reported: Any, has_calls: bool, has_refused: bool, expected: str
) -> None:
    assert resolve_finish_reason(reported, has_calls=has_calls, has_refused=has_refused) == expected


def frame(value: Any) -> bytes:
    return b"data: %b\n\n" % json.dumps(value).encode()


def chat(word: str) -> Answer:
    content = {"choices": [{"index": 0, "delta": {"content": "a"}}]}
    ended = {"choices": [{"index": 0, "delta": {}, "finish_reason": word}]}
    return Answer(ChatDecoder("acme", "m", "p"), frame(content), frame(ended) + b"data: [DONE]\n\n")


def messages(word: str) -> Answer:
    content = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}}
    ended = {"type": "message_delta", "delta": {"stop_reason": word}}
    return Answer(MessageDecoder("acme", "m", "p"), frame(content), frame(ended) + frame({"type": "message_stop"}))


@pytest.mark.parametrize("decode", [chat, messages])
class TestDecoders:
    @pytest.mark.parametrize("word", ["MAX_TOKENS", "max_tokens", "length"])
    def test_never_take_a_cut_for_a_whole_answer(self, decode: Any, word: str) -> None:
        assert decode(word).events == [TextDelta("a"), Completed("length")]

    @pytest.mark.parametrize("word", ["tool_calls", "tool_use", "function_call"])
    def test_wait_for_no_call_where_there_is_none(self, decode: Any, word: str) -> None:
        assert decode(word).events == [TextDelta("a"), Completed("stop")]

    @pytest.mark.parametrize("word", ["abort", "error", "cancelled", "insufficient_system_resource"])
    def test_tell_of_an_answer_that_was_given_up(self, decode: Any, word: str) -> None:
        answer = decode(word)
        assert answer.events == [TextDelta("a")]
        assert isinstance(answer.error, UpstreamStatusError)
        assert f"{word!r}" in answer.error.message

    @pytest.mark.parametrize("word", ["", "null", "not_finished"])
    def test_take_an_answer_that_goes_on_for_none_that_ended(self, decode: Any, word: str) -> None:
        assert decode(word).events[-1] != Completed("stop")


@pytest.mark.parametrize(
    ("kind", "response", "reason"),
    [
        ("completed", {"status": "completed"}, "stop"),
        ("completed", {}, "stop"),
        ("done", {"status": "completed"}, "stop"),
        ("completed", {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ("completed", {"status": "incomplete"}, "length"),
        ("completed", {"status": "completed", "incomplete_details": {"reason": "max_tokens"}}, "length"),
        ("completed", {"status": "incomplete", "incomplete_details": {"reason": "SAFETY"}}, "content_filter"),
        ("done", {"status": "incomplete"}, "length"),
        ("incomplete", {"status": "completed"}, "length"),
        ("completed", {"status": "failed", "error": {"message": "boom"}}, None),
        ("completed", {"status": "cancelled"}, None),
        ("cancelled", {}, None),
        ("incomplete", {"incomplete_details": {"reason": "cancelled"}}, None),
    ],
)
def test_a_response_ends_as_its_own_status_says(kind: str, response: dict[str, Any], reason: Any) -> None:
    content = frame({"type": "response.output_text.delta", "delta": "a"})
    ended = frame({"type": f"response.{kind}", "response": response})
    answer = Answer(ResponseDecoder("acme", "m", "p"), content, ended)
    assert answer.events == [TextDelta("a"), *([Completed(reason)] if reason else [])]
    assert isinstance(answer.error, UpstreamStatusError) is (reason is None)
