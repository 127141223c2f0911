"""A host application's settings under this project's gunicorn.conf.py, which is read before the application."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.test_shutdown import GONE
from tests.support.host import Host
from tests.support.reader import Reading, asking, send
from tests.support.started_service import openai_alone, warm_up
from tests.support.upstream import Gate, Upstream, openai_wire

pytestmark = pytest.mark.slow

HOST = """
from flask import Flask
from flask_headrace import Headrace

app = Flask(__name__)
app.config.update({settings!r}, HEADRACE_EMBEDDED=False)
Headrace(app)
"""


def host(folder: Path, upstream: Upstream, own: dict[str, Any], **environment: str) -> Host:
    settings = {name: value for name, value in openai_alone(upstream).items() if not name.startswith("HEADRACE")}
    return Host(folder, HOST.format(settings=own), **settings, **environment)


@contextlib.contextmanager
def terminated(service: Host, upstream: Upstream, name: str) -> Iterator[Reading]:
    """Send SIGTERM while a stream waits for its model."""
    warm_up(service, upstream, ["openai"])
    upstream.answer(name, openai_wire.answer("one", Gate(name), "two"))
    with asking(service.url, f"openai/{name}") as reading:
        reading.until(b"one")
        service.process.send_signal(signal.SIGTERM)
        yield reading


def test_its_own_drain_is_how_long_its_streams_may_finish(tmp_path: Path, upstream: Upstream) -> None:
    with host(tmp_path, upstream, {"HEADRACE_DRAIN": 1}, HEADRACE_DRAIN="100") as own:
        with terminated(own, upstream, "own drain") as reading:
            assert b'"code":"shutting_down"' in b"".join(reading.chunks())
        assert own.process.wait(GONE) == 0
        assert "HEADRACE_DRAIN" not in own.log()


def test_a_longer_drain_than_gunicorn_waits_for_is_told_and_its_streams_too(tmp_path: Path, upstream: Upstream) -> None:
    with host(tmp_path, upstream, {"HEADRACE_DRAIN": 100}, HEADRACE_DRAIN="0") as own:
        assert "HEADRACE_DRAIN is 100 s in the application" in own.log()
        with terminated(own, upstream, "long drain") as reading:
            assert b'"code":"shutting_down"' in b"".join(reading.chunks())
        assert own.process.wait(GONE) == 0


def test_a_second_worker_is_started_where_its_own_store_is_one_that_both_reach(
    tmp_path: Path, upstream: Upstream
) -> None:
    with host(tmp_path, upstream, {"HEADRACE_STORE": f"sqlite:///{tmp_path}/streams.db", "HEADRACE_DRAIN": 0}) as own:
        own.process.send_signal(signal.SIGTTIN)
        own.wait_until(lambda: len(own.workers()) == 2, 20)


def test_a_second_worker_is_refused_where_its_own_store_is_the_memory_of_the_first(
    tmp_path: Path, upstream: Upstream
) -> None:
    environment = {"HEADRACE_STORE": f"sqlite:///{tmp_path}/streams.db"}
    with host(tmp_path, upstream, {"HEADRACE_STORE": "memory"}, **environment) as own:
        workers = own.workers()
        own.process.send_signal(signal.SIGTTIN)
        own.wait_until(lambda: "No second worker is started" in own.log())
        assert own.workers() == workers


def test_the_limit_of_open_files_is_that_of_its_own_streams(tmp_path: Path, upstream: Upstream) -> None:
    own = host(tmp_path, upstream, {"HEADRACE_MAX_STREAMS": 400}, HEADRACE_MAX_STREAMS="10000")
    own.command = ["bash", "-c", 'ulimit -n 256; exec "$@"', "limited", *own.command]
    with own:
        assert "HEADRACE_MAX_STREAMS is 400, which needs 1064" in own.log()


def test_there_is_a_connection_for_each_of_its_own_streams(tmp_path: Path, upstream: Upstream) -> None:
    with (
        host(tmp_path, upstream, {"HEADRACE_MAX_STREAMS": 100}, HEADRACE_MAX_STREAMS="1") as own,
        contextlib.ExitStack() as connected,
    ):
        for _ in range(150):
            connected.enter_context(socket.create_connection(("127.0.0.1", own.port), 5))
        assert send(own.url + "/healthz", method="GET").status == 200
