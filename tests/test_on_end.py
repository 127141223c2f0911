"""`on_end`: an application gets each answer once, whole or not, and what readers were sent of it, no more."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.host import Host
from tests.support.reader import QUESTION, Reading, send
from tests.support.upstream import Gate, Reasoning, ToolCall, Upstream, anthropic_wire, openai_wire

HOST = """
import json, os
from flask import Flask, g, request
from flask_headrace import Headrace, ToolCallCompleted, ToolCallStarted, stream_ended, stream_started
from msgspec import json as msgjson

app = Flask(__name__)
app.config["HEADRACE_EMBEDDED"] = False
headrace = Headrace(app, url_prefix="/assistant", authorize=lambda: request.headers.get("X-User", "somebody"))
TOLD = os.environ["TOLD"]


def write(kind, value):
    with open(TOLD, "ab") as file:
        file.write(msgjson.encode({"kind": kind, "pid": os.getpid(), **value}) + b"\\n")


@app.teardown_appcontext
def close(_):
    if "session" in g:
        write("closed", {"id": g.session})


@headrace.on_end
def save(answer):
    g.session = answer.id
    write("answer", msgjson.decode(msgjson.encode(answer)))


@headrace.on_end
def broken(answer):
    if answer.context == "break":
        raise ZeroDivisionError("no such table")


@stream_ended.connect
def ended(sender, stream):
    from flask import current_app
    write("signal", {"id": stream.id, "app": current_app.name, "text": stream.answer.text})


@stream_started.connect
def started(sender, stream):
    write("started", {"id": stream.id})


@app.get("/healthz")
def health():
    return "ok"


@app.post("/own")
def own():
    fields = request.get_json()
    only = fields.pop("only", None)
    called = (lambda answer: write("only", {"id": answer.id, "context": answer.context})) if only else None
    return headrace.stream(fields.pop("messages"), on_end=called, **fields)


@app.get("/generator")
def generator():
    def pieces():
        yield "one "
        yield ToolCallStarted(0, "c1", "find")
        yield ToolCallCompleted(0, {"place": "mill"})
        yield "two"
    return headrace.stream_from(pieces(), chat="c9", owner="gen", context={"any": "value"})
"""


class Told:
    """What the application was told, in the order in which it was told."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self, kind: str = "answer") -> list[dict[str, Any]]:
        lines = self.path.read_bytes().splitlines() if self.path.exists() else []
        return [entry for line in lines if (entry := json.loads(line))["kind"] == kind]

    def about(self, stream_id: str, kind: str = "answer") -> list[dict[str, Any]]:
        return [entry for entry in self.all(kind) if entry["id"] == stream_id]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(tmp_path_factory.mktemp("told") / "answers")


def settings_for(upstream: Upstream, told: Told) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": upstream.url + "/v1",
        "OPENAI_API_KEY": "sk-test-openai",
        "ANTHROPIC_BASE_URL": upstream.url,
        "ANTHROPIC_API_KEY": "sk-test-anthropic",
        "TOLD": str(told.path),
        "HEADRACE_STORE_STREAM": "100000",
    }


