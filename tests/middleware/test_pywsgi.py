"""gevent.pywsgi, plain and with TLS: its client's socket is watched as gunicorn's is, and its log stays clean."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import require
from tests.reliability.servers import APP
from tests.support.reader import QUESTION, Reading, asking, send
from tests.support.service import Service, environment
from tests.support.started_service import openai_alone
from tests.support.upstream import Ended, Gate, Hang, Head, Upstream, certificate, faults, openai_wire, script

SERVER = """
from gevent import monkey

monkey.patch_all()

import sys

from gevent.pywsgi import WSGIServer
from hosted import app

files = dict(zip(("certfile", "keyfile"), sys.argv[2:]))
WSGIServer(("127.0.0.1", int(sys.argv[1])), app, **files).serve_forever()
"""

LIMIT = 10.0
"""Seconds that a busy machine may need; no heartbeat is sent within this time."""


class PyWSGI(Service):
    """The application under gevent.pywsgi, with TLS if the folder has a certificate."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(HEADRACE_HEARTBEAT="60", **settings)
        (folder / "hosted.py").write_text(APP)
        files = [folder / name for name in (certificate.CERTIFICATE, certificate.CERTIFICATE_KEY)]
        self.context = None
        if files[0].exists():
            self.context = ssl.create_default_context(cafile=str(folder / certificate.AUTHORITY))
        self.folder = folder
        self.command = [sys.executable, "-c", SERVER, str(self.port), *(str(name) for name in files if name.exists())]

    def __enter__(self) -> PyWSGI:
        self.process = subprocess.Popen(
            self.command,
            cwd=self.folder,
            env=environment(**self.settings),
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.wait_until(self._is_up, 30)
        return self

    def connect(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port), LIMIT)
        return client if self.context is None else self.context.wrap_socket(client, server_hostname="127.0.0.1")

    def ask(self, model: str, *, is_streamed: bool = True) -> socket.socket:
        """Send a question over a new connection, which stays open."""
        client = self.connect()
        body = json.dumps({"model": f"openai/{model}", "messages": QUESTION, "stream": is_streamed}).encode()
        head = f"POST /api/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        return client

    def _is_up(self) -> bool:
        try:
            with self.connect() as client:
                client.sendall(b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
                return b" 200 " in client.recv(100)
        except OSError:
            return False


@pytest.fixture(scope="module")
def plain(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PyWSGI]:
    folder = tmp_path_factory.mktemp("plain")
    with PyWSGI(folder, **openai_alone(upstream), HEADRACE_CLIENT_TIMEOUT="1") as running:
        yield running


@pytest.fixture(scope="module")
def secure(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PyWSGI]:
    require("openssl", "apt-get install openssl")
    folder = tmp_path_factory.mktemp("tls")
    certificate.make(folder)
    with PyWSGI(folder, **openai_alone(upstream), HEADRACE_CLIENT_TIMEOUT="1") as running:
        yield running


@pytest.fixture(params=["plain", "secure"])
def server(request: pytest.FixtureRequest) -> Iterator[PyWSGI]:
    running = request.getfixturevalue(request.param)
    yield running
    assert "Traceback" not in running.log()
    assert "Error" not in running.log()


def until(client: socket.socket, wanted: bytes) -> bytes:
    got = b""
    while wanted not in got:
        data = client.recv(65536)
        assert data, f"it ended without {wanted!r}: {got!r}"
        got += data
    return got


@pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("leave", ["close", "shutdown"])
def test_a_reader_that_leaves_closes_the_upstream_without_a_write(server, upstream, leave, is_streamed) -> None:
    name = f"left {server.port} {leave} {is_streamed}"
    upstream.answer(name, script(Head(), openai_wire.opening(), Hang()))
    client = server.ask(name, is_streamed=is_streamed)
    upstream.wait_for(lambda: upstream.requests(name))
    if leave == "shutdown":
        client.shutdown(socket.SHUT_WR)
        assert upstream.ended(name, timeout=LIMIT).ended is Ended.ABORTED
    client.close()
    assert upstream.ended(name, timeout=LIMIT).ended is Ended.ABORTED


def test_a_reader_that_reads_nothing_is_dropped(server: PyWSGI, upstream: Upstream) -> None:
    name = f"stalled {server.port}"
    upstream.answer(name, faults.endless(openai_wire, 500_000_000))
    with server.ask(name):
        assert upstream.ended(name, timeout=LIMIT).ended is Ended.ABORTED


def test_the_connection_serves_the_next_request(server: PyWSGI, upstream: Upstream) -> None:
    upstream.answer("kept", openai_wire.answer("one"))
    kind = http.client.HTTPConnection if server.context is None else http.client.HTTPSConnection
    extra = {} if server.context is None else {"context": server.context}
    connection = kind("127.0.0.1", server.port, timeout=LIMIT, **extra)
    sockets = set()
    for _ in range(3):
        connection.request("POST", "/api/chat", json.dumps({"model": "openai/kept", "messages": QUESTION}))
        sockets.add(connection.sock.getsockname())
        assert b"[DONE]" in connection.getresponse().read()
    connection.close()
    assert len(sockets) == 1


def test_a_pipelined_request_is_no_disconnect_and_is_answered(server: PyWSGI, upstream: Upstream) -> None:
    name = f"piped {server.port}"
    upstream.answer(name, openai_wire.answer("one", Gate(name), "two"))
    with server.ask(name) as client:
        until(client, b"one")
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        time.sleep(0.3)  # long enough for the watcher to have checked again
        assert upstream.requests(name)[0].ended is None
        upstream.open_gate(name)
        assert b"[DONE]" in until(client, b'"status"')


def test_a_reader_that_leaves_behind_a_pipelined_request_is_noticed(plain: PyWSGI, upstream: Upstream) -> None:
    upstream.answer("piped and left", openai_wire.answer("one", Gate("never"), "two"))
    with asking(plain.url, "openai/piped and left") as reading:
        reading.until(b"one")
        reading.sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert upstream.ended("piped and left", timeout=LIMIT).ended is Ended.ABORTED


def test_all_streams_of_readers_that_left_have_ended(plain: PyWSGI) -> None:
    plain.wait_until(lambda: send(plain.url + "/healthz", method="GET").json["streams"] == 0)
    assert Reading(plain.url + "/healthz", method="GET").response().status == 200
