"""An application with tools that run here, and chats whose models call them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.clients.ai_sdk.node import Chat, ChatState
from tests.support.host import Host
from tests.support.reader import send
from tests.support.upstream import ToolCall, Upstream, openai_wire

HOST = """
import time
from flask import Flask, jsonify, request
from flask_headrace import Headrace, ToolError, tool

app = Flask(__name__)
app.secret_key = "a secret"
runs, released = [], []


def wait(name):
    while name not in released:
        time.sleep(0.01)


@tool
def find(place: str) -> dict:
    "Find a place."
    runs.append(["find", place])
    return {"depth": 3}


@tool
def fail(place: str) -> dict:
    "Fail."
    raise ToolError("There is no mill.")


@tool
def climb(top: str):
    "Climb."
    try:
        yield {"height": 1}
        wait(top)
        yield {"height": 2}
    finally:
        runs.append(["climb", top])


@tool(needs_approval=True)
def refund(order: float, why: str = "") -> str:
    "Refund an order."
    runs.append(["refund", order])
    return f"refunded {why}"


@tool(needs_approval=True)
def slow_refund(order: str):
    "Refund an order slowly."
    try:
        yield "begun"
        yield "begun"
        wait(order)
        yield "refunded"
    finally:
        runs.append(["slow", order])


Headrace(
    app, tools=[find, fail, climb, refund, slow_refund], authorize=lambda: request.headers.get("X-User", "alice")
)


@app.get("/runs")
def show_runs():
    return jsonify(runs)


@app.post("/release/<name>")
def release(name):
    released.append(name)
    return ""


@app.get("/healthz")
def health():
    return ""
"""

CONFIG = """
[models.{name}]
chain = ["openai/{name}-first", "anthropic/{name}-second"]
on_divergence = "restart"
"""
RESCUED = [f"rescued{number}" for number in range(8)]

CLIENTS = {
    "ai5": {}, "ai5 page": {"ai": 5}, "ai6": {"ai": 6}, "ai6 page": {}, "ai7": {"ai": 7}, "ai7 page": {"ai": 7},
}  # fmt: skip
APPROVING = [("ai6", {"ai": 6}), ("ai6 page", {"ai": 6}), ("ai7", {"ai": 7}), ("ai7 page", {"ai": 7})]
ONE_OF_EACH = ["ai5", "ai6", "ai7"]

FIND = ToolCall("c1", "find", ('{"place":', ' "mill"}'))
REFUND = ToolCall("c1", "refund", ('{"order": 7.50, "why": "\\u00e9"}',))


Open = Callable[..., Chat]


def runs(service: Host) -> list[list[Any]]:
    found: list[list[Any]] = json.loads(send(f"{service.url}/runs", method="GET").body)
    return found


def release(service: Host, name: str) -> None:
    assert send(f"{service.url}/release/{name}").status == 200


def model(upstream: Upstream, name: str, *answers: Any) -> str:
    """Let a model answer so, one answer for each request, and return its name."""
    upstream.start_afresh()
    upstream.answer(name, list(answers))
    return f"openai/{name}"


def calling(*calls: ToolCall, text: str = "Let me see.") -> Any:
    return openai_wire.answer(text, *calls, finish="tool_calls")


def asked(upstream: Upstream, name: str) -> list[dict[str, Any]]:
    """Return the messages that the model was last sent."""
    messages: list[dict[str, Any]] = upstream.requests(name)[-1].body["messages"]
    return messages


def told(upstream: Upstream, name: str) -> list[str]:
    """Return the results of tools that the model was last sent."""
    return [message["content"] for message in asked(upstream, name) if message["role"] == "tool"]


def call_of(state: ChatState, type_: str = "tool-refund") -> dict[str, Any]:
    return state.parts(type_)[-1]


def kinds(state: ChatState) -> list[str]:
    return [part["type"] for part in state.last["parts"]]


def has_output(state: ChatState, type_: str) -> bool:
    return bool(state.messages) and any(part.get("output") is not None for part in state.parts(type_))


STEPS = ["step-start", "text", "tool-find", "step-start", "text"]


def waiting(open_chat: Open, upstream: Upstream, client: str, name: str, *further: Any, **options: Any) -> Chat:
    """Open a chat whose model wants to refund an order, and waits for approval."""
    call = options.pop("call", REFUND)
    chat = open_chat(client, model(upstream, name, calling(call), *further), **options)
    shown = chat.send("refund it")
    assert (shown.status, shown.error, call_of(shown, f"tool-{call.name}")["state"]) == (
        "ready", None, "approval-requested",
    )  # fmt: skip
    return chat


def approve(chat: Chat, approved: bool = True, **fields: Any) -> ChatState:
    """Answer the approval that the chat shows, and return what it shows when the answer has come."""
    count = len(chat.state().all["ends"])
    part = [part for part in chat.state().last["parts"] if part.get("state") == "approval-requested"][-1]
    chat.do("approve", id=part["approval"]["id"], approved=approved, **fields)
    chat.wait_for(lambda now: len(now.all["ends"]) > count)
    return chat.wait_until_idle()
