"""Answers with steps, and models asked in generators, under a server of threads, where nothing is patched."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.serving import make_server

from flask_headrace import tool
from tests.steps.stage import QUESTION, Desk, call
from tests.support.reader import Reading, send

HEADERS = {"Content-Type": "application/json"}


@tool
def nap() -> str:
    time.sleep(0.05)
    return "slept"


@tool
async def later() -> str:
    return "later"


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk(tools=[nap, later])

    @desk.app.post("/generator")
    def generator() -> Any:
        return desk.headrace.stream_from(desk.headrace.ask(QUESTION))

    server = make_server("127.0.0.1", 0, desk.app, threaded=True)
    desk.url = f"http://127.0.0.1:{server.port}"  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield desk
    server.shutdown()
    thread.join()
    server.server_close()


def test_tools_run(desk: Desk) -> None:
    desk.model.answers(call("nap"), call("later", id="c2"), call("steps_of", id="c3", number=2)).answers("ok")
    answer = send(desk.url + "/api/chat", {"messages": QUESTION}, headers=HEADERS)  # type: ignore[attr-defined]
    assert answer.text == "ok"
    assert {data["result"] for data in answer.named("tool") if "result" in data} == {"slept", "later", "two"}


def test_answers_at_once_stay_apart(desk: Desk) -> None:
    desk.model.answers(call("nap"), times=10)
    desk.model.answers("ok", times=None)
    url = desk.url + "/api/chat"  # type: ignore[attr-defined]
    readings = [Reading(url, {"messages": QUESTION, "max_steps": 1}, headers=HEADERS) for _ in range(10)]
    bodies = [b"".join(reading.chunks()) for reading in readings]
    assert all(body.count(b"[DONE]") == 1 for body in bodies)
    assert sum(body.count(b'"result":"slept"') for body in bodies) == 10


def test_a_model_is_asked_in_a_generator(desk: Desk) -> None:
    desk.model.answers("one ", "two")
    answer = send(desk.url + "/generator", {}, headers=HEADERS)  # type: ignore[attr-defined]
    assert answer.text == "one two"
    assert len(answer.named("usage")[0]["attempts"]) == 1
