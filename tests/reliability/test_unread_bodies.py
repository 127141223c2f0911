"""Endless bodies of clients without a key: they get a response, the connection closes, and no other client waits."""

from __future__ import annotations

import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import gevent
import pytest
from gunicorn.config import Config
from gunicorn.http import message
from gunicorn.http.body import ChunkedReader

from flask_headrace.core.errors import ConfigurationError
from flask_headrace.server.gunicorn_worker import ClientSocket, Worker
from flask_headrace.server.start_checks import check_before_start
from tests.support.reader import send
from tests.support.service import Service

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
    """Send the same bytes repeatedly until the server closes the connection; return the time."""
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


BROKEN = {
    "a chunk without a size": b"x\r\na\r\n",
    "a chunk that is longer than it says": b"1\r\naa\r\n",
    "an extension without an end": b"1;" + b"a" * 65536,
    "an extension that is none": b"1;=\r\na\r\n0\r\n\r\n",
    "trailers without an end": b"0\r\n" + b"X-A: a\r\n" * 200_000,
    "a trailer that is none": b"0\r\n:\r\n\r\n",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_body_that_is_broken_is_told_so_in_a_sentence(service: Service, kind: str) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
        client.sendall(POST + CHUNKED)
        with suppress(OSError):  # it may have seen enough
            client.sendall(BROKEN[kind])
        answer = b""
        with suppress(ConnectionResetError):
            while data := client.recv(65536):
                answer += data
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"The body broke off, or is not in chunks as HTTP/1.1 has them: " in answer
    assert "Traceback" not in service.log()


@pytest.mark.parametrize("size", [3_000_000, 15_000_000])
def test_a_body_that_is_too_long_is_told_so_to_a_client_that_reads_only_when_it_has_sent_it(
    service: Service, size: int
) -> None:
    body = b'{"messages": [{"role": "user", "content": "' + b"a " * (size // 2) + b'"}]}'
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


def test_others_have_their_turn_after_each_piece_that_was_sent_ahead() -> None:
    here, there = socket.socketpair()
    with here, closing(ClientSocket(there.family, there.type, there.proto, fileno=there.detach())) as client:
        here.sendall(b"a" * 10)
        turns: list[int] = []
        other = gevent.spawn(lambda: [(turns.append(number), gevent.sleep(0)) for number in range(20)])
        for _ in range(10):
            assert client.recv(1) == b"a"
        assert len(turns) >= 9  # the first piece is the whole request of most clients
        other.kill()


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
    """The application under one of gunicorn's own worker classes, without this project's configuration."""

    def __init__(self, worker: str, folder: Path, **settings: str) -> None:
        super().__init__(**settings)
        (folder / "none.py").touch()
        options = ("-k", worker, "-b", f"127.0.0.1:{self.port}", "--threads", "4", "--no-control-socket")
        where = ("-c", str(folder / "none.py"), "--pythonpath", str(folder))
        self.command = [sys.executable, "-m", "gunicorn", *where, *options, "unpatched:app"]

    def stop(self, _how: signal.Signals = signal.SIGTERM, limit: float = 20) -> int:
        """Stop with SIGTERM only: gthread's handler of SIGQUIT takes a lock that the worker may hold."""
        return super().stop(signal.SIGTERM, limit)


class Moved(ChunkedReader):
    """A chunked reader as another version of gunicorn might have it, with another name for the remaining chunks."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.chunks = self.__dict__.pop("parser")

    def read(self, size: int) -> bytes:
        self.parser = self.chunks
        try:
            return super().read(size)
        finally:
            self.chunks = self.__dict__.pop("parser")


def test_a_gunicorn_whose_bodies_are_of_another_kind_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config()
    config.set("worker_class", Worker)
    check_before_start(config, "host:app", None)
    monkeypatch.setattr(message, "ChunkedReader", Moved)
    with pytest.raises(ConfigurationError, match="stores request bodies in a different way"):
        check_before_start(config, "host:app", None)
