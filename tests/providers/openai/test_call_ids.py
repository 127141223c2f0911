"""The ids of calls and results, as OpenAI's APIs take them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.providers.chat_request import ChatRequest, Message, ToolCall
from flask_headrace.providers.openai.call_ids import shortened_call_id, with_short_call_ids
from flask_headrace.providers.openai.responses_request_body import MAX_CALL_ID_CHARS, build_body

HI = Message("user", "hi")
LONG = "x" * 80


def called(*ids: str) -> Message:
    return Message("assistant", tool_calls=tuple(ToolCall(id_, "f") for id_ in ids))


def returned(id_: str) -> Message:
    return Message("tool", "1", tool_call_id=id_)


def test_stay_where_they_are_short_enough() -> None:
    messages = (HI, called("x" * 64), returned("x" * 64))
    assert with_short_call_ids(messages, 64) is messages


def test_that_are_too_long_are_replaced_in_the_call_and_in_its_result() -> None:
    short = shortened_call_id(LONG, 64)
    assert list(with_short_call_ids((HI, called("a", LONG), returned(LONG), returned("a")), 64)) == [
        HI,
        called("a", short),
        returned(short),
        returned("a"),
    ]


def test_are_short_enough_for_the_responses_api() -> None:
    body = build_body(ChatRequest("m", (HI, called(LONG), returned(LONG))))
    assert [item["call_id"] for item in body["input"][1:]] == [shortened_call_id(LONG, MAX_CALL_ID_CHARS)] * 2


@given(st.sets(st.text(min_size=30, max_size=80), min_size=2, max_size=20))
def test_stay_apart(ids: set[str]) -> None:
    for limit in (40, 64):
        assert len({shortened_call_id(id_, limit) for id_ in ids}) == len(ids)
        assert all(len(shortened_call_id(id_, limit)) <= limit for id_ in ids)
