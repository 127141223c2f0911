"""An application that writes down what it is told of answers, and what tests read of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.host import Host
from tests.support.reader import QUESTION, send
from tests.support.upstream import Upstream

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


def settings_for(upstream: Upstream, told: Told) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": upstream.url + "/v1",
        "OPENAI_API_KEY": "sk-test-openai",
        "ANTHROPIC_BASE_URL": upstream.url,
        "ANTHROPIC_API_KEY": "sk-test-anthropic",
        "TOLD": str(told.path),
        "HEADRACE_STORE_STREAM": "100000",
    }


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
