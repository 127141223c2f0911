"""Servers with a thread for each request, allowed 64 open files: what a thread opens for a stream is closed again."""

from __future__ import annotations

import http.client
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.reliability.servers import APP
from tests.support.process_info import descriptors
from tests.support.reader import QUESTION, ask, asking, send
from tests.support.service import Service, children
from tests.support.started_service import openai_alone
from tests.support.upstream import Ended, Hang, Head, Upstream, openai_wire, script

pytestmark = pytest.mark.slow

FILES = 64
REQUESTS = 40
"""More requests than can be served if each leaves two files open."""

THREADS = 2
HIGHEST = 32
"""The most files that a server may have open when it is idle: its own, and for each thread a loop and a connection."""

VIEW = """
@app.get("/async")
async def in_thread():
    return headrace.stream_from(["one"])
"""
FLASK = ("flask", "--app", "hosted", "run", "--port", "{port}")
SERVERS = {
    "flask run": FLASK,
    "flask run --debug": (*FLASK, "--debug"),
    "gthread": (
        *("gunicorn", "-k", "gthread", "--threads", str(THREADS), "-b", "127.0.0.1:{port}"),
        *("--no-control-socket", "hosted:app"),
    ),
    "waitress": ("waitress", "--listen=127.0.0.1:{port}", f"--threads={THREADS}", "hosted:app"),
}


class Limited(Service):
    """The application under a server that may open `FILES` files."""

    def __init__(self, folder: Path, command: tuple[str, ...], **settings: str) -> None:
        super().__init__(**settings)
        (folder / "hosted.py").write_text(APP + VIEW)
        self.folder = folder
        arguments = [word.format(port=self.port) for word in command]
        self.command = ["sh", "-c", f'ulimit -n {FILES}; exec "$@"', "sh", sys.executable, "-m", *arguments]

    def __exit__(self, *_: object) -> None:
        # A SIGINT while gunicorn's thread worker hands a request to a thread makes it wait for itself.
        self.stop(signal.SIGTERM if "gunicorn" in self.command else signal.SIGINT)
        self._log.close()

    def open_files(self) -> int:
        """Return the number of open files of the server's largest process."""
        return max(len(descriptors(pid)) for pid in (self.process.pid, *children(self.process.pid)))


@pytest.fixture(scope="module", params=SERVERS)
def server(
    request: pytest.FixtureRequest, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Limited]:
    upstream.answer("fine", openai_wire.answer("one ", "two"))
    upstream.answer("refused", openai_wire.error(429))
    upstream.answer("silent", script(Head(), openai_wire.opening(), openai_wire.text("one"), Hang()))
    folder = tmp_path_factory.mktemp("limited")
    with Limited(folder, SERVERS[request.param], **openai_alone(upstream), HEADRACE_HEARTBEAT="60") as running:
        assert ask(running.url, "openai/fine").status == 200
        yield running
        assert "Too many open files" not in running.log()


def leave(server: Limited, *, is_streamed: bool) -> int:
    with asking(server.url, "openai/silent", stream=is_streamed) as reading:
        if is_streamed:
            reading.until(b"one")
        else:
            time.sleep(0.01)  # it may leave before the upstream is asked, or after
    return 200


KINDS: dict[str, tuple[int, Callable[[Limited], int]]] = {
    "streams": (200, lambda server: ask(server.url, "openai/fine").status),
    "whole answers": (200, lambda server: ask(server.url, "openai/fine", stream=False).status),
    "refusals": (429, lambda server: ask(server.url, "openai/refused").status),
    "HEAD": (200, lambda server: send(server.url + "/ask/fine", method="HEAD").status),
    "unknown models": (404, lambda server: ask(server.url, "nobody/x").status),
    "async def": (501, lambda server: send(server.url + "/async", method="GET").status),
    "readers that leave": (200, lambda server: leave(server, is_streamed=True)),
    "clients that leave": (200, lambda server: leave(server, is_streamed=False)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_requests_leave_no_file_open(server: Limited, kind: str) -> None:
    status, request = KINDS[kind]
    assert {request(server) for _ in range(REQUESTS)} == {status}
    server.wait_until(lambda: send(server.url + "/healthz", method="GET").json["streams"] == 0)
    server.wait_until(lambda: server.open_files() <= HIGHEST)


def test_many_requests_over_one_connection_leave_no_file_open(server: Limited) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    for number in range(REQUESTS):
        body = {"model": "openai/fine", "messages": QUESTION, "stream": number % 2 == 0}
        connection.request("POST", "/api/chat", json.dumps(body))
        response = connection.getresponse()
        assert (response.status, b"two" in response.read()) == (200, True)
    connection.close()
    server.wait_until(lambda: server.open_files() <= HIGHEST)


def test_a_thread_that_lives_on_keeps_its_connection_to_the_provider(server: Limited, upstream: Upstream) -> None:
    before = upstream.connections.accepted
    for _ in range(10):
        assert ask(server.url, "openai/fine").status == 200
    lives_on = "flask" not in server.command
    accepted = upstream.connections.accepted - before
    assert accepted <= THREADS if lives_on else accepted == 10
    assert all(request.ended is not Ended.ABORTED for request in upstream.requests("fine"))
