"""The reasoning that servers of chat completions want back: a decoder collects it in the fields in which it came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_headrace.core.events import Event, ProviderEvent, ToolCallStarted, Usage
from flask_headrace.providers.openai.chat_decoder import ChatDecoder
from flask_headrace.providers.openai.chat_reasoning_fields import ReasoningFieldsDecoder
from flask_headrace.providers.reasoning_state import ReasoningState, decode_state
from tests.providers.decoding.decoding import Answer
from tests.providers.openai.test_chat_servers import ANSWERS, DONE, STOP, TOOL_CALLS, delta_chunk, frames


def decode(*pieces: bytes) -> list[Event]:
    return Answer(ReasoningFieldsDecoder("acme", "m", "http://acme/v1"), *pieces).events


def state_of(events: list[Event]) -> ReasoningState | None:
    states = [event.data for event in events if isinstance(event, ProviderEvent)]
    return decode_state(*states) if states else None


def collected(*chunks: Any) -> tuple[Any, Any]:
    state = state_of(decode(frames(*chunks, STOP, DONE)))
    if state is None:
        return {}, {}
    assert (state.family, state.provider, state.model) == ("openai-chat", "acme", "m")
    fields = {name: json.loads(bytes(value)) for name, value in state.fields.items()}
    calls = {
        call: {name: json.loads(bytes(value)) for name, value in others.items()} for call, others in state.calls.items()
    }
    return fields, calls


@pytest.mark.parametrize("server", [*ANSWERS, *TOOL_CALLS])
def test_all_else_is_as_without_it_wherever_an_answer_is_cut(server: str) -> None:
    chunks = ANSWERS[server] if server in ANSWERS else [*TOOL_CALLS[server][0], DONE]
    body = frames(*chunks)
    without = Answer(ChatDecoder("acme", "m", "http://acme/v1"), body).events
    whole = decode(body)
    assert [event for event in whole if not isinstance(event, ProviderEvent)] == without
    for place in range(1, len(body)):
        assert decode(body[:place], body[place:]) == whole


def test_it_comes_before_the_usage_and_the_end() -> None:
    used = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    events = decode(frames(delta_chunk({"reasoning": "t"}), delta_chunk({"content": "a"}), STOP, used, DONE))
    assert [type(event) for event in events[-3:-1]] == [ProviderEvent, Usage]


@pytest.mark.parametrize(
    "field",
    ["reasoning", "reasoning_content", "reasoning_text", "reasoning_opaque", "extra_content", "reasoning_details"],
)
@pytest.mark.parametrize("value", ["", None, [], {}])
def test_an_empty_field_is_none(field: str, value: Any) -> None:
    assert collected(delta_chunk({"content": "a", field: value})) == ({}, {})


@pytest.mark.parametrize("field", ["content", "annotations", "audio", "images", "refusal", "vendor", "role"])
def test_other_fields_are_no_reasoning(field: str) -> None:
    fields, _ = collected(delta_chunk({"reasoning": "t"}), delta_chunk({field: "x"}))
    assert fields == {"reasoning": "t"}


def test_two_names_for_one_reasoning_both_go_back() -> None:
    fields, _ = collected(delta_chunk({"reasoning": "a", "reasoning_content": "a"}), delta_chunk({"content": "b"}))
    assert fields == {"reasoning": "a", "reasoning_content": "a"}


def test_a_choice_that_is_not_the_answer_has_none() -> None:
    other = {"index": 1, "delta": {"reasoning": "x"}, "finish_reason": None}
    chunk = {**delta_chunk({"reasoning": "t"}), "choices": [delta_chunk({"reasoning": "t"})["choices"][0], other]}
    assert collected(chunk, chunk, delta_chunk({"content": "a"}))[0] == {"reasoning": "tt"}


def test_a_call_whose_id_the_server_left_out_has_the_id_that_clients_get() -> None:
    call = {"index": 0, "function": {"name": "f", "arguments": "{}"}, "extra_content": {"s": 1}}
    events = decode(frames(delta_chunk({"tool_calls": [call]}), STOP, DONE))
    (started,) = [event for event in events if isinstance(event, ToolCallStarted)]
    state = state_of(events)
    assert state is not None
    assert {id_: bytes(fields["extra_content"]) for id_, fields in state.calls.items()} == {started.id: b'{"s":1}'}


def test_a_signature_that_comes_behind_its_call_is_its() -> None:
    call = {"index": 0, "id": "c1", "function": {"name": "f", "arguments": "{}"}}
    signed = {"index": 0, "extra_content": {"google": {"thought_signature": "S"}}}
    _, calls = collected(delta_chunk({"tool_calls": [call]}), delta_chunk({"tool_calls": [signed]}))
    assert calls == {"c1": {"extra_content": {"google": {"thought_signature": "S"}}}}


def test_numbers_keep_their_digits() -> None:
    delta = b'{"content":"a","extra_content":{"n":1.50,"m":12345678901234567890.0}}'
    body = b'data: {"choices":[{"index":0,"delta":%b}]}\n\n' % delta
    state = state_of(decode(body + frames(STOP, DONE)))
    assert state is not None
    assert bytes(state.fields["extra_content"]) == b'{"n":1.50,"m":12345678901234567890.0}'


@pytest.mark.parametrize("odd", [1, "x", [1], {"a": 1}, [None], [{"index": "0"}], [[]], True])
@pytest.mark.parametrize("field", ["reasoning_details", "extra_content", "reasoning_opaque", "reasoning"])
def test_odd_values_do_no_harm(field: str, odd: Any) -> None:
    fields, _ = collected(delta_chunk({field: odd}), delta_chunk({field: odd}), delta_chunk({"content": "a"}))
    assert set(fields) <= {field}
