"""`headrace.stream` in a view of an application's own: it takes what `POST /api/chat` takes, and does the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.blueprints.native.test_structured_output import document_of
from tests.support.host import Host
from tests.support.reader import QUESTION, Answer, Reading, send
from tests.support.reasoning_answers import CALL as CALLED_FUNCTION
from tests.support.reasoning_answers import FORMS, RESULTS, returned
from tests.support.reasoning_answers import TOOLS as REASONING_TOOLS
from tests.support.upstream import Ended, Gate, ToolCall, Upstream, openai_wire

HOST = """
from flask import Flask, abort, request
from flask_headrace import Headrace, stream_started

app = Flask(__name__)
app.config["HEADRACE_EMBEDDED"] = False
heard = []


def owner_of_this_request():
    return request.headers.get("X-User") or abort(403)


headrace = Headrace(app, url_prefix="/assistant", authorize=owner_of_this_request)
stream_started.connect(lambda app, stream: heard.append(stream.owner), app, weak=False)


@app.get("/healthz")
def health():
    return heard


@app.post("/own")
def own():
    fields = request.get_json()
    if "partials" in fields:  # the endpoint's name of the argument
        fields["stream_tool_arguments"] = fields.pop("partials")
    return headrace.stream(fields.pop("messages"), **fields)


@app.get("/got")
def got():
    messages = [{"role": "user", "content": "hi"}]
    return headrace.stream(messages, model="openai/got", resumable=True)
