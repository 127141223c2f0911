"""Tools of a server under gunicorn with two workers, over real sockets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.mcp.calling import question
from tests.mcp.conftest import progress, results, wait_until
from tests.mcp.processes import ToolServer
from tests.reliability.servers import ServedApplication
from tests.support.reader import Answer, Reading, send

pytestmark = pytest.mark.slow

CODE = """
import os

from flask import Flask

from flask_headrace import Headrace
from flask_headrace.mcp import MCPServer
from tests.mcp.calling import Calling

app = Flask(__name__)
app.config.update(HEADRACE_MODEL="calling/model", HEADRACE_EMBEDDED=False)
Headrace(app, providers=[Calling()], tools=[MCPServer(os.environ["TOOLS"], allow="*")])


@app.get("/worker")
def worker():
    return str(os.getpid())
"""


def serving(folder: Path, tools: ToolServer) -> ServedApplication:
    return ServedApplication(
        folder, "gunicorn -c gunicorn.conf.py", code=CODE, TOOLS=tools.url, WEB_CONCURRENCY="2", HEADRACE_DRAIN="1"
    )


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> ToolServer:
    return ToolServer(tmp_path_factory.mktemp("tools"), "handshake")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, tools: ToolServer) -> Iterator[ServedApplication]:
    with serving(tmp_path_factory.mktemp("host"), tools) as running:
        running.wait_until_up(60)
        yield running


def call(host: ServedApplication, *calls: tuple[str, dict[str, Any]]) -> Answer:
    return send(f"{host.url}/api/chat", {"messages": question(*calls)})


def test_the_life_of_a_server(host: ServedApplication, tools: ToolServer) -> None:
    assert results(call(host, ("whoami", {}))) == {}, host.log()  # the application has no such tool, and answers

    with tools:
        called: list[Answer] = []

        def is_offered_by_both_workers() -> bool:
            with ThreadPoolExecutor(40) as pool:
                called[:] = pool.map(lambda _: call(host, ("whoami", {}), ("count", {"to": 3})), range(40))
            return all(results(answer) for answer in called)

        wait_until(is_offered_by_both_workers, 60)
        found = [results(answer) for answer in called]
        assert len({each[0]["result"] for each in found}) == 1
        assert [each[1] for each in found] == [{"result": 3}] * 40
        assert [len(progress(answer)) for answer in called] == [3] * 40
        assert 1 <= len(tools.seen(method="initialize")) <= 2

    failed = [results(call(host, ("whoami", {}))) for _ in range(4)]
    assert {0: "error: The server of the tool cannot be reached."} in failed

    with tools:
        wait_until(lambda: "result" in str(results(call(host, ("whoami", {})))), 30)


def test_a_reader_that_leaves(tmp_path: Path) -> None:
    with ToolServer(tmp_path) as tools, serving(tmp_path, tools) as host:
        host.wait_until_up(60)
        with Reading(f"{host.url}/api/chat", {"messages": question(("wait", {"seconds": 60}))}) as reading:
            reading.until(b'"call":0')
            wait_until(lambda: tools.seen(tool="wait", began=True))
            began = time.monotonic()
        wait_until(lambda: tools.seen(tool="wait", cancelled=True))
        assert time.monotonic() - began < 10

        body = {"messages": question(("wait", {"seconds": 60}))}
        readings = [Reading(f"{host.url}/api/chat", body) for _ in range(2)]
        wait_until(lambda: len(tools.seen(tool="wait", began=True)) == 3)
        host.stop()
        ends = [b"".join(reading.chunks()) for reading in readings]
        assert [b'"shutting_down"' in end or b'"reason":"shutdown"' in end for end in ends] == [True, True], ends
        wait_until(lambda: len(tools.seen(tool="wait", cancelled=True)) == 3)
