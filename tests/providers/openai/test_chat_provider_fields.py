"""Fields that only chat completions have, as a decoder reports them to clients of the same protocol."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_headrace.core.errors import UpstreamProtocolError
from flask_headrace.core.events import (
    Completed,
    Event,
    ProviderEvent,
    ReasoningDelta,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
)
from flask_headrace.core.sse import ServerSentEvent
from flask_headrace.providers.openai.chat_decoder import ChatDecoder
from flask_headrace.providers.openai.chat_provider_fields import MAX_EARLY_CHARS, ProviderFieldsDecoder
from tests.providers.decoding.decoding import Answer
from tests.providers.openai.test_chat_servers import ANSWERS, DONE, STOP, TOOL_CALLS, delta_chunk, frames

CALLED = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}


def decode(*pieces: bytes) -> list[Event]:
    return Answer(ProviderFieldsDecoder("acme", "m", "http://acme/v1"), *pieces).events


def told(kind: str, data: Any, *, is_content: bool = False) -> ProviderEvent:
    return ProviderEvent("openai-chat", kind, json.dumps(data, separators=(",", ":")), is_content)


@pytest.mark.parametrize("server", [*ANSWERS, *TOOL_CALLS])
def test_all_else_is_as_without_them_wherever_an_answer_is_cut(server: str) -> None:
    chunks = ANSWERS[server] if server in ANSWERS else [*TOOL_CALLS[server][0], DONE]
    body = frames(*chunks)
    without = Answer(ChatDecoder("acme", "m", "http://acme/v1"), body).events
    whole = decode(body)
    assert [event for event in whole if not isinstance(event, ProviderEvent)] == without
    for place in range(1, len(body)):
        assert decode(body[:place], body[place:]) == whole


class TestAPart:
    def test_has_its_fields_before_it(self) -> None:
        logprobs = delta_chunk({"content": "a"})
        logprobs["choices"][0]["logprobs"] = {"content": [{"token": "a", "logprob": -0.10}]}
        assert decode(frames(logprobs, STOP, DONE)) == [
            told("part", {"choices": [{"logprobs": {"content": [{"token": "a", "logprob": -0.1}]}}]}),
            TextDelta("a"), Completed("stop"),
        ]  # fmt: skip

    def test_has_its_numbers_as_they_were_written(self) -> None:
        written = b'data: {"choices":[{"delta":{"content":"a","score":-0.10},"index":0}],"x_time":1.50}\n\n'
        event, *_ = decode(written + frames(STOP, DONE))
        assert isinstance(event, ProviderEvent)
        assert event.data == '{"x_time":1.50,"choices":[{"delta":{"score":-0.10}}]}'

    def test_of_reasoning_has_its_details(self) -> None:
        detail = [{"type": "reasoning.text", "text": "t", "index": 0}]
        assert decode(frames(delta_chunk({"reasoning_details": detail}), STOP, DONE))[:2] == [
            told("part", {"choices": [{"delta": {"reasoning_details": detail}}]}), ReasoningDelta("t")
        ]  # fmt: skip

    @pytest.mark.parametrize("text", ["b", "", 'b"', "b\\", "ö", "\n", '"x":1'])
    def test_without_fields_has_none_whatever_its_text(self, text: str) -> None:
        for padding in ({}, {"obfuscation": "xyz"}):
            pieces = [delta_chunk({"content": each}, **padding) for each in ("a", text, "c")]
            events = decode(frames(*pieces, STOP, DONE))
            assert events == [TextDelta("a"), *([TextDelta(text)] if text else []), TextDelta("c"), Completed("stop")]

    def test_with_fields_after_one_without_has_them(self) -> None:
        for padding in ({}, {"obfuscation": "xyz"}):
            plain = delta_chunk({"content": "a"}, **padding)
            for found in (delta_chunk({"content": "b", "vendor": 1}, **padding), {**plain, "vendor": 1}):
                events = decode(frames(plain, plain, found, STOP, DONE))
                assert [type(event) for event in events[:4]] == [TextDelta, TextDelta, ProviderEvent, TextDelta]

    def test_has_the_fields_of_the_choice_that_is_the_answer(self) -> None:
        other = {"index": 1, "delta": {"content": "x", "vendor": 1}, "finish_reason": None}
        chunk = {**delta_chunk({"content": "a"}), "choices": [delta_chunk({"content": "a"})["choices"][0], other]}
        assert decode(frames(chunk, chunk, STOP, DONE)) == [TextDelta("a"), TextDelta("a"), Completed("stop")]

    def test_that_is_a_picture_is_content(self) -> None:
        images = [{"type": "image_url", "image_url": {"url": "data:,"}}]
        assert decode(frames(delta_chunk({"images": images}), STOP, DONE))[0] == told(
            "chunk", {"choices": [{"delta": {"images": images}}]}, is_content=True
        )


class TestFieldsAtTheTop:
    def test_are_told_when_they_change(self) -> None:
        chunks = [delta_chunk({"content": text}, tier=tier) for text, tier in (("a", "1"), ("b", "1"), ("c", "2"))]
        assert decode(frames(*chunks, STOP, DONE)) == [
            told("part", {"tier": "1"}), TextDelta("a"), TextDelta("b"), told("part", {"tier": "2"}), TextDelta("c"),
            Completed("stop"),
        ]  # fmt: skip

    def test_wait_for_the_beginning_of_the_answer(self) -> None:
        decoder = ProviderFieldsDecoder("acme", "m", "http://acme/v1")
        events: list[Event] = []
        decoder.read([ServerSentEvent(b"message", frames(delta_chunk({}, tier="1"))[6:-2])], events)
        assert events == []
        decoder.read([ServerSentEvent(b"message", frames(delta_chunk({"content": "a"}))[6:-2])], events)
        assert events == [told("chunk", {"tier": "1"}), TextDelta("a")]

    def test_wait_no_longer_than_there_is_room(self) -> None:
        big = "x" * MAX_EARLY_CHARS
        chunks = [delta_chunk({}, tier="1"), delta_chunk({}, big=big), delta_chunk({"content": "a"})]
        assert decode(frames(*chunks, STOP, DONE)) == [
            told("chunk", {"tier": "1"}), told("chunk", {"big": big}), TextDelta("a"), Completed("stop")
        ]  # fmt: skip

    def test_are_no_answer_by_themselves(self) -> None:
        announced = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
        answer = Answer(ProviderFieldsDecoder("acme", "m", "x"), frames(delta_chunk({}, tier="1"), announced, DONE))
        assert isinstance(answer.error, UpstreamProtocolError)

    @pytest.mark.parametrize("data", [b'{"choices":[],"a":NaN}', b'{"choices":[],"a":"\\ud800"}'])
    def test_that_are_no_json_are_left_out(self, data: bytes) -> None:
        body = b"data: %b\n\n" % data + frames(delta_chunk({"content": "a"}), STOP, DONE)
        assert decode(body) == [TextDelta("a"), Completed("stop")]


class TestCalls:
    def test_of_custom_tools_have_one_text(self) -> None:
        def piece(index: int, text: str, **fields: Any) -> dict[str, Any]:
            custom = {"input": text, **({"name": "p"} if fields else {})}
            return delta_chunk({"tool_calls": [{"index": index, "type": "custom", "custom": custom, **fields}]})

        body = frames(
            piece(0, "", id="a"),
            piece(0, 'ra"'),
            piece(1, "x", id="b"),
            piece(0, "w"),
            piece(2, "", id="c"),
            CALLED,
            DONE,
        )
        for place in range(1, len(body)):
            events = decode(body[:place], body[place:])
            ended = [event for event in events if isinstance(event, ToolCallCompleted)]
            assert [event.arguments for event in ended] == [{"input": 'ra"w'}, {"input": "x"}, {"input": ""}]
            assert [e.id for e in events if isinstance(e, ToolCallStarted)] == ["a", "b", "c"]
            deltas = [event for event in events if isinstance(event, ToolCallDelta)]
            texts = ["".join([delta.text for delta in deltas if delta.index == number]) for number in range(3)]
            assert texts == ['{"input":"ra\\"w"}', '{"input":"x"}', '{"input":""}']

    def test_of_custom_tools_may_all_have_one_index(self) -> None:
        calls = [{"index": 0, "id": name, "custom": {"name": name, "input": name}} for name in "ab"]
        events = decode(frames(*[delta_chunk({"tool_calls": [call]}) for call in calls], CALLED, DONE))
        ended = [event for event in events if isinstance(event, ToolCallCompleted)]
        assert ended == [ToolCallCompleted(0, {"input": "a"}), ToolCallCompleted(1, {"input": "b"})]

    def test_of_custom_tools_may_be_whole(self) -> None:
        call = {"id": "a", "type": "custom", "custom": {"name": "p", "input": "raw"}}
        chunk = {"choices": [{"index": 0, "message": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}
        streamed = delta_chunk({"tool_calls": [{"index": 0, **call}]})
        for chunks in ([chunk], [streamed, chunk], [streamed, CALLED]):
            events = decode(frames(*chunks, DONE))
            assert [e for e in events if not isinstance(e, ToolCallDelta)] == [
                ToolCallStarted(0, "a", "p"), ToolCallCompleted(0, {"input": "raw"}), Completed("tool_calls")
            ]  # fmt: skip

    def test_have_their_fields_before_them(self) -> None:
        extra = {"extra_content": {"google": {"thought_signature": "S"}}}
        pieces = [
            {"index": index, "id": name, "function": {"name": name, "arguments": "{}"}, **extra}
            for index, name in enumerate("ab")
        ]
        events = decode(frames(delta_chunk({"tool_calls": pieces}), CALLED, DONE))
        started = [place for place, event in enumerate(events) if isinstance(event, ToolCallStarted)]
        assert [events[place - 1] for place in started] == [
            told("call", {"call": number, "fields": extra}, is_content=True) for number in range(2)
        ]
