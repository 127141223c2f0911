"""Agents at the limits of their streams and of their worker: they wait for slow readers, and end with the worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_headrace import Headrace
from tests.support.host import Host
from tests.support.reader import Reading, send

HOST = """
import asyncio
from pathlib import Path

from flask import Flask
from flask_headrace import Headrace

app = Flask(__name__)
app.config.update(HEADRACE_EMBEDDED=False, HEADRACE_MODEL="openai/none", HEADRACE_BUFFER=4096)
headrace = Headrace(app)
ends = Path(__file__).with_name("ends")
yielded = []


async def endless():
    while True:
        yielded.append(1)
        yield "x" * 100_000


async def lasting():
    try:
        yield "begins"
        await asyncio.sleep(3600)
    finally:
        await asyncio.to_thread(ends.write_text, "cleaned up")


async def deaf():
    yield "begins"
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass


@app.get("/yielded")
def health():
    return {"yielded": len(yielded)}


async def counts():
    for number in range(40):
        await asyncio.sleep(0.01)
        yield f"{number} "


@app.post("/<name>")
def stream(name):
    return headrace.stream_from(globals()[name]())


@app.post("/resumable/<id>")
def resumable(id):
    return headrace.stream_from(counts(), resumable=True, id=id, owner="")
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with Host(tmp_path, HOST, OPENAI_API_KEY="-", HEADRACE_DRAIN="0.2") as running:
        yield running


def yielded(host: Host) -> int:
    return send(host.url + "/yielded", method="GET").json["yielded"]


def test_an_agent_waits_for_a_reader_that_does_not_read(host: Host) -> None:
    with Reading(host.url + "/endless") as reading:
        reading.until(b"x")
        before, since = yielded(host), time.monotonic()
        while time.monotonic() - since < 0.5:  # unchanged for half a second: neither the kernel nor we take more
            if (now := yielded(host)) != before:
                before, since = now, time.monotonic()
        reading.until(b"x" * 100_000)
        host.wait_until(lambda: yielded(host) > before or not reading.until(b"x" * 100_000))


def test_an_agent_cleans_up_when_its_worker_ends(host: Host) -> None:
    with Reading(host.url + "/lasting") as reading:
        reading.until(b"begins")
        assert host.stop() == 0
        assert b"shutting_down" in reading.until(b"error")
    assert host.module.with_name("ends").read_text() == "cleaned up"


def test_a_worker_ends_although_an_agent_does_not(host: Host) -> None:
    with Reading(host.url + "/deaf") as reading:
        reading.until(b"begins")
        assert host.stop() == 0


def test_an_agent_of_a_resumable_stream_goes_on_without_its_reader(host: Host) -> None:
    with Reading(host.url + "/resumable/an-agent-of-forty") as reading:
        reading.until(b'"3 "')
    answer = send(host.url + "/resumable/an-agent-of-forty")
    assert (answer.text, answer.is_done) == ("".join(f"{number} " for number in range(40)), True)


@pytest.mark.parametrize(
    ("options", "end"),
    [
        ({}, b"data: [DONE]\n\n"),
        ({"protocol": "text"}, b'{"place": "here"}'),
        ({"protocol": "openai", "stream": False}, b'"finish_reason":"stop"'),
        ({"schema": {"type": "object", "required": ["place"]}}, b"data: [DONE]\n\n"),
        ({"schema": {"type": "object", "required": ["time"]}}, b"schema"),
    ],
)
def test_flasks_test_client_gets_an_agents_answer_in_each_form(options: dict[str, Any], end: bytes) -> None:
    app = Flask(__name__)
    app.config.update(HEADRACE_EMBEDDED=False, HEADRACE_MODEL="openai/none")
    headrace = Headrace(app)

    async def answer() -> object:
        yield '{"place": '
        yield '"here"}'

    @app.post("/")
    def view() -> object:
        return headrace.stream_from(answer(), **options)

    for _ in range(2):
        assert end in app.test_client().post("/").data
