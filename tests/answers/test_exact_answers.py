"""`on_end` tells all digits of numbers, the document that readers got, and the reasoning that goes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.answers.stage import HOST, Told, answer_of, ask, settings_for
from tests.support.host import Host
from tests.support.reader import QUESTION, send
from tests.support.reasoning_answers import FORMS
from tests.support.upstream import ToolCall, Upstream, openai_wire

EXACT = '{"price": 1.50, "far": 1e400, "id": 9007199254740993}'
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "red"}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(tmp_path_factory.mktemp("told") / "answers")


@pytest.fixture(scope="module")
def host(upstream: Upstream, told: Told, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host(tmp_path_factory.mktemp("host"), HOST, **settings_for(upstream, told)) as running:
        yield running


def answered(host: Host, told: Told, path: str = "/own", **fields: Any) -> dict[str, Any]:
    sent = ask(host, path, **fields)
    assert sent.status == 200, sent.text
    return answer_of(host, told, sent.headers["headrace-stream-id"])


@pytest.mark.parametrize(
    "text", ['Sure:\n```json\n{"mill": 1}\n```\nDone.', '{"mill": 1} {"mill": 1}', ' {"mill": 1}\n']
)
def test_the_document_is_the_one_that_readers_get(host: Host, told: Told, upstream: Upstream, text: str) -> None:
    upstream.answer("noisy", openai_wire.answer(text))
    sent = ask(host, model="openai/noisy", schema={"type": "object"}, stream=False)
    answer = answer_of(host, told, sent.headers["headrace-stream-id"])
    assert answer["document"] == sent.json["document"] == {"mill": 1}


def test_the_numbers_of_a_document_have_their_digits(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("exact", openai_wire.answer(EXACT))
    answer = answered(host, told, model="openai/exact", schema={"type": "object"})
    assert answer["document"] == {"price": 1.5, "far": float("inf"), "id": 9007199254740993}
    assert '"document":{"price":1.50,"far":1e400,' in told.path.read_text()


@pytest.mark.parametrize("resumable", [False, True])
def test_the_numbers_of_calls_have_their_digits_in_the_next_question(
    host: Host, told: Told, upstream: Upstream, *, resumable: bool
) -> None:
    upstream.answer("priced", openai_wire.answer(ToolCall("c1", "find", (EXACT,))))
    chat = f"priced-{resumable}"
    answered(host, told, model="openai/priced", chat=chat, resumable=resumable)
    upstream.answer(chat, openai_wire.answer("Red."))
    ask(host, f"/chats/{chat}", model=f"openai/{chat}", messages=[RESULT])
    (request,) = upstream.requests(chat)
    (call,) = request.body["messages"][1]["tool_calls"]
    assert call["function"]["arguments"].replace(" ", "") == EXACT.replace(" ", "")


@pytest.mark.parametrize("resumable", [False, True])
def test_a_question_with_such_numbers_is_told(host: Host, told: Told, upstream: Upstream, *, resumable: bool) -> None:
    upstream.answer("asked", openai_wire.answer("Red."))
    calls = [{"id": "c1", "name": "find", "arguments": {"price": "PRICE"}}]
    turns = [*QUESTION, {"role": "assistant", "tool_calls": calls}, RESULT]
    body = json.dumps({"messages": turns, "model": "openai/asked", "resumable": resumable}).replace('"PRICE"', "1.50")
    sent = send(host.url + "/assistant/api/chat", body.encode())
    assert sent.status == 200, sent.text
    assert answer_of(host, told, sent.headers["headrace-stream-id"])["question"][1]["tool_calls"][0]["arguments"] == {
        "price": 1.5
    }


def test_the_reasoning_that_goes_back_is_in_the_messages(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("thinks", FORMS["deepseek"].script)
    sent = ask(host, "/own", model="openai/thinks", chat="thoughts", stream=False)
    answer = answer_of(host, told, sent.headers["headrace-stream-id"])
    assert answer["messages"][0]["reasoning_state"] == sent.json["reasoning_state"]
    ask(host, "/chats/thoughts", model="openai/thinks", messages=QUESTION)
    assert upstream.requests("thinks")[1].body["messages"][1]["reasoning_content"] == "Hm."
