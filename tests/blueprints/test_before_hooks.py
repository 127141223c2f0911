"""`Headrace.before`: an application changes, answers or refuses questions, in every protocol alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.host import Host
from tests.support.reader import Answer, send
from tests.support.upstream import Upstream, anthropic_wire, openai_wire

HOST = """
from flask import Flask, abort, g, redirect, request
from msgspec import structs
from flask_headrace import Forbidden, HeadraceError, Headrace, Message, Question, TextDelta, ToolCallStarted

app = Flask(__name__)
app.config["HEADRACE_EMBEDDED"] = False
app.config["HEADRACE_MODEL"] = "openai/default"
headrace = Headrace(app, authorize=lambda: request.headers.get("X-User", "somebody"))
seen = []


class Rows:
    opened = closed = 0

    def __init__(self):
        Rows.opened += 1

    def __iter__(self):
        yield from ["row ", "by row"]

    def close(self):
        Rows.closed += 1


@app.get("/rows")
def rows():
    return [Rows.opened, Rows.closed]


class NoCredit(HeadraceError):
    code = "no_credit"
    status = 402


@app.get("/seen")
def all_seen():
    return seen


@app.get("/own")
def own():
    return headrace.stream([{"role": "user", "content": "own"}], model="openai/own", stream=False)


@headrace.before
def look(question):
    seen.append([question.owner, question.protocol, question.endpoint, question.text, question.model])


@headrace.before
def decide(question):
    match question.text:
        case "passages":
            return question.with_system("The mill is red.")
        case "cheaper":
            return question.replace(model="openai/cheap", temperature=0.25, max_tokens=9)
        case "tools":
            return question.replace(tools=(), tool_choice=None)
        case "history":
            return question.replace(messages=[{"role": "user", "content": "before"}, *question.messages])
        case "cached":
            return "from the cache"
        case "pieces":
            return (piece for piece in ["in ", "two"])
        case "credit":
            raise NoCredit("You have no credit left: buy some.")
        case "abort":
            abort(409, "Not at night.")
        case "number":
            return 7
        case "redirect":
            abort(redirect("/login"))
        case "no model":
            return question.replace(model=7)
        case "hot":
            return question.replace(temperature="hot")
        case "no tools":
            return question.replace(tools=[7])
        case "no field":
            return question.replace(temprature=1)
        case "no request":
            return structs.replace(question, request=None)
        case "rows":
            return Rows()
        case "breaks":
            def broken():
                yield "so far "
                raise Forbidden("and no further")
            return broken()


@headrace.before
def last(question):
    seen.append(["last", question.text])
