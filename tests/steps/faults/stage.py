"""An application with tools under gunicorn that writes down what they do, and windows in which to end its answers.

A window is a moment in the life of an answer with steps, at which it stands still until it is ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.answers.stage import Told, settings_for
from tests.support.host import Host
from tests.support.reader import QUESTION, Reading, send
from tests.support.upstream import Gate, ToolCall, Upstream, openai_wire, script

HOST = """
import os
import gevent
from flask import Flask, g, request
from flask_headrace import Headrace, ToolContext, tool
from msgspec import json as msgjson

app = Flask(__name__)
app.secret_key = "key"
app.config["HEADRACE_EMBEDDED"] = False
TOLD = os.environ["TOLD"]


def write(kind, id, **value):
    with open(TOLD, "ab") as file:
        file.write(msgjson.encode({"kind": kind, "id": id, "pid": os.getpid(), **value}) + b"\\n")


@tool
def quick(place: str, *, context: ToolContext) -> dict:
    write("tool", context.stream_id, what="quick")
    return {"found": place}


def wait_for_ever(context):
    g.stream_id = context.stream_id
    write("tool", context.stream_id, what="begun")
    try:
        gevent.sleep(120)
    except BaseException as error:
        write("tool", context.stream_id, what=type(error).__name__, is_stopped=context.is_stopped)
        raise
    finally:
        gevent.sleep(0.05)
        write("tool", context.stream_id, what="finally")


@tool
def wait(*, context: ToolContext) -> None:
    wait_for_ever(context)


@tool(needs_approval=True)
def refund(order: int, *, context: ToolContext) -> None:
    wait_for_ever(context)


@tool(needs_approval=True)
def pay(order: int, *, context: ToolContext) -> str:
    write("tool", context.stream_id, what="paid")
    return f"paid {order}"


headrace = Headrace(
    app, url_prefix="/assistant", tools=[quick, wait, refund, pay],
    authorize=lambda: request.headers.get("X-User", "somebody"),
)


@app.teardown_appcontext
def close(_):
    if "stream_id" in g:
        write("closed", g.stream_id)


@headrace.on_end
def save(answer):
    write("answer", answer.id, **{k: v for k, v in msgjson.decode(msgjson.encode(answer, enc_hook=float)).items()
                                  if k not in {"id", "kind", "pid"}})


@app.get("/healthz")
def health():
    return "ok"
