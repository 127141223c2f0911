"""Any JSON in any place: a request is read or refused, and an answer is decoded as without its oddities."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_headrace.blueprints.openai_chat.body import ChatCompletionBody
from flask_headrace.blueprints.openai_chat.encoder import ChatCompletionEncoder
from flask_headrace.blueprints.openai_chat.request import to_chat_request
from flask_headrace.core.answer import CollectedAnswer
from flask_headrace.core.errors import InvalidRequest, UpstreamError
from flask_headrace.core.events import Event, ProviderEvent, ResponseStarted, ToolCallStarted
from flask_headrace.core.sse import ServerSentEvent
from flask_headrace.providers.openai.chat_decoder import ChatDecoder
from flask_headrace.providers.openai.chat_provider_fields import ProviderFieldsDecoder
from flask_headrace.providers.openai.chat_request_body import build_body
from flask_headrace.providers.request_validation import validation_error

FUNCTION = {"name": "f", "parameters": {}, "strict": True}
CALLS = [
    {"id": "a", "type": "function", "index": 0, "function": {"name": "f", "arguments": "{}"}, "extra": {}},
    {"id": "b", "type": "custom", "custom": {"name": "p", "input": "x"}},
]
BODY: Any = {
    "messages": [
        {"role": "user", "content": [
            {"type": "text", "text": "a", "cache_control": {}}, {"type": "image_url", "image_url": {"url": "u"}},
            {"type": "file", "file": {"file_data": "data:text/plain;base64,YQ==", "filename": "n"}},
            {"type": "input_audio", "input_audio": {"data": "d", "format": "wav"}}, {"type": "video", "v": 1},
        ]},
        {"role": "assistant", "content": None, "tool_calls": CALLS, "reasoning": "t", "audio": None, "parsed": 1,
         "reasoning_details": [{"type": "reasoning.text", "text": "t", "signature": "S", "format": "anthropic"}],
         "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "S"}]},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "image_url", "image_url": {"url": "u"}}]},
        {"role": "tool", "tool_call_id": "b", "content": "x"},
        {"role": "assistant", "function_call": {"name": "g", "arguments": "{}"}},
        {"role": "function", "name": "g", "content": "1"},
    ],
    "tools": [
        {"type": "function", "function": FUNCTION, "cache_control": {}}, {"type": "web"},
        {"type": "custom", "custom": {"name": "p", "format": {"type": "grammar", "grammar": {"definition": "x"}}}},
    ],
    "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"custom": {"name": "p"}}]}},
    "functions": [{"name": "h"}], "function_call": {"name": "h"}, "stop": ["x"], "modalities": ["text"], "n": 1,
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}, "temperature": 0.5,
    "stream_options": {"include_usage": True}, "logit_bias": {"1": 2}, "reasoning": {"effort": "low"},
}  # fmt: skip
ANSWER: Any = [
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None}], "tier": "a"},
    {"choices": [{"index": 0, "delta": {"content": "a", "vendor": {"x": 1}, "images": [{"index": 0}]},
                  "logprobs": {"content": [{"token": "a", "logprob": -0.1}]}}], "tier": "b", "cites": ["u"]},
    {"choices": [{"index": 0, "delta": {"reasoning_details": [{"text": "t", "index": 0, "signature": None}]}}]},
    {"choices": [{"index": 0, "delta": {"tool_calls": [CALLS[0], {**CALLS[1], "index": 1}]}}]},
    {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 1, "custom": {"input": "y"}, "extra": 1}]}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls", "native": "X"}]},
    {"choices": [], "usage": {"prompt_tokens": 1, "x": {"y": 1}, "prompt_tokens_details": {"audio": 2}}},
]  # fmt: skip
VALUES = st.sampled_from([
    None, True, 0, 1.5, "", "x", "data:,", "custom", "function", "tool", [], {}, [[]], [None], [1], [{}], {"a": 1},
    {"type": "custom"}, {"type": None}, {"index": 0}, [{"index": 0}, {"index": "0"}],
])  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value inside a JSON value."""
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, name)
        if isinstance(inner, (dict, list)):
            yield from places(inner, (*path, name))


def changed(value: Any) -> st.SearchStrategy[Any]:
    """Return a strategy that puts other values into some places of a JSON value."""
    changes = st.lists(st.tuples(st.sampled_from(list(places(value))), VALUES), min_size=1, max_size=3)
    return changes.map(lambda drawn: put(value, drawn))


def put(value: Any, changes: list[tuple[tuple[Any, ...], Any]]) -> Any:
    made = copy.deepcopy(value)
    for path, other in changes:
        inner = made
        try:
            for name in path[:-1]:
                inner = inner[name]
            inner[path[-1]] = copy.deepcopy(other)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change has taken the place away
    return made


@settings(max_examples=500)
@given(changed(BODY))
def test_a_request_is_read_or_refused(sent: Any) -> None:
    try:
        request = to_chat_request(msgspec.json.decode(json.dumps(sent), type=ChatCompletionBody), sent)
    except (InvalidRequest, msgspec.ValidationError):
        return
    if validation_error(request) is None:
        for is_official in (True, False):
            for source in (request.source, None):
                msgspec.json.encode(build_body(request, is_official=is_official, source=source))


@settings(max_examples=500)
@given(changed(ANSWER))
def test_an_answer_is_decoded_as_without_its_other_fields(chunks: Any) -> None:
    frames = [ServerSentEvent(b"message", json.dumps(chunk).encode()) for chunk in chunks]
    events, error = decoded(ProviderFieldsDecoder("acme", "m", "x"), frames)
    plain, plain_error = decoded(ChatDecoder("acme", "m", "x"), frames)
    own = [event for event in events if not isinstance(event, ProviderEvent)]
    assert [without_id(event) for event in own] == [without_id(event) for event in plain]
    assert type(error) is type(plain_error)
    for options in ({}, {"custom_tools": ["p"]}, {"is_legacy": True}):
        encoder = ChatCompletionEncoder("s1", "acme/tiny", 1, has_usage=True, **options)
        for event in [ResponseStarted("s1", "acme/tiny", "acme"), *events]:
            encoder.encode([event])
        answer = CollectedAnswer()
        answer.add(events)
        msgspec.json.encode(encoder.encode_whole(answer))


def decoded(decoder: ChatDecoder, frames: list[ServerSentEvent]) -> tuple[list[Event], UpstreamError | None]:
    events: list[Event] = []
    try:
        for frame in [*frames, ServerSentEvent(b"message", b"[DONE]")]:
            decoder.read([frame], events)
    except UpstreamError as error:
        return events, error
    return events, None


def without_id(event: Event) -> Event:
    """Return an event without the id of a call, which is random if the upstream has sent none."""
    return msgspec.structs.replace(event, id="") if isinstance(event, ToolCallStarted) else event
