"""With few open files and many idle connections, new requests are still served."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from flask_headrace.server.gunicorn_worker import SPARE_CONNECTIONS
from tests.support.process_info import accepted
from tests.support.reader import ask, send
from tests.support.service import Service
from tests.support.started_service import openai_alone
from tests.support.upstream import Upstream, openai_wire


@pytest.fixture(scope="module")
def service(upstream: Upstream) -> Iterator[Service]:
    running = Service(**openai_alone(upstream))
    running.command = ["bash", "-c", 'ulimit -n 256; exec "$@"', "limited", *running.command]
    with running:
        yield running


def test_the_start_says_what_the_limit_is_too_low_for(service: Service) -> None:
    log = service.log()
    assert "The limit of open files is 256: a worker serves 96 connections at once" in log
    assert "HEADRACE_MAX_STREAMS is 10000, which needs 20264" in log


def test_the_limit_is_raised_where_it_may_be(upstream: Upstream) -> None:
    running = Service(**openai_alone(upstream), HEADRACE_MAX_STREAMS="400")
    running.command = ["bash", "-c", 'ulimit -S -n 256; exec "$@"', "limited", *running.command]
    with running:
        assert "limit of open files" not in running.log()


@pytest.mark.parametrize("sent", [b"", b"POST /api/chat HTTP/1.1\r\nHost: a\r\n"], ids=["nothing", "half a head"])
def test_connections_that_ask_nothing_keep_nobody_out(service: Service, upstream: Upstream, sent: bytes) -> None:
    upstream.answer("few", openai_wire.answer("a"))
    with ExitStack() as held:
        for number in range(400):
            client = held.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=10))
            client.sendall(sent)
            if number % 100 == 99:
                assert send(service.url + "/healthz", method="GET").status == 200
                assert ask(service.url, "openai/few").text == "a"
    assert "Traceback" not in service.log()


def test_for_each_of_many_who_come_at_once_one_that_asks_nothing_has_to_go(service: Service) -> None:
    (worker,) = service.workers()
    with ExitStack() as held:
        old = [held.enter_context(connection(service)) for _ in range(96 - SPARE_CONNECTIONS)]
        service.wait_until(lambda: accepted(worker, service.port) == len(old))
        os.kill(worker, signal.SIGSTOP)
        try:
            for _ in range(SPARE_CONNECTIONS):
                held.enter_context(connection(service))
        finally:
            os.kill(worker, signal.SIGCONT)
        for client in old[:SPARE_CONNECTIONS]:
            assert client.recv(1) == b""
        assert accepted(worker, service.port) == len(old)


def connection(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=10)
