"""Behind a real nginx with `examples/nginx.conf`: tokens, disconnects, resuming over two instances."""

from __future__ import annotations

import http.client
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import require
from tests.streaming.resume.across_workers.conftest import store_url
from tests.streaming.resume.across_workers.stage import (
    WORDS,
    Pair,
    Steady,
    beyond,
    check_whole,
    frames,
    gated,
    numbers,
    read,
    wait_until,
)
from tests.support.reader import Reading, ask, asking, send
from tests.support.service import ROOT, free_port
from tests.support.upstream import Ended, Gate, Hang, Paced, Upstream, openai_wire, script

pytestmark = pytest.mark.slow

AROUND = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
    access_log off;
    gzip on;
    gzip_types text/event-stream;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""


@pytest.fixture(scope="module")
def pair(
    request: pytest.FixtureRequest, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    url = store_url("redis", request, tmp_path_factory)
    with Pair(upstream, url, HEADRACE_DRAIN="8", HEADRACE_TRUSTED_HOSTS="chat.example") as running:
        yield running


@pytest.fixture(scope="module")
def nginx(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of an nginx in front of both instances."""
    program = require("nginx", "apt-get install nginx")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    site = (ROOT / "examples/nginx.conf").read_text().replace("listen 80;", f"listen 127.0.0.1:{port};")
    for number, service in enumerate(pair.services, 1):
        site = site.replace(f"server 127.0.0.1:800{number} ", f"server 127.0.0.1:{service.port} ")
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, site=site))
    log = (folder / "log").open("w+")
    process = subprocess.Popen([program, "-p", folder, "-c", folder / "nginx.conf"], stderr=log)
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: is_up(url, process, Path(log.name)))
    yield url
    process.terminate()
    process.wait(10)
    log.close()


def is_up(url: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        return send(url + "/healthz", method="GET").status == 200
    except OSError:
        return False


@pytest.mark.parametrize("fields", [{}, {"resumable": True}], ids=["plain", "resumable"])
def test_tokens_pass_before_the_next_one_exists(nginx: str, upstream: Upstream, fields: dict[str, bool]) -> None:
    name = f"behind nginx {fields}"
    upstream.answer(name, openai_wire.answer("one", Gate(f"{name} 1"), "two", Gate(f"{name} 2"), "three"))
    with asking(nginx, f"openai/{name}", **fields) as reading:
        reading.until(b'"one"')
        upstream.wait_for(lambda: upstream.requests(name)[0].at_gate == f"{name} 1")
        upstream.open_gate(f"{name} 1")
        reading.until(b'"two"')
        upstream.wait_for(lambda: upstream.requests(name)[0].at_gate == f"{name} 2")
        upstream.open_gate(f"{name} 2")
        reading.until(b"[DONE]")


def test_streams_are_not_compressed_nor_kept(nginx: str, upstream: Upstream) -> None:
    upstream.answer("plain as it is", openai_wire.answer("x" * 5000))
    body = {"model": "openai/plain as it is", "messages": [{"role": "user", "content": "hi"}]}
    answer = send(nginx + "/api/chat", body, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers
    assert answer.headers["cache-control"] == "no-cache, no-transform"
    assert answer.text == "x" * 5000


@pytest.mark.parametrize("how", ["leave", "reset"])
@pytest.mark.parametrize("when", ["before the first token", "in the middle"])
def test_a_reader_that_leaves_closes_the_upstream(nginx: str, upstream: Upstream, how: str, when: str) -> None:
    name = f"left {how} {when}"
    upstream.answer(name, gated(name) if when == "in the middle" else script(Hang()))
    reading = asking(nginx, f"openai/{name}")
    if when == "in the middle":
        reading.response()
        reading.until(b"word 19 ")
    upstream.wait_for(lambda: upstream.requests(name))
    left_at = time.monotonic()
    getattr(reading, how)()
    ended = upstream.ended(name)
    assert ended.ended is Ended.ABORTED
    assert ended.ended_at - left_at < 2


def test_a_page_is_let_in_by_the_name_that_is_allowed(nginx: str) -> None:
    for name, status in (("chat.example", 404), ("evil.example", 403)):
        headers = {"Host": name, "Origin": f"http://{name}", "Sec-Fetch-Site": "same-origin"}
        assert send(nginx + "/api/streams/none", method="GET", headers=headers).status == status


def test_a_stop_reaches_the_instance_that_fills_the_stream(nginx: str, pair: Pair, upstream: Upstream) -> None:
    for number in range(4):
        name = f"stopped behind nginx {number}"
        upstream.answer(name, gated(name))
        own = Steady(pair.ask(number % 2, name))
        own.has(b"word 19 ")
        assert send(f"{nginx}/api/streams/{own.id}", method="DELETE").status == 204
        assert upstream.ended(name).ended is Ended.ABORTED
        assert b"event: cancelled" in own.read()


def test_restarting_the_instances_one_after_the_other_loses_nothing(nginx: str, pair: Pair, upstream: Upstream) -> None:
    upstream.answer("rolled", openai_wire.answer(Paced(WORDS, per_second=100, count=700)))
    own = Steady(pair.ask(1, "rolled"))
    got: list[bytes] = []
    readers = [threading.Thread(target=lambda: got.append(persistent(nginx, own.id))) for _ in range(8)]
    for reader in readers:
        reader.start()
    own.has(b"word 50 ")
    # One that only passes it on, then the one that fills it, while it drains.
    for service in pair.services:
        service.process.send_signal(signal.SIGTERM)
        if service is pair.services[0]:
            assert service.process.wait(15) == 0
            service.__enter__()
    whole = own.read(20)
    for reader in readers:
        reader.join(20)
    check_whole(whole)
    assert b"[DONE]" in whole
    assert len(got) == 8
    assert set(got) == {frames(whole)}
    assert len(upstream.requests("rolled")) == 1
    assert pair.services[1].process.wait(15) == 0
    pair.services[1].__enter__()
    assert frames(read(Reading(f"{nginx}/api/streams/{own.id}", method="GET")).body) == frames(whole)


def test_an_instance_that_drains_costs_no_question(nginx: str, pair: Pair, upstream: Upstream) -> None:
    upstream.answer("steady", openai_wire.answer("steady"))
    for number, service in enumerate(pair.services):
        name = f"draining behind nginx {number}"
        upstream.answer(name, gated(name))
        with asking(service.url, f"openai/{name}") as held:
            held.until(b"word 19 ")
            service.process.send_signal(signal.SIGTERM)
            wait_until(lambda service=service: send(service.url + "/readyz", method="GET").status == 503)
            for _ in range(20):
                assert ask(nginx, "openai/steady").text == "steady"
                assert send(nginx + "/readyz", method="GET").status == 200
            assert service.process.poll() is None
            upstream.open_gate(name)
            held.until(b"[DONE]")
        assert service.process.wait(15) == 0
        service.__enter__()


def persistent(url: str, id_: str) -> bytes:
    """Read a stream to its end, and come back with the last number whenever the connection is lost."""
    body = b""
    while not body.endswith(b"data: [DONE]\n\n"):
        headers = {"Last-Event-ID": str(numbers(body)[-1])} if body else {}
        got = b""
        try:
            with Reading(f"{url}/api/streams/{id_}", method="GET", headers=headers) as reading:
                if reading.response().status == 200:
                    for data in reading.chunks():
                        got += data
        except (OSError, http.client.HTTPException):
            pass
        whole, blank, _ = got.rpartition(b"\n\n")
        body += beyond(whole + blank)
        time.sleep(0.05)
    return body
