"""Structured output over the native protocol, from the request to a client that resumes."""

from __future__ import annotations

import http.client
import json

import msgspec
import pytest

from flask_headrace.core.partial_json import Patch, apply
from tests.support.reader import Answer, Reading, ask, asking, send
from tests.support.service import Service
from tests.support.upstream import Gate, ToolCall, Upstream, openai_wire

SCHEMA = {"type": "object", "properties": {"mill": {"type": "string"}}, "required": ["mill"]}
TEXT = ('{"mi', 'll": "Sa', "lzm\\u00fch", 'le"}')


def document_of(answer: Answer, call: int | None = None) -> object:
    """Return the document that the `partial` frames of an answer build."""
    document = msgspec.UNSET
    for frame in answer.named("partial"):
        if frame.get("call") == call:
            document = apply(document, msgspec.convert(frame["ops"], list[Patch]))
    return document


def test_the_provider_is_told_the_schema_and_the_document_grows(service: Service, upstream: Upstream) -> None:
    upstream.answer("structured", openai_wire.answer(*TEXT))
    answer = ask(service.url, "openai/structured", schema=SCHEMA)
    sent = upstream.requests("structured")[-1].body["response_format"]
    assert sent == {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
    assert answer.text == "".join(TEXT)
    assert document_of(answer) == {"mill": "Salzmühle"}
    assert answer.is_done


def test_what_does_not_fit_is_a_failure_and_no_done(service: Service, upstream: Upstream) -> None:
    upstream.answer("unfit", openai_wire.answer('{"mill": 7}'))
    answer = ask(service.url, "openai/unfit", schema=SCHEMA)
    assert answer.text == '{"mill": 7}'
    (error,) = answer.named("error")
    assert error["code"] == "answer_invalid"
    assert 'at $.mill, 7 is not of type "string"' in error["message"]
    assert not answer.is_done
    assert answer.named("usage")[0]["output_tokens"] == 2


AROUND = [
    ("", "\n```\n"),
    ("Sure:\n```json\n", "\n```\nThat is [all], is it?"),
    ("", "\nThat is all."),
    ("", ' {"mill":"Salzm\\u00fchle"}'),
    ("Here: ", '\n\nAgain:\n```json\n{ "mill": "Salzm\\u00fchle" }\n```'),
]


@pytest.mark.parametrize(("before", "after"), AROUND)
def test_what_stands_around_the_document_is_none_of_it(
    service: Service, upstream: Upstream, before: str, after: str
) -> None:
    upstream.answer("around", openai_wire.answer(*before, *TEXT, *after))
    answer = ask(service.url, "openai/around", schema=SCHEMA)
    assert answer.is_done
    assert document_of(answer) == {"mill": "Salzmühle"}
    assert ask(service.url, "openai/around", schema=SCHEMA, stream=False).json["document"] == {"mill": "Salzmühle"}
    sent = send(f"{service.url}/ai/object", {"model": "openai/around", "prompt": "hi", "schema": SCHEMA})
    assert sent.body.decode().strip() == "".join(TEXT)


@pytest.mark.parametrize(
    ("before", "after"), [('Maybe {"mill": "wrong"}? No: ', ""), ("", ' {"mill": "Salz"}'), ("", "}")]
)
def test_two_documents_are_a_failure(service: Service, upstream: Upstream, before: str, after: str) -> None:
    upstream.answer("two", openai_wire.answer(before, *TEXT, after))
    answer = ask(service.url, "openai/two", schema=SCHEMA)
    (error,) = answer.named("error")
    assert error["code"] == "answer_invalid"
    assert ("A second document differs from the first one" if after != "}" else "the end of the text") in error[
        "message"
    ]
    assert not answer.is_done
    whole = ask(service.url, "openai/two", schema=SCHEMA, stream=False)
    assert (whole.status, whole.error["code"]) == (502, "answer_invalid")
    with pytest.raises(http.client.IncompleteRead):
        send(f"{service.url}/ai/object", {"model": "openai/two", "prompt": "hi", "schema": SCHEMA})


def test_one_object_has_the_document_and_a_failure_the_text(service: Service, upstream: Upstream) -> None:
    upstream.answer("structured-whole", openai_wire.answer(*TEXT))
    assert ask(service.url, "openai/structured-whole", schema=SCHEMA, stream=False).json["document"] == {
        "mill": "Salzmühle"
    }
    upstream.answer("cut", openai_wire.answer('{"mill": "Sal', finish="length"))
    failed = ask(service.url, "openai/cut", schema=SCHEMA, stream=False)
    assert (failed.status, failed.error["code"]) == (502, "answer_invalid")
    assert "truncated at max_tokens" in failed.error["message"]
    assert (failed.json["text"], failed.json["document"]) == ('{"mill": "Sal', {"mill": "Sal"})


@pytest.mark.parametrize(
    "schema",
    [{"type": "mill"}, {"properties": 7}, {"patternProperties": 7}, {"$schema": 5}, {"items": {"$ref": "#/$defs/a"}}],
)
def test_what_is_no_schema_is_a_400_before_anything_is_asked(service: Service, upstream: Upstream, schema) -> None:
    answer = ask(service.url, "openai/never-asked", schema=schema)
    assert (answer.status, answer.error["code"]) == (400, "invalid_request")
    assert "schema" in answer.error["message"]
    assert upstream.requests("never-asked") == []


def test_the_arguments_of_a_call_grow_where_one_asks_for_it(service: Service, upstream: Upstream) -> None:
    called = openai_wire.answer(ToolCall("c1", "find", ('{"q": "mi', 'll"}')), finish="tool_calls")
    upstream.answer("calls", called)
    tools = [{"name": "find"}]
    assert document_of(ask(service.url, "openai/calls", tools=tools, partials=True), 0) == {"q": "mill"}
    assert ask(service.url, "openai/calls", tools=tools).named("partial") == []


def test_who_comes_back_is_told_the_document_so_far(service: Service, upstream: Upstream) -> None:
    upstream.answer("resumed", openai_wire.answer(*TEXT[:2], Gate("rest"), *TEXT[2:]))
    with asking(service.url, "openai/resumed", schema=SCHEMA, resumable=True) as reading:
        stream_id = reading.response().getheader("Headrace-Stream-Id")
        reading.until(b"Sa")
    url = f"{service.url}/api/streams/{stream_id}?last_event_id=3"
    with Reading(url, method="GET") as again:
        begun = again.until(b"\n\n").decode()
        assert json.loads(begun.split("data: ")[1]) == {"ops": [{"op": "add", "path": "", "value": {"mill": "Sa"}}]}
        upstream.open_gate("rest")
        rest = Answer(200, {}, begun.encode() + b"".join(again.chunks()))
    assert document_of(rest) == {"mill": "Salzmühle"}
    assert document_of(send(url.partition("?")[0], method="GET")) == {"mill": "Salzmühle"}