"""

ALICE, BOB = {"X-User": "alice"}, {"X-User": "bob"}

SCHEMA = {"type": "object", "properties": {"mill": {"type": "string"}}, "required": ["mill"]}
TOOLS = [{"name": "find", "description": "Finds.", "parameters": {"type": "object"}}]


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    settings = {"OPENAI_BASE_URL": upstream.url + "/v1", "OPENAI_API_KEY": "sk-test-openai"}
    with Host(tmp_path_factory.mktemp("host"), HOST, **settings) as running:
        yield running


def own(host: Host, name: str, /, headers: dict[str, str] = ALICE, **fields: Any) -> Answer:
    return send(host.url + "/own", {"messages": QUESTION, "model": f"openai/{name}", **fields}, headers=json(headers))


def endpoint(host: Host, name: str, /, **fields: Any) -> Answer:
    body = {"messages": QUESTION, "model": f"openai/{name}", **fields}
    return send(host.url + "/assistant/api/chat", body, headers=ALICE)


def owning(host: Host, name: str, /, **fields: Any) -> Reading:
    body = {"messages": QUESTION, "model": f"openai/{name}", **fields}
    return Reading(host.url + "/own", body, headers=json(ALICE))


def json(headers: dict[str, str]) -> dict[str, str]:
    return {"Content-Type": "application/json", **headers}


def comparable(answer: Answer) -> tuple[object, ...]:
    """Return what an answer tells, without the id and mark that each has for itself; its documents as in the end."""
    body = answer.body.decode().replace(answer.headers["headrace-stream-id"], "…")
    body = re.sub(r"^(id: \d+)-[0-9a-f]{8}$", r"\1", body, flags=re.MULTILINE)
    blocks = [block for block in body.split("\n\n") if not block.startswith("event: partial")]
    documents = [document_of(answer, call) for call in (None, 0)] if blocks[1:] else []
    return answer.status, blocks, documents


CALL = openai_wire.answer(ToolCall("c1", "find", ('{"q": "mi', 'll"}')), finish="tool_calls")
DOCUMENT = openai_wire.answer('{"mi', 'll": "Sa', 'le"}')


@pytest.mark.parametrize(
    ("fields", "script"),
    [
        ({"system": "Be short."}, openai_wire.answer("Hello")),
        ({"max_tokens": 7, "temperature": 0}, openai_wire.answer("Hello")),
        ({"tools": TOOLS, "tool_choice": "required"}, CALL),
        ({"tools": TOOLS, "tool_choice": {"name": "find"}, "partials": True}, CALL),
        ({"schema": SCHEMA}, DOCUMENT),
        ({"schema": SCHEMA}, openai_wire.answer('{"mill": 7}')),
        ({"schema": SCHEMA, "stream": False}, DOCUMENT),
        ({"resumable": True}, openai_wire.answer("a", "b")),
        ({"resumable": True, "schema": SCHEMA, "system": "Be short."}, DOCUMENT),
    ],
)
def test_each_field_does_what_it_does_at_the_endpoint(host: Host, upstream: Upstream, fields, script) -> None:
    upstream.answer("alike", script)
    assert comparable(own(host, "alike", **fields)) == comparable(endpoint(host, "alike", **fields))
    mine, theirs = upstream.requests("alike")[-2:]
    assert mine.body == theirs.body


@pytest.mark.parametrize(
    "fields",
    [
        {"system": 7},
        {"max_tokens": 0},
        {"temperature": "hot"},
        {"tools": [{"nome": "find"}]},
        {"tool_choice": "always"},
        {"tool_choice": "required"},
        {"schema": {"type": "mill"}},
        {"schema": "mill"},
        {"resumable": "yes"},
        {"resumable": True, "id": "short"},
        {"id": "0123456789abcdef"},
        {"model": "nobody/x"},
        {"messages": []},
        {"messages": [{"role": "nobody", "content": "hi"}]},
    ],
)
def test_what_the_endpoint_refuses_is_refused_in_its_words(host: Host, upstream: Upstream, fields) -> None:
    mine, theirs = own(host, "refused", **fields), endpoint(host, "refused", **fields)
    assert (mine.status, mine.error["code"]) == (theirs.status, theirs.error["code"])
    reasons = [re.sub(r"^The (body|request) [^:]+: ", "", answer.error["message"]) for answer in (mine, theirs)]
    assert reasons[0] == reasons[1]
    assert mine.status in {400, 404}
    assert upstream.requests("refused") == []


def test_further_fields_of_a_question_are_taken_beside_them(host: Host, upstream: Upstream) -> None:
    upstream.answer("further", DOCUMENT)
    assert own(host, "further", system="Be short.", schema=SCHEMA, stop=["."], top_p=0.5, seed=7).is_done
    body = upstream.requests("further")[-1].body
    assert (body["stop"], body["top_p"], body["seed"]) == (["."], 0.5, 7)
    assert [turn["role"] for turn in body["messages"]] == ["system", "user"]
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    for wrong in ({"top_p": 2}, {"stop": 7}, {"stopp": ["."]}, {"schema": SCHEMA, "response_format": {"schema": None}}):
        assert own(host, "further", **wrong).error["code"] == "invalid_request"


def test_a_resumable_stream_is_its_askers_to_follow_and_to_stop(host: Host, upstream: Upstream) -> None:
    upstream.answer("resumed", openai_wire.answer("one", Gate("resumed"), "two"))
    with owning(host, "resumed", resumable=True) as reading:
        id_ = reading.response().getheader("Headrace-Stream-Id")
        before = reading.until(b'"one"}\n\n')
    url = f"{host.url}/assistant/api/streams/{id_}"
    assert send(url, method="GET", headers=BOB).status == 404
    with Reading(url, method="GET", headers={**ALICE, "Last-Event-ID": "1"}) as again:
        assert again.until(b'"one"}\n\n') == before.partition(b"\n\n")[2]
        assert send(url, method="DELETE", headers=BOB).status == 404
        assert send(url, method="DELETE", headers=ALICE).status == 204
        assert b"event: cancelled" in again.until(b"cancelled")
    assert upstream.ended("resumed").ended is Ended.ABORTED


def test_an_owner_of_the_views_choice_goes_before_that_of_the_login(host: Host, upstream: Upstream) -> None:
    upstream.answer("given", openai_wire.answer("one"))
    id_ = own(host, "given", resumable=True, owner="bob").headers["headrace-stream-id"]
    url = f"{host.url}/assistant/api/streams/{id_}"
    assert [send(url, method="GET", headers=who).status for who in (ALICE, BOB)] == [404, 200]


def test_the_login_of_the_endpoints_is_asked_for_resumable_streams_alone(host: Host, upstream: Upstream) -> None:
    upstream.answer("open", openai_wire.answer("one"))
    assert own(host, "open", headers={}).is_done
    assert own(host, "open", headers={}, resumable=True).status == 403
    assert len(upstream.requests("open")) == 1
    assert own(host, "open", resumable=True).is_done
    assert send(host.url + "/healthz", method="GET").json[-2:] == ["", "alice"]


def test_a_question_that_is_sent_again_by_its_id_is_not_asked_again(host: Host, upstream: Upstream) -> None:
    upstream.answer("again", openai_wire.answer("one"))
    first, second = [own(host, "again", resumable=True, id="the-same-question") for _ in range(2)]
    assert first.body == second.body
    assert len(upstream.requests("again")) == 1
    other = own(host, "again", resumable=True, id="the-same-question", system="Be short.")
    assert (other.status, other.error["code"]) == (409, "stream_conflict")


def test_head_of_a_view_that_can_be_resumed_does_not_ask_the_model(host: Host, upstream: Upstream) -> None:
    upstream.answer("got", openai_wire.answer("one"))
    assert send(host.url + "/got", method="HEAD", headers=ALICE).status == 200
    assert send(host.url + "/got", method="GET", headers=ALICE).text == "one"
    assert len(upstream.requests("got")) == 1


class TestAHistory:
    """A conversation that an application keeps, with what the provider wants back of its answers."""

    def turns(self, host: Host, upstream: Upstream, name: str, **fields: Any) -> list[dict[str, Any]]:
        script = FORMS["openrouter, anthropic"].script
        upstream.answer(name, [script, openai_wire.answer("ok")])
        whole = own(host, name, tools=REASONING_TOOLS, stream=False, **fields).json
        answer = {"role": "assistant", "content": whole["text"], "tool_calls": whole["tool_calls"]}
        return [*QUESTION, {**answer, "reasoning_state": whole["reasoning_state"]}, RESULTS[0]]

    @pytest.mark.parametrize("options", [{}, {"stop": ["."], "top_p": 0.5}, {"system": "Be short."}])
    def test_goes_to_the_provider_with_it(self, host: Host, upstream: Upstream, options: dict[str, Any]) -> None:
        turns = self.turns(host, upstream, "history", **options)
        again = own(host, "history", messages=turns, tools=REASONING_TOOLS, **options)
        assert (again.status, again.text) == (200, "ok")
        form, body = FORMS["openrouter, anthropic"], upstream.requests("history")[-1].body
        assert returned(form, body) == (form.wanted, [CALLED_FUNCTION])

    def test_with_a_forged_one_is_refused_by_its_place(self, host: Host, upstream: Upstream) -> None:
        turns = self.turns(host, upstream, "forged")
        for forged in ("", "x", turns[1]["reasoning_state"][:-9], "r1.é"):
            answer = own(host, "forged", messages=[turns[0], {**turns[1], "reasoning_state": forged}, turns[2]])
            assert (answer.status, answer.error["code"]) == (400, "invalid_request")
            assert "messages[1].reasoning_state is " in answer.error["message"]
        for wrong in (1, ["r1."], {}):
            answer = own(host, "forged", messages=[turns[0], {**turns[1], "reasoning_state": wrong}, turns[2]])
            assert (answer.status, "reasoning_state" in answer.error["message"]) == (400, True)
        user = {**QUESTION[0], "reasoning_state": turns[1]["reasoning_state"]}
        assert "only an assistant message" in own(host, "forged", messages=[user]).error["message"]
        assert len(upstream.requests("forged")) == 1