"""

ENDPOINTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "native": ("/api/chat", "headrace_chat.chat", {}),
    "openai": ("/v1/chat/completions", "headrace_openai.complete", {}),
    "openai-responses": ("/v1/responses", "headrace_responses.respond", {}),
    "anthropic": ("/v1/messages", "headrace_anthropic.messages", {"anthropic-version": "2023-06-01"}),
    "ai-sdk": ("/ai/chat", "headrace_ai_sdk.chat", {}),
    "text": ("/ai/text", "headrace_ai_text.text", {}),
}


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    settings = {
        "OPENAI_BASE_URL": upstream.url + "/v1",
        "OPENAI_API_KEY": "sk-test-openai",
        "ANTHROPIC_BASE_URL": upstream.url,
        "ANTHROPIC_API_KEY": "sk-test-anthropic",
    }
    with Host(tmp_path_factory.mktemp("before"), HOST, **settings) as running:
        yield running


def ask(host: Host, protocol: str, text: str, **fields: Any) -> Answer:
    path, _, headers = ENDPOINTS[protocol]
    body: dict[str, Any] = {"model": "openai/asked", **fields}
    match protocol:
        case "openai-responses":
            body["input"] = text
        case "ai-sdk" | "text":
            body["messages"] = [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": text}]}]
            body |= {"id": "c1", "trigger": "submit-message"}
        case "anthropic":
            body |= {"messages": [{"role": "user", "content": text}], "max_tokens": 20}
        case _:
            body["messages"] = [{"role": "user", "content": text}]
    return send(host.url + path, body, headers=headers)


def seen(host: Host) -> list[list[Any]]:
    return list(send(host.url + "/seen", method="GET").json)


@pytest.mark.parametrize("protocol", ENDPOINTS)
def test_a_function_sees_each_question_at_each_endpoint(host: Host, upstream: Upstream, protocol: str) -> None:
    upstream.answer("asked", openai_wire.answer("hi"))
    assert ask(host, protocol, f"hi from {protocol}").status == 200
    assert ["somebody", protocol, ENDPOINTS[protocol][1], f"hi from {protocol}", "openai/asked"] in seen(host)


@pytest.mark.parametrize("protocol", ENDPOINTS)
def test_text_answers_at_once_in_each_protocol_and_no_model_is_asked(
    host: Host, upstream: Upstream, protocol: str
) -> None:
    upstream.answer("asked", openai_wire.answer("from the model"))
    before = len(upstream.requests("asked"))
    answer = ask(host, protocol, "cached")
    assert answer.status == 200
    assert b"from the cache" in answer.body
    assert len(upstream.requests("asked")) == before
    assert ["last", "cached"] not in seen(host)


def test_an_answer_of_the_application_costs_nothing(host: Host) -> None:
    answer = ask(host, "native", "pieces")
    assert (answer.text, answer.is_done) == ("in two", True)
    assert answer.named("usage")[0]["cost"] == 0


def test_an_answer_of_the_application_that_breaks_fails_like_any_other(host: Host) -> None:
    answer = ask(host, "native", "breaks")
    assert answer.text == "so far "
    assert [error["code"] for error in answer.named("error")] == ["forbidden"]


@pytest.mark.parametrize("protocol", ENDPOINTS)
def test_an_error_of_the_application_has_its_status_and_sentence_in_each_protocol(host: Host, protocol: str) -> None:
    refused = ask(host, protocol, "credit")
    assert refused.status == 402
    assert b"You have no credit left: buy some." in refused.body
    aborted = ask(host, protocol, "abort")
    assert aborted.status == 409
    assert b"Not at night." in aborted.body


@pytest.mark.parametrize("protocol", ENDPOINTS)
def test_a_system_message_is_added_for_the_model_alone(host: Host, upstream: Upstream, protocol: str) -> None:
    upstream.answer("asked", openai_wire.answer("red"))
    assert ask(host, protocol, "passages").status == 200
    *_, request = upstream.requests("asked")
    sent = request.body["messages"]
    assert [message["role"] for message in sent] == ["system", "user"]
    assert "The mill is red." in json.dumps(sent[0])


@pytest.mark.parametrize("protocol", ENDPOINTS)
def test_another_model_and_settings_are_asked(host: Host, upstream: Upstream, protocol: str) -> None:
    upstream.answer("cheap", openai_wire.answer("cheap"))
    assert b"cheap" in ask(host, protocol, "cheaper", temperature=1).body
    *_, request = upstream.requests("cheap")
    sent = request.body
    assert sent["temperature"] == 0.25
    assert sent.get("max_tokens", sent.get("max_completion_tokens")) == 9


def test_earlier_turns_may_be_given_as_mappings(host: Host, upstream: Upstream) -> None:
    upstream.answer("asked", openai_wire.answer("hi"))
    assert ask(host, "openai", "history").status == 200
    *_, request = upstream.requests("asked")
    assert [message["content"] for message in request.body["messages"]] == ["before", "history"]


@pytest.mark.parametrize(
    ("protocol", "model", "wire"),
    [
        ("openai", "openai/asked", openai_wire),
        ("anthropic", "anthropic/asked", anthropic_wire),
        ("openai-responses", "openai/asked", openai_wire),
    ],
)
def test_tools_that_the_application_takes_away_do_not_reach_a_provider_of_the_same_protocol(
    host: Host, upstream: Upstream, protocol: str, model: str, wire: Any
) -> None:
    upstream.answer("asked", wire.answer("none"))
    function = {"name": "find", "description": "d", "parameters": {"type": "object"}}
    tools = {
        "openai": {"type": "function", "function": function},
        "openai-responses": {"type": "function", **function},
        "anthropic": {"name": "find", "input_schema": {"type": "object"}},
    }
    assert ask(host, protocol, "tools", model=model, tools=[tools[protocol]]).status == 200
    *_, request = upstream.requests("asked")
    assert "tools" not in request.body


def test_a_view_of_the_application_is_seen_too(host: Host, upstream: Upstream) -> None:
    upstream.answer("own", openai_wire.answer("own"))
    assert send(host.url + "/own", method="GET").status == 200
    assert ["", "native", "own", "own", "openai/own"] in seen(host)


def test_a_repeated_request_for_a_stream_reads_the_first_ones_answer(host: Host, upstream: Upstream) -> None:
    upstream.answer("cheap", openai_wire.answer("cheap"))
    body = {"model": "openai/asked", "messages": [{"role": "user", "content": "cheaper"}], "resumable": True}
    first = send(host.url + "/api/chat", {**body, "id": "a-stream-of-mine-1"})
    again = send(host.url + "/api/chat", {**body, "id": "a-stream-of-mine-1"})
    assert (again.status, again.text) == (200, first.text)
    assert again.body == first.body


def test_another_value_is_an_error_of_the_application(host: Host) -> None:
    answer = ask(host, "native", "number")
    assert answer.status == 500
    assert "decide returned 7: return the question" in host.log()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no model", "question.replace(model=7) has a value of a wrong type: Expected `str | null`, got `int`"),
        ("hot", "question.replace(temperature='hot') has a value of a wrong type: Expected `float | null`, got `str`"),
        ("no tools", "question.replace(tools=[7]) has a value of a wrong type: Expected `object`, got `int`"),
        ("no field", "question.replace(temprature=…): a question has no such field, but model, messages, "),
        ("no request", "decide returned Question(model='openai/asked', request=None"),
    ],
)
def test_a_question_of_wrong_types_is_named_in_the_log(host: Host, text: str, reason: str) -> None:
    assert ask(host, "native", text).status == 500
    assert reason in host.log()


@pytest.mark.parametrize("protocol", ENDPOINTS)
def test_a_redirect_of_the_application_is_no_page_to_a_program(host: Host, protocol: str) -> None:
    answer = ask(host, protocol, "redirect")
    assert answer.status == 401
    assert "location" not in answer.headers
    assert b"The login page of this application is /login" in answer.body


def test_an_answer_of_the_application_is_closed_whether_it_is_read_or_not(host: Host) -> None:
    assert ask(host, "native", "rows").text == "row by row"
    assert ask(host, "native", "rows", model="nobody/small").status == 404
    assert ask(host, "native", "rows", resumable=True, id="short").status == 400
    for _ in range(2):
        assert ask(host, "native", "rows", resumable=True, id="a-stream-of-rows-1").text == "row by row"
    host.wait_until(lambda: send(host.url + "/rows", method="GET").json == [5, 5])