"""

HEADERS = {"X-User": "alice", "Content-Type": "application/json"}
CALL = ToolCall("c1", "quick", ('{"place"', ':"Ulm"}'))


@dataclass
class Open:
    """An answer in a window: its reading, and the names of the requests to the model that are open."""

    reading: Reading
    stream_id: str
    model: str
    open_request: int | None

    def rest(self) -> bytes:
        return b"".join(self.reading.chunks())


def begin(host: Host, model: str, conversation: Any = QUESTION, **fields: Any) -> tuple[Reading, str]:
    body = {"messages": conversation, "model": f"openai/{model}", **fields}
    reading = Reading(host.url + "/assistant/api/chat", body, headers=HEADERS)
    return reading, reading.response().getheader("Headrace-Stream-Id")


def before_the_call(host: Host, upstream: Upstream, told: Told, model: str, **fields: Any) -> Open:
    piece, rest = openai_wire.tool_call(0, CALL)[:2], openai_wire.tool_call(0, CALL)[2:]
    upstream.answer(
        model, script(openai_wire.HEAD, openai_wire.opening(), openai_wire.text("so "), *piece, Gate(model), *rest)
    )
    reading, stream_id = begin(host, model, **fields)
    reading.until(b'"name":"quick"')
    return Open(reading, stream_id, model, 0)


def in_the_call(host: Host, upstream: Upstream, told: Told, model: str, **fields: Any) -> Open:
    upstream.answer(model, openai_wire.answer("so ", ToolCall("c1", "wait", ("{}",)), finish="tool_calls"))
    reading, stream_id = begin(host, model, **fields)
    host.wait_until(lambda: told.about(stream_id, "tool"))
    reading.until(b'"arguments":{}')
    return Open(reading, stream_id, model, None)


def between_the_steps(host: Host, upstream: Upstream, told: Told, model: str, **fields: Any) -> Open:
    first = openai_wire.answer("so ", CALL, finish="tool_calls")
    upstream.answer(model, [first, script(Gate(model))])
    reading, stream_id = begin(host, model, **fields)
    reading.until(b"event: step")
    upstream.wait_for(lambda: upstream.requests(model)[1].at_gate)
    return Open(reading, stream_id, model, 1)


def in_the_second_step(host: Host, upstream: Upstream, told: Told, model: str, **fields: Any) -> Open:
    first = openai_wire.answer("so ", CALL, finish="tool_calls")
    second = script(openai_wire.HEAD, openai_wire.opening(), openai_wire.text("it is"), Gate(model))
    upstream.answer(model, [first, second])
    reading, stream_id = begin(host, model, **fields)
    reading.until(b"it is")
    return Open(reading, stream_id, model, 1)


def in_the_approved_call(host: Host, upstream: Upstream, told: Told, model: str, **fields: Any) -> Open:
    conversation = asked_for(host, upstream, told, model, "refund")
    reading, stream_id = begin(host, model, conversation, **fields)
    host.wait_until(lambda: told.about(stream_id, "tool"))
    return Open(reading, stream_id, model, None)


def asked_for(host: Host, upstream: Upstream, told: Told, model: str, tool: str) -> list[Any]:
    """Let a model call a tool that must be approved, and return the conversation with the approval."""
    upstream.answer(model, openai_wire.answer("so ", ToolCall("c1", tool, ('{"order":5}',)), finish="tool_calls"))
    reading, stream_id = begin(host, model)
    with reading:
        reading.until(b"[DONE]")
    host.wait_until(lambda: told.about(stream_id))
    [turn] = told.about(stream_id)[0]["messages"]
    turn["tool_calls"][0]["approval"]["approved"] = True
    return [*QUESTION, turn]


Window = Callable[..., Open]

WINDOWS: Mapping[str, Window] = {
    "before the call": before_the_call,
    "in the call": in_the_call,
    "between the steps": between_the_steps,
    "in the second step": in_the_second_step,
    "in the approved call": in_the_approved_call,
}

ROLES = {
    "before the call": ["assistant"],
    "in the call": ["assistant"],
    "between the steps": ["assistant", "tool"],
    "in the second step": ["assistant", "tool", "assistant"],
    "in the approved call": [],
}
"""The messages of the answer so far."""


def settings(upstream: Upstream, told: Told, **more: str) -> dict[str, str]:
    return settings_for(upstream, told) | {
        "HEADRACE_STALL_TIMEOUT": "60",
        "HEADRACE_TOOL_TIMEOUT": "60",
        "HEADRACE_HEARTBEAT": "0.5",  # with it comes the head of a response that has nothing to say yet
        **more,
    }


def check_end(host: Host, upstream: Upstream, told: Told, opened: Open, window: str, end: str, reason: str) -> None:
    """Check what is left of an answer that was ended in a window."""
    host_is_up = host.process.poll() is None
    if host_is_up:
        host.wait_until(lambda: told.about(opened.stream_id))
    [answer] = told.about(opened.stream_id)
    assert (answer["end"], answer["reason"]) == (end, reason)
    assert [message["role"] for message in answer["messages"]] == ROLES[window]
    assert len(answer["usage"]["attempts"]) == (
        0 if window == "in the approved call" else 2 if opened.open_request else 1
    )
    if opened.open_request is None:
        whats = [told_["what"] for told_ in told.about(opened.stream_id, "tool")]
        assert whats == ["begun", "GreenletExit", "finally"]
        assert told.about(opened.stream_id, "tool")[1]["is_stopped"]
        assert len(told.about(opened.stream_id, "closed")) == 1
    else:
        upstream.ended(opened.model, opened.open_request)
    assert len(upstream.requests(opened.model)) == (1 if opened.open_request is None else opened.open_request + 1)


def stop(host: Host, stream_id: str) -> int:
    return send(f"{host.url}/assistant/api/streams/{stream_id}", method="DELETE", headers=HEADERS).status


CALL_THEN_TEXT = [((CALL,), "tool_calls"), (("found it",), "stop")]
"""The pieces and the finish reasons of an answer of two steps."""
