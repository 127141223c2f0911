"""Chat completions of gateways and servers that put text, tool calls and ends in unusual places."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_headrace.core.errors import UpstreamProtocolError, UpstreamStatusError
from flask_headrace.core.events import Completed, Failed, Usage
from flask_headrace.providers.openai.chat_decoder import ChatDecoder
from tests.providers.decoding.decoding import Answer

DONE = b"data: [DONE]\n\n"


def frame(delta: Any = None, reason: Any = None, **fields: Any) -> bytes:
    choice = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": reason, **fields}
    return b"data: %b\n\n" % json.dumps({"choices": [choice]}).encode()


def message(reason: Any = None, **fields: Any) -> bytes:
    whole = {"role": "assistant", **fields}
    return b"data: %b\n\n" % json.dumps({"choices": [{"message": whole, "finish_reason": reason}]}).encode()


def calls(*pieces: dict[str, Any]) -> bytes:
    return frame({"tool_calls": list(pieces)})


def piece(index: Any = None, id: Any = None, name: Any = None, arguments: Any = None) -> dict[str, Any]:  # noqa: A002
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    reported = {key: value for key, value in (("index", index), ("id", id)) if value is not None}
    return {**reported, "function": function}


def decode(*pieces: bytes) -> Answer:
    return Answer(ChatDecoder("acme", "m", "http://acme"), *pieces)


NULL_FIRST = {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": None}}]}
STOP, X = frame({}, "stop"), '{"x":1}'

TEXTS: dict[str, list[bytes]] = {
    "a message in place of deltas": [message("stop", content="hello")],
    "a message behind deltas": [frame({"content": "he"}), frame({"content": "llo"}), message("stop", content="hello")],
    "a message that goes on behind them": [frame({"content": "he"}), message("stop", content="hello")],
    "messages that grow": [message(content="he"), message(content="hello"), STOP],
    "messages that are pieces": [message(content="he"), message(content="llo"), STOP],
    "text in place of a delta": [b'data: {"choices":[{"index":0,"text":"hello"}]}\n\n', STOP],
    "text beside a delta": [b'data: {"choices":[{"index":0,"text":"hello","delta":{}}]}\n\n', STOP],
    "parts of the newer type": [frame({"content": [{"type": "output_text", "text": "hello"}]}), STOP],
    "parts of a type of its own": [frame({"content": [{"type": "novel", "text": "hello"}]}), STOP],
    "parts that are texts": [frame({"content": ["hel", "lo"]}), STOP],
    "a part that is no list": [frame({"content": {"type": "text", "text": "hello"}}), STOP],
    "a choice of another index": [frame({"content": "hello"}, index=3), frame({}, "stop", index=3)],
    "a choice of an index that is a text": [frame({"content": "hello"}, index="0"), frame({}, "stop", index="0")],
    "several choices": [frame({"content": "hello"}), frame({"content": "no"}, "length", index=1), STOP],
    "a choice that says nothing first": [frame({}, "length", index=1), frame({"content": "hello"}), STOP],
    "frames of nothing": [
        b"data:\n\ndata: \n\ndata: null\n\n: c\n\n",
        frame({"content": "hello"}),
        b"data: null\n\n",
        STOP,
    ],
    "the end by [DONE] with a space": [frame({"content": "hello"}), STOP, b"data: [DONE] \n\n"],
    "the end by [DONE] in quotes": [frame({"content": "hello"}), STOP, b'data: "[DONE]"\n\n'],
    "the end by [DONE] without a line end": [frame({"content": "hello"}), STOP, b"data: [DONE]"],
    "the end without a line end": [frame({"content": "hello"}), STOP.strip()],
}


class TestText:
    @pytest.mark.parametrize("name", TEXTS)
    def test_is_told_whole_and_once(self, name: str) -> None:
        answer = decode(*TEXTS[name])
        assert (answer.error, answer.text, answer.events[-1]) == (None, "hello", Completed("stop"))

    def test_may_be_a_number(self) -> None:
        assert decode(frame({"content": "1"}), frame({"content": 2}), STOP).text == "12"

    def test_of_one_choice_is_not_ended_by_another(self) -> None:
        answer = decode(frame({}, "stop", index=1), frame({"content": "hel"}))
        assert (answer.text, isinstance(answer.error, UpstreamProtocolError)) == ("hel", True)


CALLS: dict[str, list[bytes]] = {
    "arguments that are an object": [calls(piece(0, "a", "f", {"x": 1}))],
    "arguments under another name": [calls({"index": 0, "id": "a", "function": {"name": "f", "input": {"x": 1}}})],
    "fields in the call itself": [calls({"index": 0, "id": "a", "name": "f", "arguments": X})],
    "input in the call itself": [calls({"index": 0, "id": "a", "name": "f", "input": {"x": 1}})],
    "arguments that are null first": [frame(NULL_FIRST), calls(piece(0, arguments=X))],
    "an empty object before the arguments": [
        calls(piece(0, "a", "f", "{}")),
        calls(piece(0, arguments='{"x"')),
        calls(piece(0, arguments=":1}")),
    ],
    "arguments that come again": [
        calls(piece(0, "a", "f", '{"x"')),
        calls(piece(0, arguments=":1}")),
        calls(piece(0, arguments=X)),
    ],
    "arguments that come again in pieces": [
        calls(piece(0, "a", "f", X)),
        calls(piece(0, arguments='{"x"')),
        calls(piece(0, arguments=": 1}")),
    ],
    "a call that comes again": [calls(piece(0, "a", "f", X)), calls(piece(0, "a", "f", X))],
    "a call that comes again without its id": [calls(piece(0, "a", "f", X)), calls(piece(0, None, "f", X))],
    "arguments encoded twice": [calls(piece(0, "a", "f", json.dumps(X)))],
    "arguments encoded twice, in pieces": [calls(piece(0, "a", "f", '"{\\"x')), calls(piece(0, arguments='\\":1}"'))],
    "arguments encoded three times": [calls(piece(0, "a", "f", json.dumps(json.dumps(X))))],
    "a call that is no list": [frame({"tool_calls": piece(0, "a", "f", X)})],
    "a name behind the id": [calls(piece(0, "a")), calls(piece(0, name="f")), calls(piece(0, arguments=X))],
    "a name behind the arguments": [
        calls(piece(0, "a", arguments='{"x"')),
        calls(piece(0, arguments=":1}")),
        calls(piece(0, name="f")),
    ],
    "a name in each piece": [
        calls(piece(0, "a", "f", '{"x"')),
        calls(piece(0, None, "f", ":1}")),
        calls(piece(0, None, "f", "")),
    ],
    "a name in each piece, without an index": [
        calls(piece(None, "a", "f", '{"x"')),
        calls(piece(None, None, "f", ":1}")),
    ],
    "an index that is a text": [calls(piece("0", "a", "f", '{"x"')), calls(piece(0, arguments=":1}"))],
    "an index that counts the pieces": [calls(piece(0, "a", "f", '{"x"')), calls(piece(1, "a", None, ":1}"))],
    "a whole message": [message(tool_calls=[piece(None, "a", "f", X)])],
    "a whole message behind the pieces": [calls(piece(0, "a", "f", X)), message(tool_calls=[piece(None, "a", "f", X)])],
    "a whole message with another id": [calls(piece(0, "a", "f", X)), message(tool_calls=[piece(None, "b", "f", X)])],
    "a whole message that goes on": [calls(piece(0, "a", "f", '{"x"')), message(tool_calls=[piece(0, "a", "f", X)])],
    "blanks around the arguments": [
        calls(piece(0, "a", "f", "  ")),
        calls(piece(0, arguments=" \n" + X)),
        calls(piece(0, arguments="\n ")),
    ],
}


class TestCall:
    @pytest.mark.parametrize("word", ["tool_calls", "stop", "tool_use", "end_turn", "function_call", "eos"])
    @pytest.mark.parametrize("name", CALLS)
    def test_is_told_once_with_its_arguments_and_ends_for_it(self, name: str, word: str) -> None:
        answer = decode(*CALLS[name], frame({}, word), DONE)
        assert (answer.error, answer.calls, answer.events[-1]) == (
            None,
            [("a", "f", {"x": 1})],
            Completed("tool_calls"),
        )

    @pytest.mark.parametrize("nothing", ["", None, "null", '""', "{}", '"{}"', '"null"', "  "])
    def test_with_no_arguments_has_none_however_that_is_said(self, nothing: Any) -> None:
        assert decode(calls(piece(0, "a", "f", nothing)), STOP).calls == [("a", "f", {})]

    def test_by_the_older_field_is_one(self) -> None:
        pieces = [frame({"function_call": {"name": "f", "arguments": text}}) for text in ("", '{"x"', ":1}")]
        (call,) = decode(*pieces, frame({}, "function_call"), DONE).calls
        assert call[1:] == ("f", {"x": 1})

    def test_by_both_fields_is_one(self) -> None:
        reported = {"tool_calls": [piece(0, "a", "f", X)], "function_call": {"name": "f", "arguments": X}}
        assert decode(frame(reported), STOP).calls == [("a", "f", {"x": 1})]

    def test_has_an_id_that_is_a_text_where_its_own_is_a_number(self) -> None:
        assert decode(calls(piece(0, 17, "f", X)), STOP).calls == [("17", "f", {"x": 1})]

    @pytest.mark.parametrize(
        "pieces",
        [
            [piece(0, None, "f", X), piece(0, None, "f", '{"x":2}')],
            [piece(0, "", "f", X), piece(0, "", "f", '{"x":2}')],
            [piece(None, "c", "f", X), piece(None, "c", "f", '{"x":2}')],
            [piece(0, "c", "f", X), piece(1, "c", "f", '{"x":2}')],
            [piece(None, None, "f", X), piece(None, None, "f", '{"x":2}')],
            [piece(0, None, "f", X), piece(0, None, "f"), piece(0, None, None, '{"x":2}')],
        ],
        ids=["at one index", "with empty ids", "with one id", "with one id, by index", "without both", "name first"],
    )
    def test_behind_a_whole_one_is_another(self, pieces: list[dict[str, Any]]) -> None:
        for chunks in ([calls(each) for each in pieces], [calls(*pieces)]):
            found = decode(*chunks, frame({}, "tool_calls"), DONE).calls
            assert [call[1:] for call in found] == [("f", {"x": 1}), ("f", {"x": 2})]
            assert len({call[0] for call in found}) == 2

    def test_of_another_name_is_another(self) -> None:
        found = decode(calls(piece(None, "c", "f", X)), calls(piece(None, "c", "g", X)), STOP).calls
        assert [call[1:] for call in found] == [("f", {"x": 1}), ("g", {"x": 1})]

    @pytest.mark.parametrize("behind", ['{"x":2}', "x", '{"x"', "[1]"])
    def test_with_something_else_behind_its_arguments_is_a_failure(self, behind: str) -> None:
        answer = decode(calls(piece(0, "a", "f", X)), calls(piece(0, arguments=behind)), STOP)
        reported = answer.error or answer.events[-1]
        assert isinstance(reported, Failed) or reported.code == "tool_arguments_invalid"
        assert not any(isinstance(event, Completed) for event in answer.events)

    def test_without_a_name_is_a_failure(self) -> None:
        (*_, failed) = decode(calls(piece(0, "a", None, X)), frame({}, "tool_calls"), DONE).events
        assert (failed.code, "without naming it" in failed.message) == ("tool_arguments_invalid", True)


class TestNothing:
    def test_with_a_reason_is_an_answer(self) -> None:
        assert decode(frame({"role": "assistant", "content": ""}), STOP, DONE).events == [Completed("stop")]

    @pytest.mark.parametrize(
        "frames",
        [
            [DONE],
            [frame({}, "tool_calls"), DONE],
            [frame({"content": [{"type": "image_url", "image_url": {"url": "x"}}]}), STOP, DONE],
            [b'data: {"message":{"role":"assistant","content":"hello"}}\n\n', STOP, DONE],
            [frame({"text": "hello"}), STOP, DONE],
            [frame(content="hello"), STOP, DONE],
            [b'data: {"type":"content_block_delta","delta":{"text":"hello"}}\n\n', STOP, DONE],
        ],
        ids=[
            "no reason",
            "a call that never came",
            "parts of no text",
            "a protocol of its own",
            "a delta's field",
            "a choice's field",
            "Anthropic's",
        ],
    )
    def test_that_could_be_read_is_a_failure(self, frames: list[bytes]) -> None:
        answer = decode(*frames)
        assert (answer.events, isinstance(answer.error, UpstreamProtocolError)) == ([], True)


class TestUsage:
    REPORTED = {"usage": {"prompt_tokens": 9, "completion_tokens": 2}}  # noqa: RUF012  # nobody writes to it

    def usage_chunk(self, **usage: Any) -> bytes:
        return b"data: %b\n\n" % json.dumps({"choices": [], "usage": usage}).encode()

    @pytest.mark.parametrize("after", [{}, {"prompt_tokens": 0, "completion_tokens": 0}, {"prompt_tokens": None}])
    def test_is_not_undone_by_one_that_tells_nothing(self, after: dict[str, Any]) -> None:
        reported = self.usage_chunk(prompt_tokens=9, completion_tokens=2)
        assert decode(reported, STOP, self.usage_chunk(**after), DONE).events == [Usage(9, 2), Completed("stop")]

    def test_may_stand_in_the_choice(self) -> None:
        assert decode(frame({}, "stop", **self.REPORTED), DONE).events == [Usage(9, 2), Completed("stop")]

    @pytest.mark.parametrize("name", ["prompt_cache_hit_tokens", "cache_read_input_tokens"])
    def test_tells_of_the_cache_by_other_names(self, name: str) -> None:
        reported = self.usage_chunk(prompt_tokens=9, completion_tokens=2, **{name: 6})
        assert decode(STOP, reported, DONE).events[0].cached_tokens == 6

    @pytest.mark.parametrize(
        "cut", [b"", b'data: {"error":{"message":"boom"}}\n\n', frame({}, "abort"), b"data: {]\n\n"]
    )
    def test_that_was_told_before_a_cut_is_kept(self, cut: bytes) -> None:
        answer = decode(frame({"content": "a"}) + self.usage_chunk(prompt_tokens=9, completion_tokens=2) + cut)
        assert answer.error is not None
        assert answer.known == [Usage(9, 2, estimated=True)]


class TestError:
    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b'event: error\ndata: {"message":"boom","code":500}\n\n', "upstream_failed"),
            (b'data: [{"error":{"message":"boom","code":429}}]\n\n', "rate_limited"),
            (b'{"error":{"message":"boom","type":"x"}}\n\n', "upstream_failed"),
            (b'{"error":{"message":"boom","type":"x"}}', "upstream_failed"),
            (b'error: {"message":"boom","code":500}\n\n', "upstream_failed"),
        ],
        ids=["by its name", "in a list", "without a field", "without a line end", "in a field of its own"],
    )
    def test_is_told_in_its_own_words(self, data: bytes, code: str) -> None:
        answer = decode(frame({"content": "h"}), data)
        assert (answer.text, isinstance(answer.error, UpstreamStatusError)) == ("h", True)
        assert (answer.error.code, "boom" in answer.error.message) == (code, True)


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_text": "so"},
        {"reasoning": {"content": "so"}},
        {"reasoning": {"text": "so"}},
        {"reasoning_details": [{"type": "reasoning.text", "text": "so"}]},
        {"reasoning": "so", "reasoning_details": [{"type": "reasoning.text", "text": "so"}]},
    ],
)
def test_a_thought_is_told_once_whatever_its_field(delta: dict[str, Any]) -> None:
    answer = decode(frame(delta), frame({"content": "a"}), STOP)
    assert (answer.error, answer.reasoning, answer.text) == (None, "so", "a")
