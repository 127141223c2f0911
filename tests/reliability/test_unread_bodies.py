"""Bodies without an end, sent by who has no key: answered, the connection closed, and nobody else held up."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.reader import send
from tests.service import Service

POST = b"POST /api/chat HTTP/1.1\r\nHost: a\r\nX-Api-Key: a-key-of-the-tests\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS = {
    "chunks of one byte": (CHUNKED, b"1\r\na\r\n" * 2000),
    "large chunks": (CHUNKED, b"ffff\r\n" + b"a" * 65535 + b"\r\n"),
    "a length that nobody waits for": (b"Content-Length: 999999999999\r\n\r\n", b"a" * 65536),
    "a chunk without an end": (CHUNKED + b"fffffffffff\r\n", b"a" * 65536),
}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with Service(HEADRACE_API_KEYS="a-key-of-the-tests") as running:
        yield running


def attack(service: Service, head: bytes, path: str = "/api/chat") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", service.port), timeout=10)
    client.sendall(f"POST {path} HTTP/1.1\r\nHost: a\r\nX-Api-Key: wrong\r\n".encode() + head)
    return client


@contextmanager
def sending(client: socket.socket, piece: bytes) -> Iterator[list[float]]:
    """Send the same again and again, until the other side does not want it any more; give when that was."""
    ended: list[float] = []

    def send_on() -> None:
        try:
            while time.monotonic() < until:
                client.sendall(piece)
        except OSError:
            ended.append(time.monotonic())

    until = time.monotonic() + 20
    thread = threading.Thread(target=send_on, daemon=True)
    thread.start()
    try:
        yield ended
    finally:
        client.close()
        thread.join(10)


def wait_for(condition: Callable[[], object], limit: float = 10.0) -> None:
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("path", ["/api/chat", "/v1/messages", "/nowhere", "/healthz"])
def test_is_answered_and_closed_while_others_are_served(service: Service, kind: str, path: str) -> None:
    head, piece = ENDLESS[kind]
    client = attack(service, head, path)
    with sending(client, piece) as ended:
        while not ended:
            began = time.monotonic()
            assert send(service.url + "/healthz", method="GET").status == 200
            assert time.monotonic() - began < 5  # a worker that reads on is killed
    assert "WORKER TIMEOUT" not in service.log()


@pytest.mark.parametrize("kind", ENDLESS)
def test_the_answer_arrives_although_more_is_sent(service: Service, kind: str) -> None:
    head, piece = ENDLESS[kind]
    with closing(attack(service, head)) as client:
        client.sendall(piece)
        answer = b""
        while data := client.recv(65536):
            answer += data
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert b"\r\nConnection: close\r\n" in answer
        assert answer.endswith(b"}\n")


def test_a_body_that_is_too_long_is_told_so_to_a_client_that_reads_only_when_it_has_sent_it(service: Service) -> None:
    body = b'"' + b"a" * 3_000_000 + b'"'
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
        client.sendall(POST + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_request_that_was_read_keeps_its_connection(service: Service) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
        for _ in range(3):
            client.sendall(POST + b"Content-Length: 2\r\n\r\n{}")
            answer = b""
            while not answer.endswith(b"}\n"):
                answer += client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 400 ")
            assert b"Connection: keep-alive" in answer


def test_many_requests_in_one_piece_let_others_have_their_turn(service: Service) -> None:
    requests = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 200
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client, sending(client, requests):
        threading.Thread(target=read_on, args=(client,), daemon=True).start()
        for _ in range(20):
            began = time.monotonic()
            assert send(service.url + "/healthz", method="GET").status == 200
            assert time.monotonic() - began < 2


def read_on(client: socket.socket) -> None:
    with suppress(OSError):
        while client.recv(1 << 20):
            pass


@pytest.mark.parametrize("worker", ["gevent", "gthread"])
def test_under_gunicorns_own_workers_too(worker: str, tmp_path: Path) -> None:
    (tmp_path / "unpatched.py").write_text("from flask_headrace import create_app\napp = create_app()\n")
    with Stock(worker, tmp_path, HEADRACE_API_KEYS="a-key-of-the-tests") as running:
        for head, piece in ENDLESS.values():
            client = attack(running, head)
            with sending(client, piece) as ended:
                while not ended:
                    assert send(running.url + "/healthz", method="GET").status == 200
        assert "WORKER TIMEOUT" not in running.log()


class Stock(Service):
    """The application under one of gunicorn's own workers, without this project's configuration."""

    def __init__(self, worker: str, folder: Path, **settings: str) -> None:
        super().__init__(**settings)
        (folder / "none.py").touch()
        options = ("-k", worker, "-b", f"127.0.0.1:{self.port}", "--threads", "4", "--no-control-socket")
        where = ("-c", str(folder / "none.py"), "--pythonpath", str(folder))
        self.command = [sys.executable, "-m", "gunicorn", *where, *options, "unpatched:app"]

    def __exit__(self, *raised: object) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)  # a thread of such a worker may wait for a body, and the end for it
        self.process.wait()
        self._log.close()
