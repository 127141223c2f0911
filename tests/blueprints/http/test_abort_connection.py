"""Over HTTP/1.0 a response ends with its connection: an incomplete response ends with a reset, with each server."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import require
from tests.reliability.servers import PYWSGI, UWSGI, UWSGI_GEVENT
from tests.support.reader import QUESTION, Reading, asking, send
from tests.support.service import Service, environment, free_port
from tests.support.started_service import openai_alone
from tests.support.upstream import Burst, Gate, Reset, Script, Upstream, openai_wire

GUNICORN = ("gunicorn", "-b", "127.0.0.1:{port}", "--no-control-socket", "hosting:app")
FLASK = ("flask", "--app", "hosting", "run", "--port", "{port}")
SERVERS = {
    "gevent": (*GUNICORN, "-k", "gevent"),
    "gthread": (*GUNICORN, "--threads", "4"),
    "flask run": FLASK,
    "flask run without threads": (*FLASK, "--without-threads"),
    "gevent.pywsgi": ("pywsgi", "{port}"),
    "uWSGI": ("uwsgi_server", "--http-socket", "127.0.0.1:{port}", "--module", "hosting:app", *UWSGI_GEVENT),
}
NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass {url}; }}
    }}
}}
"""
HOSTING = """
from flask_headrace import create_app
from flask_headrace.blueprints.open_stream import open_stream
from flask_headrace.blueprints.http.stream_response import stream_response
from flask_headrace.providers.chat_request import ChatRequest, Message
from flask_headrace.blueprints.ai_sdk.text_encoder import PlainTextEncoder

app = create_app()


class FailingEncoder(PlainTextEncoder):
    def encode(self, events, first_id=None, id_suffix=b""):
        raise ValueError("a bug of ours")


@app.post("/mistaken/<model>")
def mistaken(model):
    chat_request = ChatRequest("", (Message("user", "hi"),))
    return stream_response(open_stream(f"openai/{model}", chat_request, owner=""), FailingEncoder())
"""
TEXT, OBJECT, COMPLETION = "/ai/text", "/ai/object", "/ai/v4/completion"


class Served(Service):
    """The service under another server, without its own configuration and patches."""

    def __init__(self, folder: Path, command: tuple[str, ...], **settings: str) -> None:
        super().__init__(**settings)
        self._folder = folder
        self._command = [word.format(port=self.port) for word in command]

    def __enter__(self) -> Served:
        self.process = subprocess.Popen(
            [sys.executable, "-m", *self._command],
            cwd=self._folder,
            env=environment(**self.settings),
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.wait_until(self._is_up, 30)
        return self


@pytest.fixture(scope="module")
def servers(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Served]]:
    """All servers, started and stopped concurrently."""
    folder = tmp_path_factory.mktemp("hosting")
    (folder / "hosting.py").write_text(HOSTING)
    (folder / "pywsgi.py").write_text(PYWSGI.replace("hosted", "hosting"))
    (folder / "uwsgi_server.py").write_text(UWSGI)
    found = {name: Served(folder, command, **openai_alone(upstream)) for name, command in SERVERS.items()}
    with ThreadPoolExecutor() as pool:
        list(pool.map(Served.__enter__, found.values()))
        yield found
        list(pool.map(lambda server: server.__exit__(None, None, None), found.values()))


@pytest.fixture(params=["our worker", *SERVERS])
def served(request: pytest.FixtureRequest, service: Service, servers: dict[str, Served]) -> Service:
    return servers.get(request.param, service)


class Old:
    """A request in HTTP/1.0, as a plain `proxy_pass` makes it."""

    def __init__(
        self, url: str, body: Any = None, *, method: str = "POST", version: str = "1.0", receives: int | None = None
    ) -> None:
        parts = urlsplit(url)
        self._socket = socket.socket()
        if receives is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        self._socket.settimeout(20)
        self._socket.connect((parts.hostname, parts.port))
        sent = b"" if body is None else json.dumps(body).encode()
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        head = f"{method} {path} HTTP/{version}\r\nHost: localhost\r\nContent-Length: {len(sent)}\r\n\r\n"
        self._socket.sendall(head.encode() + sent)
        self.got = b""

    def until(self, wanted: bytes) -> Old:
        while wanted not in self.got:
            data = self._socket.recv(65536)
            assert data, f"it ended without {wanted!r}: {self.got!r}"
            self.got += data
        return self

    def ends(self) -> str:
        """Read to the end, and return `closed` (a complete response) or `reset`."""
        try:
            while data := self._socket.recv(65536):
                self.got += data
        except ConnectionResetError:
            return "reset"
        finally:
            self._socket.close()
        return "closed"


def body(path: str, model: str) -> dict[str, Any]:
    return {"model": f"openai/{model}", "prompt": "hi"}


@pytest.mark.parametrize("path", [TEXT, OBJECT, COMPLETION])
def test_a_whole_answer_ends_in_good_order(served: Service, upstream: Upstream, path: str) -> None:
    upstream.answer("whole", openai_wire.answer('{"a": ', '"one"}'))
    reading = Old(served.url + path, body(path, "whole"))
    assert reading.ends() == "closed"
    assert b"one" in reading.got


@pytest.mark.parametrize("path", [TEXT, OBJECT, COMPLETION])
def test_an_answer_that_breaks_off_resets_the_connection(served: Service, upstream: Upstream, path: str) -> None:
    name = f"broken {path} {served.port}"
    upstream.answer(name, openai_wire.answer('{"a": "one', Gate(name), Reset()))
    reading = Old(served.url + path, body(path, name)).until(b"one")
    upstream.open_gate(name)
    assert reading.ends() == "reset"


