"""`Answer`: numbers with all of their digits, and documents by the rule that readers have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.answers.stage import HOST, Told, answer_of, ask, settings_for
from tests.support.host import Host
from tests.support.reader import send
from tests.support.upstream import Reasoning, ToolCall, Upstream, openai_wire

REMEMBERING = (
    HOST
    + """

@headrace.on_end
def remember(answer):
    app.config["LAST"] = [*answer.question, *answer.messages]


@app.post("/next")
def ask_next():
    said = app.config["LAST"]
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": "red"} for call in said[-1].get("tool_calls", ())
    ] or [{"role": "user", "content": "and then?"}]
    return headrace.stream([*said, *results], model="openai/next", stream=False)
"""
)
NUMBERS = ["1e400", "1.50", "-0", "1E5", "9007199254740993", "123456789012345678901234567890", "0.10000000000000000001"]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(tmp_path_factory.mktemp("told") / "answers")


@pytest.fixture(scope="module")
def host(upstream: Upstream, told: Told, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host(tmp_path_factory.mktemp("host"), REMEMBERING, **settings_for(upstream, told)) as running:
        yield running


@pytest.mark.parametrize("resumable", [False, True])
@pytest.mark.parametrize("number", NUMBERS)
def test_a_call_keeps_its_digits_in_the_next_question(
    host: Host, told: Told, upstream: Upstream, number: str, *, resumable: bool
) -> None:
    upstream.answer("calls", openai_wire.answer(ToolCall("c1", "find", (f'{{"n": {number}}}',))))
    upstream.answer("next", openai_wire.answer("red"))
    sent = ask(host, model="openai/calls", resumable=resumable)
    answer = answer_of(host, told, sent.headers["headrace-stream-id"])
    assert answer["tool_calls"][0]["name"] == "find"
    assert send(host.url + "/next", {}).status == 200
    *_, request = upstream.requests("next")
    assert request.body["messages"][1]["tool_calls"][0]["function"]["arguments"].replace(" ", "") == f'{{"n":{number}}}'


@pytest.mark.parametrize("resumable", ["true", "false"])
@pytest.mark.parametrize("number", NUMBERS)
def test_a_question_may_have_any_number(
    host: Host, told: Told, upstream: Upstream, number: str, resumable: str
) -> None:
    upstream.answer("asked", openai_wire.answer("red"))
    call = f'{{"id":"c1","name":"find","arguments":{{"n":{number}}}}}'
    body = (
        f'{{"model":"openai/asked","resumable":{resumable},"messages":[{{"role":"user","content":"where?"}},'
        f'{{"role":"assistant","tool_calls":[{call}]}},{{"role":"tool","tool_call_id":"c1","content":"red"}}]}}'
    )
    sent = send(host.url + "/assistant/api/chat", body.encode(), headers={"Content-Type": "application/json"})
    assert sent.status == 200
    assert len(answer_of(host, told, sent.headers["headrace-stream-id"])["question"]) == 3


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        '```json\n{"a": 1}\n```',
        'Here it is: {"a": 1} As you wished.',
        '{"a": 1}{"a": 1}',
        '{"a": 1}' + " " * 40_000,
    ],
)
def test_a_document_is_what_readers_have_of_it(host: Host, told: Told, upstream: Upstream, text: str) -> None:
    upstream.answer("document", openai_wire.answer(text))
    sent = ask(host, model="openai/document", schema={"type": "object"})
    assert sent.is_done
    assert answer_of(host, told, sent.headers["headrace-stream-id"])["document"] == {"a": 1}


@pytest.mark.parametrize("text", ['{"a": 1', '{"a": 1}{"a": 2}', "nothing"])
def test_a_text_that_is_no_document_has_none(host: Host, told: Told, upstream: Upstream, text: str) -> None:
    upstream.answer("document", openai_wire.answer(text))
    body = {"model": "openai/document", "messages": [{"role": "user", "content": "hi"}]}
    sent = send(host.url + "/assistant/v1/chat/completions", {**body, "response_format": {"type": "json_object"}})
    answer = answer_of(host, told, sent.headers["headrace-stream-id"])
    assert (answer["end"], answer["document"], answer["text"]) == ("done", None, text)


@pytest.mark.parametrize("resumable", [False, True])
def test_what_the_provider_wants_back_of_its_reasoning_goes_back_with_the_messages(
    host: Host, told: Told, upstream: Upstream, *, resumable: bool
) -> None:
    upstream.answer("next", openai_wire.answer(Reasoning("Let me think."), "Red."))
    answer_of(host, told, ask(host, model="openai/next", resumable=resumable).headers["headrace-stream-id"])
    assert send(host.url + "/next", {}).status == 200
    *_, request = upstream.requests("next")
    assert request.body["messages"][1]["reasoning_content"] == "Let me think."
