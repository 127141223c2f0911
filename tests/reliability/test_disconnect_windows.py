"""Moments at which a disconnect is hard to notice: before a connection, between attempts, a full socket, TLS, load."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import require, upstreams
from tests.support.process_info import connecting, sockets
from tests.support.reader import QUESTION, ask, asking, send
from tests.support.service import Service
from tests.support.started_service import WIRES, openai_alone, warm_up
from tests.support.upstream import (
    Ended,
    Gate,
    Hang,
    Head,
    Upstream,
    addresses,
    certificate,
    faults,
    openai_wire,
    script,
)

LIMIT = 10.0
"""Seconds that a busy machine may need; all limits of the service are longer. Benchmarks measure the actual time."""


def is_idle(service: Service) -> bool:
    """Whether no stream is open."""
    return send(service.url + "/healthz", method="GET").json["streams"] == 0


class TestBeforeTheUpstreamIsConnected:
    @pytest.fixture(scope="class")
    def waiting(self, upstream: Upstream) -> Iterator[Service]:
        with (
            addresses.unanswering() as url,
            Service(
                **upstreams(upstream) | {"ANTHROPIC_BASE_URL": url}, HEADRACE_CONNECT_TIMEOUT="60", HEADRACE_DRAIN="1"
            ) as running,
        ):
            upstream.answer("warm", openai_wire.answer("warm"))
            running.wait_until(lambda: ask(running.url, "openai/warm").status == 200, 30)
            yield running

    @pytest.mark.parametrize("leave", ["leave", "reset"])
    @pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "whole"])
    def test_the_connecting_ends_and_its_socket_with_it(self, waiting: Service, is_streamed: bool, leave: str) -> None:
        worker = waiting.workers()[0]
        reading = asking(waiting.url, "anthropic/x", stream=is_streamed)
        waiting.wait_until(lambda: connecting(worker) == 1, 30)  # the first one waits for its SDK
        getattr(reading, leave)()
        waiting.wait_until(lambda: connecting(worker) == 0, LIMIT)
        waiting.wait_until(lambda: is_idle(waiting), LIMIT)


class TestDuringARetry:
    @pytest.fixture(scope="class")
    def retrying(self, upstream: Upstream) -> Iterator[Service]:
        with Service(**upstreams(upstream), HEADRACE_MAX_RETRIES="2", HEADRACE_DRAIN="1") as running:
            warm_up(running, upstream)
            yield running

    @pytest.mark.parametrize("status", [429, 500])
    @pytest.mark.parametrize("provider", WIRES)
    def test_no_further_attempt_is_made(self, retrying, upstream, provider, status) -> None:
        name = f"{provider} retried {status}"
        upstream.answer(name, WIRES[provider].error(status, retry_after=20))
        reading = asking(retrying.url, f"{provider}/{name}")
        upstream.ended(name)
        assert send(retrying.url + "/healthz", method="GET").json["streams"] == 1
        reading.leave()
        # The stream has ended, and with it whoever would have asked again.
        retrying.wait_until(lambda: is_idle(retrying), LIMIT)
        assert len(upstream.requests(name)) == 1

    @pytest.mark.parametrize("provider", WIRES)
    def test_the_second_attempt_is_closed(self, retrying, upstream, provider) -> None:
        name = f"{provider} retried and left"
        upstream.answer(name, [WIRES[provider].error(500), script(Gate(name), Hang())])
        reading = asking(retrying.url, f"{provider}/{name}")
        upstream.wait_for(lambda: upstream.requests(name)[1].at_gate, timeout=15)
        reading.leave()
        assert upstream.ended(name, 1, LIMIT).ended is Ended.ABORTED
        assert len(upstream.requests(name)) == 2

    @pytest.mark.parametrize("provider", WIRES)
    def test_a_reader_that_stays_gets_the_answer(self, retrying, upstream, provider) -> None:
        name = f"{provider} retried"
        upstream.answer(name, [WIRES[provider].error(500), WIRES[provider].answer("at last")])
        assert ask(retrying.url, f"{provider}/{name}").text == "at last"
        assert len(upstream.requests(name)) == 2


@pytest.mark.parametrize("leave", ["FIN", "RST"])
@pytest.mark.parametrize(("provider", "wire"), WIRES.items())
def test_a_reader_whose_socket_is_full_leaves(service, upstream, provider, wire, leave) -> None:
    name = f"{provider} full {leave}"
    upstream.answer(name, faults.endless(wire, 500_000_000))
    with asking(service.url, f"{provider}/{name}") as reading:
        reading.response()
        upstream.wait_for(lambda: upstream.requests(name)[0].stalled_for(0.2), timeout=15)
        if leave == "FIN":
            reading.sock.shutdown(socket.SHUT_WR)  # closing a socket that was not read to its end sends an RST
        else:
            reading.reset()
        assert upstream.ended(name, timeout=LIMIT).ended is Ended.ABORTED


@pytest.mark.slow
class TestTwoThousand:
    COUNT = 2000

    @pytest.fixture
    def room(self) -> Iterator[None]:
        """Set the limit of open files, here and in the service that is started."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        needed = self.COUNT * 4
        if hard != resource.RLIM_INFINITY and hard < needed:
            pytest.fail(f"{needed} open files are needed, and {hard} are allowed: ulimit -Hn {needed}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
        yield
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    @pytest.mark.usefixtures("room")
    def test_leave_at_once_and_every_upstream_is_closed(self, upstream: Upstream) -> None:
        upstream.answer("crowd", script(Head(), openai_wire.opening(), openai_wire.text("hi"), Hang()))
        with Service(**openai_alone(upstream), HEADRACE_DRAIN="1") as own:
            readings = [asking(own.url, "openai/crowd") for _ in range(self.COUNT)]
            upstream.wait_for(lambda: upstream.tally("crowd").open == self.COUNT, timeout=60)
            for number, reading in enumerate(readings):
                reading.reset() if number % 2 else reading.leave()
            upstream.wait_for(lambda: upstream.tally("crowd").aborted == self.COUNT, timeout=30)
            own.wait_until(lambda: is_idle(own))
            assert ask(own.url, "openai/crowd2").status == 404


class TlsService(Service):
    """The service with TLS in gunicorn itself."""

    def __init__(self, folder: Path, **settings: str) -> None:
        authority, _ = certificate.make(folder)
        files = (
            "--certfile",
            str(folder / certificate.CERTIFICATE),
            "--keyfile",
            str(folder / certificate.CERTIFICATE_KEY),
        )
        super().__init__(arguments=files, **settings)
        self.url = f"https://127.0.0.1:{self.port}"
        self.context = ssl.create_default_context(cafile=str(authority))

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=5, context=self.context) as response:
            body: bytes = response.read()
            return body

    def _is_up(self) -> bool:
        try:
            return bool(self.get("/healthz"))
        except (urllib.error.URLError, OSError):
            return False