def test_one_whose_protocol_has_a_word_for_that_ends_in_good_order(served: Service, upstream: Upstream) -> None:
    upstream.answer("told", openai_wire.failing_after(2))
    reading = Old(served.url + "/api/chat", {"model": "openai/told", "messages": QUESTION})
    assert reading.ends() == "closed"
    assert b"event: error" in reading.got


@pytest.mark.parametrize(
    "script", [openai_wire.answer("Whole."), openai_wire.failing_after(2)], ids=["whole", "broken"]
)
def test_what_is_given_in_one_piece_says_how_long_it_is(served: Service, upstream: Upstream, script: Script) -> None:
    upstream.answer("one piece", script)
    reading = Old(served.url + "/api/chat", {"model": "openai/one piece", "messages": QUESTION, "stream": False})
    assert reading.ends() == "closed"
    head, _, body = reading.got.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head.lower().split(b"\r\n")


def test_a_server_may_answer_in_http_1_0_whatever_it_is_asked(servers: dict[str, Served], upstream: Upstream) -> None:
    upstream.answer("older", openai_wire.failing_after(2))
    url = servers["flask run without threads"].url
    reading = Old(url + TEXT, body(TEXT, "older"), version="1.1")
    assert reading.ends() == "reset"
    assert reading.got.startswith(b"HTTP/1.0 200")


def test_one_that_breaks_off_at_once_does_too(served: Service, upstream: Upstream) -> None:
    upstream.answer("no document", openai_wire.answer('{"a": b}'))
    assert Old(served.url + OBJECT, body(OBJECT, "no document")).ends() == "reset"


def test_a_mistake_before_the_first_byte_is_a_status_that_ends_in_good_order(
    servers: dict[str, Served], upstream: Upstream
) -> None:
    upstream.answer("mistaken", openai_wire.answer("one"))
    reading = Old(servers["gevent"].url + "/mistaken/mistaken", {})
    assert reading.ends() == "closed"
    assert reading.got.startswith(b"HTTP/1.0 500")
    assert b"The log has the details" in reading.got


def test_the_reset_is_no_line_in_the_log(served: Service, upstream: Upstream) -> None:
    before = len(served.log())  # another test's encoder fails, and the log says so
    upstream.answer("quiet", openai_wire.failing_after(2))
    before = len(served.log())  # another test's mistake is logged with its stack
    assert Old(served.url + TEXT, body(TEXT, "quiet")).ends() == "reset"
    log = served.log()[before:]
    assert "Traceback" not in log
    assert "Socket error" not in log


def test_a_text_that_is_stopped_is_reset(service: Service, upstream: Upstream) -> None:
    upstream.answer("stopped text", openai_wire.answer("one", Gate("never")))
    with asking(service.url, "openai/stopped text", resumable=True) as reading:
        id_ = reading.response().getheader("Headrace-Stream-Id")
        text = Old(f"{service.url}/api/streams/{id_}?protocol=text", method="GET").until(b"one")
        assert send(f"{service.url}/api/streams/{id_}", method="DELETE").status == 204
        assert text.ends() == "reset"


@pytest.fixture
def hasty(upstream: Upstream) -> Iterator[Service]:
    with Service(**openai_alone(upstream), HEADRACE_CLIENT_TIMEOUT="0.5") as running:
        yield running


def test_a_reader_that_was_too_slow_and_one_whose_worker_dies_are_reset(hasty: Service, upstream: Upstream) -> None:
    upstream.answer("long", openai_wire.answer(Burst(openai_wire.text("x" * 1000), 20_000)))
    slow = Old(hasty.url + TEXT, body(TEXT, "long"), receives=4096).until(b"x")
    hasty.wait_until(lambda: '"reason":"reader_stalled"' in hasty.log())
    assert slow.ends() == "reset"
    upstream.answer("killed", openai_wire.answer("one", Gate("killed")))
    reading = Old(hasty.url + TEXT, body(TEXT, "killed")).until(b"one")
    os.kill(hasty.workers()[0], signal.SIGKILL)
    assert reading.ends() == "reset"


@pytest.fixture
def nginx(service: Service, tmp_path: Path) -> Iterator[str]:
    """Return the URL of an nginx with the default proxy protocol, HTTP/1.0."""
    program, port = require("nginx", "apt-get install nginx"), free_port()
    (tmp_path / "nginx.conf").write_text(NGINX.format(folder=tmp_path, port=port, url=service.url))
    process = subprocess.Popen([program, "-p", tmp_path, "-c", tmp_path / "nginx.conf"])
    service.wait_until(lambda: is_up(f"http://127.0.0.1:{port}"))
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


def is_up(url: str) -> bool:
    try:
        return send(url + "/healthz", method="GET").status == 200
    except OSError:
        return False


def test_who_reads_through_a_plain_proxy_pass_sees_that_a_text_was_cut(nginx: str, upstream: Upstream) -> None:
    upstream.answer("proxied whole", openai_wire.answer("one", "two"))
    assert send(nginx + TEXT, body(TEXT, "proxied whole")).body == b"onetwo"
    upstream.answer("proxied", openai_wire.answer("one", Gate("proxied"), Reset()))
    with Reading(nginx + TEXT, body(TEXT, "proxied")) as reading:
        assert reading.until(b"one") == b"one"
        upstream.open_gate("proxied")
        with pytest.raises(http.client.IncompleteRead):
            list(reading.chunks())
