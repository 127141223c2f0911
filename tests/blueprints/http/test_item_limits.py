"""Bodies with too many items are rejected before conversion; the cost of accepted bodies is linear."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from flask_headrace.blueprints.anthropic_messages.body import MessagesBody
from flask_headrace.blueprints.anthropic_messages.request import to_chat_request as messages_request
from flask_headrace.blueprints.http.item_limits import MAX_ITEMS, has_too_many_items
from flask_headrace.blueprints.native.body import ChatBody
from flask_headrace.blueprints.openai_chat.body import ChatCompletionBody
from flask_headrace.blueprints.openai_chat.request import to_chat_request as completion_request
from flask_headrace.blueprints.openai_responses.body import ResponseBody
from flask_headrace.blueprints.openai_responses.request import to_chat_request
from flask_headrace.core.errors import InvalidRequest
from flask_headrace.core.tool_namespaces import flat_names
from flask_headrace.providers.anthropic.request_body import build_body as messages_body
from flask_headrace.providers.anthropic.request_body import build_source_body as messages_source_body
from flask_headrace.providers.chat_request import ChatRequest, Message, Tool
from flask_headrace.providers.openai.chat_request_body import build_body as chat_body
from flask_headrace.providers.openai.responses_request_body import build_body as response_body
from flask_headrace.providers.request_validation import validation_error
from tests.support.reader import send
from tests.support.service import Service

MANY = MAX_ITEMS + 1
SAID = {"type": "text", "text": "a"}
TURN = {"role": "user", "content": "a"}
CALL = {"id": "c", "name": "t", "arguments": {}, "type": "function", "function": {"name": "t", "arguments": "{}"}}
USE = {"type": "tool_use", "id": "c", "name": "t", "input": {}}
THOUGHT: dict[str, Any] = {"type": "reasoning", "summary": []}
UI_CALL = {"type": "tool-t", "toolCallId": "c", "state": "output-available", "input": {}, "output": 1}
V4_CALL = {"state": "result", "toolCallId": "c", "toolName": "t", "args": {}, "result": 1}


def spoken(piece: dict[str, Any], role: str = "user", name: str = "content") -> dict[str, Any]:
    return {"messages": [{"role": role, "content": "", name: [piece] * MANY}]}


BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "turns": ("/api/chat", {"messages": [TURN] * MANY}),
    "parts": ("/api/chat", spoken(SAID)),
    "tools": ("/api/chat", {"messages": [TURN], "tools": [{"name": "t", "parameters": {}}] * MANY}),
    "OpenAI's parts": ("/v1/chat/completions", spoken(SAID)),
    "OpenAI's calls": (
        "/v1/chat/completions",
        spoken({name: CALL[name] for name in ("id", "function")}, "assistant", "tool_calls"),
    ),
    "OpenAI's older functions": ("/v1/chat/completions", {"messages": [TURN], "functions": [{"name": "t"}] * MANY}),
    "items": ("/v1/responses", {"input": [THOUGHT] * MANY}),
    "parts of an item": (
        "/v1/responses",
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": "a"}] * MANY}]},
    ),
    "Anthropic's blocks": ("/v1/messages", spoken(SAID) | {"max_tokens": 1}),
    "Anthropic's system": ("/v1/messages", {"messages": [TURN], "max_tokens": 1, "system": [SAID] * MANY}),
    "Anthropic's blocks in a result": (
        "/v1/messages",
        {
            "messages": [
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": [SAID] * MANY}]}
            ]
        },
    ),
    "Anthropic's tools": (
        "/v1/messages",
        {"messages": [TURN], "tools": [{"name": "t", "input_schema": {}}] * MANY},
    ),
    "blocks to be counted": ("/v1/messages/count_tokens", spoken(USE, "assistant")),
    "the AI SDK's parts": ("/ai/chat", {"messages": [{"role": "assistant", "parts": [UI_CALL] * MANY}]}),
    "a single message's parts": ("/ai/chat", {"message": {"role": "user", "parts": [SAID] * MANY}}),
    "the AI SDK 4's calls": ("/ai/v4/chat", spoken(V4_CALL, "assistant", "toolInvocations")),
    "a text's messages": ("/ai/text", {"messages": [{"role": "user", "parts": [SAID] * MANY}]}),
    "an object's messages": ("/ai/object", {"messages": [TURN] * MANY}),
}


@pytest.mark.parametrize("kind", BODIES)
def test_more_pieces_than_a_body_may_have_are_refused(service: Service, kind: str) -> None:
    path, body = BODIES[kind]
    answer = send(service.url + path, body)
    assert answer.status == 400
    assert f"The body has more than {MAX_ITEMS} items" in answer.body.decode()


KINDS = {"/api/chat": ChatBody, "/v1/chat/completions": ChatCompletionBody, "/v1/responses": ResponseBody}
KINDS |= {"/v1/messages": MessagesBody, "/v1/messages/count_tokens": MessagesBody}


@pytest.mark.parametrize("kind", BODIES)
def test_fewer_are_read(kind: str) -> None:
    path, body = BODIES[kind]
    few = json.dumps(body).encode()
    read = msgspec.json.decode(json.dumps(halved(body)).encode(), type=KINDS.get(path, dict[str, Any]))
    assert not has_too_many_items(read, len(few))


def halved(value: Any) -> Any:
    if isinstance(value, list):
        return [halved(item) for item in value[: max(1, len(value) // 3)]]
    return {name: halved(item) for name, item in value.items()} if isinstance(value, dict) else value


def test_a_schema_is_one_piece_however_large_it_is() -> None:
    schema = {"properties": {f"p{number}": {"anyOf": [{}] * 10} for number in range(MANY)}}
    body = {"messages": [TURN], "tools": [{"name": "t", "parameters": schema}]}
    assert not has_too_many_items(body, len(json.dumps(body)))


def calls_of(work: Callable[[], object]) -> int:
    """Return how often functions are called in something, Python's own included."""
    counted = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


