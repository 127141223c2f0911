"""Events that deviate from the API's format but can be decoded leniently, in each of the three decoders."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from flask_headrace.core.errors import UpstreamProtocolError
from flask_headrace.core.events import Completed, ToolCallCompleted, Usage
from flask_headrace.providers.anthropic.decoder import MessageDecoder
from flask_headrace.providers.openai.chat_decoder import ChatDecoder
from flask_headrace.providers.openai.responses_decoder import ResponseDecoder
from tests.providers.decoding.decoding import Answer
from tests.support.upstream import ToolCall, anthropic_wire, openai_wire, responses_wire

PROTOCOLS = {
    "chat completions": (openai_wire, ChatDecoder, "gpt-5-mini", "https://api.openai.com/v1"),
    "responses": (responses_wire, ResponseDecoder, "gpt-5-mini", "https://api.openai.com/v1"),
    "messages": (anthropic_wire, MessageDecoder, "claude-opus-4-7", "https://api.anthropic.com"),
}


class Protocol:
    """One of the three protocols: its answers, and ways to change them."""

    def __init__(self, name: str) -> None:
        self.wire, self._decoder, self._model, self._prices = PROTOCOLS[name]

    def read(self, *pieces: bytes) -> Answer:
        return Answer(self._decoder("acme", self._model, self._prices), *pieces)

    def answer(self, *pieces: Any) -> bytes:
        body: bytes = self.wire.answer(*pieces).body
        return body

    def with_counts(self, change: Any) -> bytes:
        """Return an answer in which each token count, or the usage itself, is replaced."""
        body = []
        for block in self.answer("Hello").split(b"\n\n"):
            head, mark, data = block.rpartition(b"data: ")
            if mark and data.startswith(b"{"):
                data = json.dumps(_changed(json.loads(data), change)).encode()
            body.append(head + mark + data)
        return b"\n\n".join(body)


def _changed(value: Any, change: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        name: change(inner) if name == "usage" and inner else _changed(inner, change) for name, inner in value.items()
    }


def _each(number: Any) -> Any:
    def changed(usage: Any) -> Any:
        return {name: changed(inner) if isinstance(inner, dict) else number for name, inner in usage.items()}

    return changed


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> Protocol:
    return Protocol(request.param)


def in_halves(body: bytes, *replacements: tuple[bytes, bytes]) -> bytes:
    for old, new in replacements:
        assert old in body
        body = body.replace(old, new)
    return body


class TestHalfACharacter:
    def test_waits_for_the_other_half_in_the_next_delta(self, protocol: Protocol) -> None:
        body = in_halves(protocol.answer("a<", ">b"), (b"a<", rb"a\ud83c"), (b">b", rb"\udf0ab"))
        answer = protocol.read(body)
        assert (answer.text, answer.error, answer.events[-1]) == ("a🌊b", None, Completed("stop"))

    def test_that_stays_alone_is_the_sign_for_no_character(self, protocol: Protocol) -> None:
        body = in_halves(protocol.answer("a<>b", "c"), (b"<>", rb"\udf0a \ud83cx"))
        assert protocol.read(body).text == "a\ufffd \ufffdxbc"

    def test_at_the_end_of_all_is_left_out(self, protocol: Protocol) -> None:
        assert protocol.read(in_halves(protocol.answer("ab<"), (b"<", rb"\uD83C"))).text == "ab"

    def test_in_a_field_that_nobody_reads_harms_nobody(self, protocol: Protocol) -> None:
        body = protocol.answer("ok").replace(b"data: {", rb'data: {"novel":"\udf0a \\ud83c",')
        assert protocol.read(body).text == "ok"

    def test_in_the_arguments_of_a_call(self, protocol: Protocol) -> None:
        body = protocol.answer(ToolCall("call_1", "f", ('{"a":"<', '>"}')))
        answer = protocol.read(body.replace(b"<", rb"\ud83c").replace(b">", rb"\udf0a"))
        (ended,) = [event for event in answer.events if isinstance(event, ToolCallCompleted)]
        assert ended.arguments == {"a": "🌊"}

    def test_whole_pairs_and_escaped_backslashes_are_left_alone(self, protocol: Protocol) -> None:
        body = in_halves(protocol.answer("<>", "="), (b"<>", rb"\ud83c\udf0a \\ud83c \\\\ \n"), (b"=", rb"\ud83c!"))
        assert protocol.read(body).text == "🌊 \\ud83c \\\\ \n\ufffd!"


class TestCounts:
    @pytest.mark.parametrize("number", ["5.0", "5e0", "50E-1"])
    def test_that_are_whole_count_however_they_are_written(self, protocol: Protocol, number: str) -> None:
        written = protocol.with_counts(_each(5)).replace(b": 5", b": " + number.encode())
        answer, plain = protocol.read(written), protocol.read(protocol.with_counts(_each(5)))
        assert number.encode() in written
        assert answer.events == plain.events
        assert any(isinstance(event, Usage) and not event.estimated for event in answer.events)

    @pytest.mark.parametrize("number", ["12", 1.5, -1, -1.0, 10**30, 1e30, math.nan, math.inf, [], None], ids=repr)
    def test_that_are_none_are_not_told_and_the_answer_is_whole(self, protocol: Protocol, number: Any) -> None:
        answer = protocol.read(protocol.with_counts(_each(number)))
        assert (answer.text, answer.error, answer.events[-1]) == ("Hello", None, Completed("stop"))
        assert not any(isinstance(event, Usage) for event in answer.events)

    def test_beyond_all_bounds_are_not_told_and_the_answer_is_whole(self, protocol: Protocol) -> None:
        answer = protocol.read(protocol.with_counts(_each(5)).replace(b": 5", b": 1e999"))
        assert (answer.text, answer.error, answer.events[-1]) == ("Hello", None, Completed("stop"))
        assert not any(isinstance(event, Usage) for event in answer.events)

    @pytest.mark.parametrize("usage", ["many", 7, [1], True])
    def test_in_no_object_are_not_told_either(self, protocol: Protocol, usage: Any) -> None:
        answer = protocol.read(protocol.with_counts(lambda _: usage))
        assert (answer.text, answer.error) == ("Hello", None)

    def test_of_a_part_are_never_more_than_the_whole(self) -> None:
        details = {"prompt_tokens_details": {"cached_tokens": 70}, "completion_tokens_details": {"reasoning_tokens": 9}}
        usage = {"prompt_tokens": 7, "completion_tokens": 2, **details}
        answer = Protocol("chat completions").read(Protocol("chat completions").with_counts(lambda _: usage))
        (usage,) = [event for event in answer.events if isinstance(event, Usage)]
        assert (usage.cached_tokens, usage.reasoning_tokens) == (7, 2)


class TestNumbers:
    @pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"1e999"])
    def test_that_are_none_harm_nobody_in_a_field_that_nobody_reads(self, protocol: Protocol, number: bytes) -> None:
        body = protocol.answer("a<", ">b").replace(b"data: {", b'data: {"novel":%b,' % number)
        body = in_halves(body, (b"a<", rb"a\ud83c"), (b">b", rb"\udf0ab"))
        answer = protocol.read(body)
        assert (answer.text, answer.error, answer.events[-1]) == ("a🌊b", None, Completed("stop"))


class TestShape:
    def test_of_a_frame_nested_without_end_is_a_failure_of_the_upstream(self, protocol: Protocol) -> None:
        deep = b'data: {"novel":' + b"[" * 50_000 + b"]" * 50_000 + b"}\n\n"
        head, mark, rest = protocol.answer("Hello").partition(b"data: ")
        broken = protocol.read(head.rpartition(b"event: ")[0] + deep + mark + rest)
        assert isinstance(broken.error, UpstreamProtocolError)

    @pytest.mark.parametrize("data", [b"[1]", b'{"type":"novel","choices":5,"delta":5,"item":5,"index":"x"}'])
    def test_of_an_event_that_nobody_knows_may_be_any(self, protocol: Protocol, data: bytes) -> None:
        name = b"event: novel\n"
        assert protocol.read(name + b"data: " + data + b"\n\n" + protocol.answer("ok")).text == "ok"

    @pytest.mark.parametrize("name", ["responses", "messages"])
    def test_of_an_event_that_tells_its_name_in_its_data_may_be_any(self, name: str) -> None:
        novel = b'data: {"type":"novel","delta":5,"item":5,"index":"x"}\n\n'
        assert Protocol(name).read(novel + Protocol(name).answer("ok")).text == "ok"

    def test_of_a_choice_without_its_number(self) -> None:
        body = Protocol("chat completions").answer("ok").replace(b'"index":0', b'"index":null')
        assert Protocol("chat completions").read(body).text == "ok"


def test_frames_are_cut_as_the_network_likes(protocol: Protocol) -> None:
    body = in_halves(protocol.answer("a<", ">b"), (b"a<", rb"a\ud83c"), (b">b", rb"\udf0ab"))
    whole = protocol.read(body)
    assert protocol.read(*[body[place : place + 1] for place in range(len(body))]).events == whole.events
