"""Why a model has ended its answer is told before the end, in every form that the native protocol has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.host import Host
from tests.support.reader import Answer, ask, send
from tests.support.service import Service
from tests.support.started_service import openai_alone
from tests.support.upstream import Reasoning, ToolCall, Upstream, openai_wire

REASONS = ["length", "content_filter"]
SCHEMA = {"type": "object", "properties": {"mill": {"type": "string"}}, "required": ["mill"]}

pytestmark = pytest.mark.parametrize("reason", REASONS)


def check_stream(answer: Answer, reason: str) -> None:
    assert answer.named("end") == [{"finish_reason": reason}]
    assert [name for name, _ in answer.frames[-2:]] == ["end", "message"]
    assert answer.is_done


@pytest.mark.parametrize("fields", [{}, {"resumable": True}, {"partials": True}, {"schema": SCHEMA}], ids=str)
def test_in_a_stream_and_in_one_object(service: Service, upstream: Upstream, reason: str, fields: dict) -> None:
    name = f"{reason} {sorted(fields)}"
    upstream.answer(name, openai_wire.answer(Reasoning("Hm."), '{"mill": "', 'Salz"}', finish=reason))
    check_stream(ask(service.url, f"openai/{name}", **fields), reason)
    whole = ask(service.url, f"openai/{name}", **fields, stream=False)
    assert (whole.status, whole.json["finish_reason"]) == (200, reason)


def test_of_an_answer_without_a_word(service: Service, upstream: Upstream, reason: str) -> None:
    upstream.answer(f"no word {reason}", openai_wire.answer(finish=reason))
    check_stream(ask(service.url, f"openai/no word {reason}"), reason)
    assert ask(service.url, f"openai/no word {reason}", stream=False).json["finish_reason"] == reason


def test_to_a_reader_who_comes_back_whatever_that_reader_has(service: Service, upstream: Upstream, reason: str) -> None:
    upstream.answer(f"back {reason}", openai_wire.answer("a", "b", finish=reason))
    whole = ask(service.url, f"openai/back {reason}", resumable=True)
    url = f"{service.url}/api/streams/{whole.headers['headrace-stream-id']}"
    last = int(whole.body.rpartition(b"id: ")[2].partition(b"-")[0])
    for cursor in range(last):
        check_stream(send(url, method="GET", headers={"Last-Event-ID": str(cursor)}), reason)


def test_of_a_document_that_was_cut_in_words(service: Service, upstream: Upstream, reason: str) -> None:
    upstream.answer(f"document {reason}", openai_wire.answer('{"mill": "Sal', finish=reason))
    answer = ask(service.url, f"openai/document {reason}", schema=SCHEMA)
    if reason == "content_filter":  # a refusal in words is not meant to be a document
        check_stream(answer, reason)
        return
    (error,) = answer.named("error")
    assert error["code"] == "answer_invalid"
    assert "truncated at max_tokens" in error["message"]


TOOLS = """
from flask import Flask
from flask_headrace import Headrace

app = Flask(__name__)


def turns_of(mill: str) -> int:
    '''Return how often a mill turns.'''
    return 7


Headrace(app, tools=[turns_of])
"""


def test_of_the_last_step_of_an_answer_with_tools(upstream: Upstream, reason: str, tmp_path: Path) -> None:
    steps = [
        openai_wire.answer(ToolCall("c1", "turns_of", ('{"mill": "x"}',)), finish="tool_calls"),
        openai_wire.answer("Seven", finish=reason),
    ]
    with Host(tmp_path, TOOLS, **openai_alone(upstream)) as host:
        for fields in ({}, {"resumable": True}):
            name = f"tools {reason} {len(fields)}"
            upstream.answer(name, steps)
            check_stream(ask(host.url, f"openai/{name}", **fields), reason)
        upstream.answer(f"tools {reason}", steps)
        assert ask(host.url, f"openai/tools {reason}", stream=False).json["finish_reason"] == reason