def test_the_thoughts_of_one_response_cost_what_they_are_many() -> None:
    few, many = ({"input": [THOUGHT] * count} for count in (100, 800))
    body_of_few, body_of_many = (msgspec.convert(fields, ResponseBody) for fields in (few, many))
    calls_for_few = calls_of(lambda: to_chat_request(body_of_few, few))
    assert calls_of(lambda: to_chat_request(body_of_many, many)) < 12 * calls_for_few


def parsed(body: dict[str, Any]) -> ChatRequest:
    """Return the request of a body, whose protocol its fields tell."""
    if "input" in body:
        return to_chat_request(msgspec.convert(body, ResponseBody), body)
    if "max_tokens" in body:
        return messages_request(msgspec.convert(body, MessagesBody), body, {})
    return completion_request(msgspec.convert(body, ChatCompletionBody), body)


def built(request: ChatRequest) -> list[Any]:
    """Return the bodies of a request for providers of all kinds, and for those of its own in its own words."""
    bodies: list[Any] = [
        chat_body(request, is_official=True), chat_body(request, is_official=False),
        response_body(request, is_official=True), messages_body(request),
    ]  # fmt: skip
    source = request.source
    assert source is not None
    match source.family:
        case "openai-chat":
            return [*bodies, chat_body(request, is_official=True, source=source)]
        case "openai-responses":
            return [*bodies, response_body(request, source, is_official=True)]
        case _:
            return [*bodies, messages_source_body(request, source)]


def called(number: int) -> dict[str, Any]:
    return {"id": f"c{number}", "type": "function", "function": {"name": "t", "arguments": "{}"}}