class TestTls:
    @pytest.fixture(scope="class")
    def secure(self, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsService]:
        require("openssl", "apt-get install openssl")
        with TlsService(
            tmp_path_factory.mktemp("tls"), **openai_alone(upstream), HEADRACE_HEARTBEAT="0.5", HEADRACE_DRAIN="1"
        ) as running:
            yield running

    def connect(self, service: TlsService) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", service.port), 10)
        return service.context.wrap_socket(plain, server_hostname="127.0.0.1")

    def ask(self, service: TlsService, model: str) -> ssl.SSLSocket:
        client = self.connect(service)
        body = json.dumps({"model": model, "messages": QUESTION}).encode()
        head = f"POST /api/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        return client

    @pytest.mark.parametrize("place", ["before the head", "between tokens"])
    @pytest.mark.parametrize("goodbye", [True, False], ids=["with a goodbye", "without one"])
    def test_a_reader_that_leaves_is_noticed(self, secure, upstream, place, goodbye) -> None:
        name = f"tls {place} {goodbye}"
        upstream.answer(name, openai_wire.answer(*(["one"] if place == "between tokens" else []), Gate(name)))
        client = self.ask(secure, f"openai/{name}")
        upstream.wait_for(lambda: upstream.requests(name)[0].at_gate, timeout=15)
        if goodbye:
            client.settimeout(0)
            with contextlib.suppress(OSError):  # the alert is sent, and its answer not waited for
                client.unwrap()
        client.close()
        assert upstream.ended(name, timeout=5).ended is Ended.ABORTED

    def test_a_reader_that_stays_gets_all(self, secure, upstream) -> None:
        upstream.answer("tls whole", openai_wire.answer("x" * 300_000, "end"))
        client = self.ask(secure, "openai/tls whole")
        body = b""
        while b"[DONE]" not in body and (data := client.recv(65536)):
            body += data
        assert b'{"delta":"end"}' in body
        assert b"[DONE]" in body
        client.close()

    def test_nothing_of_a_connection_is_kept(self, secure) -> None:
        worker = secure.workers()[0]
        for _ in range(3):
            secure.get("/healthz")
        secure.wait_until(lambda: sockets(worker) > 0)
        before = sockets(worker)
        for _ in range(20):
            secure.get("/healthz")
        secure.wait_until(lambda: sockets(worker) <= before)