@pytest.fixture(scope="module")
def host(upstream: Upstream, told: Told, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host(tmp_path_factory.mktemp("host"), HOST, **settings_for(upstream, told)) as running:
        yield running


def stored_events(path: Path) -> int:
    """Return the number of the last event of the only stream in a SQLite store."""
    with contextlib.closing(sqlite3.connect(path)) as store:
        return int(store.execute("SELECT coalesce(max(last), 0) FROM streams").fetchone()[0])


def answer_of(host: Host, told: Told, stream_id: str) -> dict[str, Any]:
    host.wait_until(lambda: told.about(stream_id))
    (answer,) = told.about(stream_id)
    return answer


def ask(host: Host, path: str = "/assistant/api/chat", **fields: Any) -> Any:
    return send(
        host.url + path,
        {"messages": QUESTION, **fields},
        headers={"X-User": "alice", "Content-Type": "application/json"},
    )


def test_a_whole_answer_is_told_with_what_was_asked(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("whole", openai_wire.answer("The ", "mill."))
    sent = ask(host, model="openai/whole", system="Be short.")
    answer = answer_of(host, told, sent.headers["headrace-stream-id"])
    assert (answer["text"], answer["end"], answer["reason"]) == ("The mill.", "done", "stop")
    assert (answer["owner"], answer["model"], answer["provider"]) == ("alice", "openai/whole", "openai")
    assert (answer["protocol"], answer["request_id"]) == ("native", sent.headers["x-request-id"])
    assert answer["question"] == QUESTION
    assert answer["messages"] == [{"role": "assistant", "content": "The mill."}]
    assert (answer["is_whole"], answer["is_cut"]) == (True, False)
    assert answer["usage"]["output_tokens"] == sent.named("usage")[0]["output_tokens"]
    assert answer["started_at"] < answer["ended_at"]


def test_the_answer_and_the_next_turn_are_the_next_question(host: Host, told: Told, upstream: Upstream) -> None:
    call = ToolCall("c1", "find", ('{"place": ', '"mill"}'))
    upstream.answer("calls", openai_wire.answer("Let me look. ", call))
    first = answer_of(host, told, ask(host, model="openai/calls").headers["headrace-stream-id"])
    (made,) = first["tool_calls"]
    assert (made["name"], made["arguments"]) == ("find", {"place": "mill"})
    result = {"role": "tool", "tool_call_id": made["id"], "content": "red"}
    upstream.answer("next", openai_wire.answer("Red."))
    following = [*first["question"], *first["messages"], result]
    assert ask(host, "/own", model="openai/next", messages=following, stream=False).json["text"] == "Red."
    *_, request = upstream.requests("next")
    assert [message["role"] for message in request.body["messages"]] == ["user", "assistant", "tool"]


@pytest.mark.parametrize(
    ("path", "body", "protocol"),
    [
        ("/v1/chat/completions", {"messages": QUESTION}, "openai"),
        ("/v1/responses", {"input": "hi"}, "openai-responses"),
        ("/v1/messages", {"messages": QUESTION, "max_tokens": 9}, "anthropic"),
        ("/ai/text", {"messages": QUESTION}, "text"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_answers_of_each_protocol_are_told(
    host: Host, told: Told, upstream: Upstream, path: str, body: dict[str, Any], protocol: str, *, stream: bool
) -> None:
    upstream.answer("spoken", openai_wire.answer("in each"))
    fields = {} if path == "/ai/text" else {"stream": stream}
    sent = send(f"{host.url}/assistant{path}", {"model": "openai/spoken", **body, **fields})
    answer = answer_of(host, told, sent.headers["headrace-stream-id"])
    assert (answer["protocol"], answer["text"], answer["is_whole"]) == (protocol, "in each", True)
    assert [message["role"] for message in answer["question"]] == ["user"]


def test_the_signed_reasoning_is_in_the_messages(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("thinks", anthropic_wire.answer(Reasoning("Hm."), "Yes."))
    answer = answer_of(host, told, ask(host, model="anthropic/thinks").headers["headrace-stream-id"])
    assert (answer["reasoning"], answer["text"]) == ("Hm.", "Yes.")
    thought = answer["messages"][0]["content"][0]
    assert (thought["type"], thought["text"], thought["signature"]) == ("reasoning", "Hm.", anthropic_wire.SIGNATURE)


def test_a_refusal_is_told_as_failed(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("refused", openai_wire.error(400))
    sent = ask(host, model="openai/refused")
    answer = answer_of(host, told, sent.headers["headrace-stream-id"])
    assert sent.status == 400
    assert (answer["end"], answer["text"], answer["messages"], answer["is_whole"]) == ("failed", "", [], False)


def test_a_reader_that_leaves_is_told_with_what_it_got(host: Host, told: Told, upstream: Upstream) -> None:
    gate = Gate("left")
    upstream.answer("left", openai_wire.answer("seen ", gate, "never"))
    with Reading(host.url + "/assistant/api/chat", {"messages": QUESTION, "model": "openai/left"}) as reading:
        stream_id = reading.response().getheader("Headrace-Stream-Id")
        reading.until(b"seen ")
    answer = answer_of(host, told, stream_id)
    assert (answer["end"], answer["reason"], answer["text"]) == ("cancelled", "reader_left", "seen ")
    assert (answer["is_whole"], answer["messages"]) == (False, [{"role": "assistant", "content": "seen "}])


def test_what_the_reader_never_took_is_not_in_it(host: Host, told: Told, upstream: Upstream) -> None:
    """The model has finished, and the reader leaves while most of the answer waits for it."""
    pieces = ["x" * 1000] * 3000
    upstream.answer("long", openai_wire.answer(*pieces))
    with Reading(host.url + "/assistant/api/chat", {"messages": QUESTION, "model": "openai/long"}) as reading:
        stream_id = reading.response().getheader("Headrace-Stream-Id")
        reading.until(b"xxx")
    answer = answer_of(host, told, stream_id)
    assert not answer["is_whole"]


def test_an_answer_beyond_the_bound_says_that_it_is_cut(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("huge", openai_wire.answer(*["y" * 1000] * 150))
    sent = ask(host, model="openai/huge")
    assert len(sent.text) == 150_000
    answer = answer_of(host, told, sent.headers["headrace-stream-id"])
    assert (answer["is_cut"], answer["is_whole"], answer["end"]) == (True, False, "done")
    assert 100_000 <= len(answer["text"]) < 150_000


def test_a_stopped_stream_is_told_with_what_came(host: Host, told: Told, upstream: Upstream) -> None:
    gate = Gate("stopped")
    upstream.answer("stopped", openai_wire.answer("so far", gate, "never"))
    body = {"messages": QUESTION, "model": "openai/stopped", "resumable": True}
    with Reading(host.url + "/assistant/api/chat", body) as reading:
        stream_id = reading.response().getheader("Headrace-Stream-Id")
        reading.until(b"so far")
        assert send(f"{host.url}/assistant/api/streams/{stream_id}", method="DELETE").status == 204
    answer = answer_of(host, told, stream_id)
    assert (answer["end"], answer["reason"], answer["text"]) == ("cancelled", "stopped", "so far")


def test_a_document_is_told_as_a_value(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("document", openai_wire.answer('{"mill": ', '"red"}'))
    sent = ask(host, model="openai/document", schema={"type": "object", "properties": {"mill": {"type": "string"}}})
    assert answer_of(host, told, sent.headers["headrace-stream-id"])["document"] == {"mill": "red"}


def test_a_generator_of_the_application_is_told(host: Host, told: Told) -> None:
    sent = send(host.url + "/generator", method="GET")
    answer = answer_of(host, told, sent.headers["headrace-stream-id"])
    assert (answer["text"], answer["chat"], answer["owner"]) == ("one two", "c9", "gen")
    assert answer["context"] == {"any": "value"}
    assert answer["question"] == []
    assert [call["name"] for call in answer["tool_calls"]] == ["find"]


def test_a_function_of_one_view_is_called_for_its_streams_alone(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("only", openai_wire.answer("hi"))
    sent = ask(host, "/own", model="openai/only", only=True, context=[1, 2])
    stream_id = sent.headers["headrace-stream-id"]
    host.wait_until(lambda: told.about(stream_id, "only"))
    assert [entry["context"] for entry in told.about(stream_id, "only")] == [[1, 2]]


def test_one_that_raises_is_logged_and_harms_nobody(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("breaks", openai_wire.answer("hi"))
    sent = ask(host, "/own", model="openai/breaks", context="break", only=True)
    stream_id = sent.headers["headrace-stream-id"]
    host.wait_until(lambda: told.about(stream_id, "signal"))
    assert told.about(stream_id, "only")
    assert f"broken failed for stream {stream_id}" in host.log()
    assert "ZeroDivisionError: no such table" in host.log()


def test_each_call_has_an_application_context_that_ends_with_it(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("context", openai_wire.answer("hi"))
    stream_id = ask(host, model="openai/context").headers["headrace-stream-id"]
    host.wait_until(lambda: told.about(stream_id, "signal"))
    assert len(told.about(stream_id, "closed")) == 1
    assert told.about(stream_id, "signal")[0]["app"] == "hosting"
    assert told.about(stream_id, "signal")[0]["text"] == "hi"


def test_a_context_that_cannot_be_stored_is_refused(host: Host, upstream: Upstream) -> None:
    upstream.answer("deep", openai_wire.answer("hi"))
    sent = ask(host, "/own", model="openai/deep", resumable=True, context="\ud800")
    assert sent.status == 400
    assert "cannot be stored with a resumable stream" in sent.error["message"]


@pytest.mark.slow
def test_the_end_of_a_dead_workers_stream_is_told_once_by_another_worker_though_nobody_asks_for_it(
    upstream: Upstream, tmp_path: Path
) -> None:
    told = Told(tmp_path / "answers")
    upstream.answer("orphaned", openai_wire.answer("so far", Gate("orphaned"), "never"))
    settings = settings_for(upstream, told) | {
        "WEB_CONCURRENCY": "2",
        "HEADRACE_STORE": f"sqlite:///{tmp_path / 'streams.db'}",
    }
    with Host(tmp_path, HOST, **settings) as host:
        body = {
            "messages": QUESTION,
            "resumable": True,
            "model": "openai/orphaned",
            "context": {"row": 7},
            "chat": "c1",
        }
        with Reading(host.url + "/own", body, headers={"Content-Type": "application/json"}) as reading:
            stream_id = reading.response().getheader("Headrace-Stream-Id")
            reading.until(b"so far")
            host.wait_until(lambda: stored_events(tmp_path / "streams.db") >= 2)
            (started,) = told.about(stream_id, "started")
            os.kill(started["pid"], signal.SIGKILL)
        host.wait_until(lambda: told.about(stream_id, "signal"), 60)
        (answer,) = told.about(stream_id)
        assert answer["pid"] != started["pid"]
        assert (answer["end"], answer["reason"], answer["text"]) == ("failed", "worker_lost", "so far")
        assert (answer["context"], answer["chat"], answer["owner"]) == ({"row": 7}, "c1", "somebody")
        assert answer["question"] == QUESTION
        assert answer["messages"] == [{"role": "assistant", "content": "so far"}]
        assert not answer["is_whole"]
        # Whoever asks for it later ends nothing again.
        assert b"worker_lost" in send(f"{host.url}/assistant/api/streams/{stream_id}", method="GET").body
    assert len(told.about(stream_id)) == 1


def test_a_worker_that_shuts_down_waits_for_what_is_told(upstream: Upstream, tmp_path: Path) -> None:
    told = Told(tmp_path / "answers")
    upstream.answer("drained", openai_wire.answer("whole"))
    slow = HOST.replace("    g.session = answer.id\n", "    g.session = answer.id\n    import time; time.sleep(1.5)\n")
    with Host(tmp_path, slow, **settings_for(upstream, told)) as host:
        stream_id = ask(host, model="openai/drained").headers["headrace-stream-id"]
        host.process.send_signal(signal.SIGTERM)
        host.process.wait(20)
    assert [answer["text"] for answer in told.about(stream_id)] == ["whole"]