def of_size(count: int) -> dict[str, dict[str, Any]]:
    """Return requests with many pieces, each in an order or a form that asks for much."""
    results = [{"role": "tool", "tool_call_id": f"c{number}", "content": "x"} for number in range(count)]
    uses = [{**USE, "id": f"c{number}"} for number in range(count)]
    used = [{"type": "tool_result", "tool_use_id": f"c{number}", "content": "x"} for number in range(count)]
    calls = [
        {"type": "function_call", "call_id": f"c{number}", "name": "t", "arguments": "{}"} for number in range(count)
    ]
    outputs = [{"type": "function_call_output", "call_id": f"c{number}", "output": "x"} for number in range(count)]
    answer = {"role": "assistant", "content": None, "tool_calls": [called(number) for number in range(count)]}
    return {
        "results in the other order": {"messages": [TURN, answer, *reversed(results)]},
        "answers without an end": {"messages": [TURN, answer, *[{"role": "assistant", "content": "a"}] * count]},
        "questions before a result": {"messages": [TURN, answer, *[TURN] * count, *results]},
        "uses": {
            "max_tokens": 1,
            "messages": [
                TURN, {"role": "assistant", "content": uses}, {"role": "user", "content": used[::-1]}, *[TURN] * count,
            ],
        },
        "tools, one of them named": {
            "max_tokens": 1,
            "messages": [TURN],
            "tools": [{"name": f"t{number}", "input_schema": {}} for number in range(count)],
            "tool_choice": {"type": "tool", "name": "t1"},
        },
        "outputs in the other order": {"input": [*calls, *reversed(outputs)]},
        "texts between calls": {
            "input": [piece for call in calls for piece in (call, {"role": "assistant", "content": "a"})] + outputs
        },
        "unknown items before an output": {"input": [calls[0], *[{"type": "z"}] * count, outputs[0]]},
        "namespaces": {
            "input": "a",
            "tools": [
                {"type": "namespace", "name": f"n{number}", "tools": [{"type": "function", "name": "t"}]}
                for number in range(count)
            ],
        },
    }  # fmt: skip


@pytest.mark.parametrize("kind", of_size(1))
def test_many_pieces_cost_what_they_are_many(kind: str) -> None:
    few, many = of_size(100)[kind], of_size(800)[kind]
    calls_for_few = calls_of(lambda: parsed(few))
    assert calls_of(lambda: parsed(many)) < 12 * calls_for_few
    read_few, read_many = parsed(few), parsed(many)
    calls_for_few = calls_of(lambda: built(read_few))
    assert calls_of(lambda: built(read_many)) < 12 * calls_for_few


def test_the_long_name_of_a_namespace_is_not_repeated_for_each_of_its_functions() -> None:
    functions = [{"type": "function", "name": f"t{number}"} for number in range(10)]
    tools = [{"type": "namespace", "name": "n" * 257, "tools": functions}]
    with pytest.raises(InvalidRequest, match=r"tools\[0\] is invalid: Expected `str` of length <= 256 - at `name`"):
        parsed({"input": "a", "tools": tools})
    assert not flat_names(tools)


@pytest.mark.parametrize("asked", [{"messages": [TURN]}, {"input": "a"}, {"messages": [TURN], "max_tokens": 1}])
def test_some_names_of_what_is_left_out_are_enough(asked: dict[str, Any]) -> None:
    source = parsed({**asked, **{f"x{number}": 1 for number in range(1000)}}).source
    assert source is not None
    assert len(source.unread) == 200


class Name(str):
    """A name that counts how often one is compared with another."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        Name.compared += 1
        return super().__eq__(other)

    __hash__ = str.__hash__


@pytest.mark.parametrize("count", [100, 1000])
def test_the_names_of_tools_are_compared_a_few_times_each(count: int) -> None:
    Name.compared = 0
    tools = tuple([Tool(Name(f"t{number}"), None, {}) for number in range(count)])
    assert validation_error(ChatRequest("m", (Message("user", "a"),), tools=tools)) is None
    assert Name.compared < 10 * count
