"""`FakeProvider` behind real servers, and `read_stream` with the responses of client libraries."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import httpx2
import msgspec
import pytest
import requests
from werkzeug.serving import make_server

from flask_headrace.testing import FakeProvider, Pause, Silence, StreamReading, read_stream
from tests.support.host import Host
from tests.support.service import Service
from tests.testing.application import Application, make_application

ANN = {"X-User": "ann"}


@pytest.fixture
def shop() -> Application:
    return make_application(TESTING=True)


@pytest.fixture
def url(shop: Application, provider: FakeProvider) -> Iterator[str]:
    """Serve the application in a thread of this process, as tests with a browser do."""
    assert provider.questions == []
    server = make_server("127.0.0.1", 0, shop.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def urllib_post(url: str, json: dict[str, Any]) -> Any:
    headers = {**ANN, "Content-Type": "application/json"}
    try:
        return urllib.request.urlopen(urllib.request.Request(url, msgspec.json.encode(json), headers), timeout=20)
    except urllib.error.HTTPError as error:
        return error


def httpx_stream(url: str, json: dict[str, Any]) -> Any:
    client = httpx.Client()
    return client.send(client.build_request("POST", url, json=json, headers=ANN), stream=True)


CLIENTS: dict[str, Callable[..., Any]] = {
    "httpx": lambda url, json: httpx.post(url, json=json, headers=ANN),
    "httpx, streamed": httpx_stream,
    "httpx2": lambda url, json: httpx2.post(url, json=json, headers=ANN),
    "requests": lambda url, json: requests.post(url, json=json, headers=ANN, timeout=20),
    "requests, streamed": lambda url, json: requests.post(url, json=json, headers=ANN, timeout=20, stream=True),
    "urllib": urllib_post,
}


@pytest.mark.parametrize("name", CLIENTS)
class TestClients:
    def test_response_is_read(self, provider: FakeProvider, url: str, name: str) -> None:
        provider.answers("one ", Pause(0.02), "two")
        reading = read_stream(CLIENTS[name](url + "/ask", json={}))
        assert (reading.answer.text, reading.answer.is_whole, reading.status) == ("one two", True, 200)
        assert reading.answer.request_id

    def test_error_is_read(self, provider: FakeProvider, url: str, name: str) -> None:
        provider.answers(ConnectionRefusedError("nobody"))
        reading = read_stream(CLIENTS[name](url + "/ask", json={}))
        assert (reading.status, reading.answer.reason) == (502, "upstream_unreachable")

    def test_resumable_stream_is_refused_by_a_server_of_threads(
        self, provider: FakeProvider, url: str, name: str
    ) -> None:
        assert provider.questions == []
        assert read_stream(CLIENTS[name](url + "/ask", json={"resumable": True})).status == 501


FRAMES = b'event: start\ndata: {"id":"s","model":"a/b","provider":"a"}\n\ndata: {"delta":"one"}\n\n'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("name", CLIENTS)
def test_connection_that_is_broken_is_a_cut_answer(name: str) -> None:
    def break_off() -> None:
        connection, _ = listener.accept()
        while not received(connection).endswith(b"{}"):
            pass
        connection.sendall(HEAD + b"%x\r\n%b\r\n" % (len(FRAMES), FRAMES))
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=break_off)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        if "streamed" in name or name == "urllib":
            reading = read_stream(CLIENTS[name](url, json={}))
            assert (reading.answer.end, reading.answer.reason, reading.answer.is_whole) == ("failed", "cut", False)
            assert reading.answer.text == "one"
        else:  # these read the whole body themselves
            with pytest.raises((httpx.TransportError, httpx2.TransportError, requests.RequestException)):
                CLIENTS[name](url, json={})
        thread.join()


def received(connection: socket.socket) -> bytes:
    return connection.recv(65536)


def test_reader_that_leaves_a_server_of_threads_ends_the_stream(
    shop: Application, provider: FakeProvider, url: str
) -> None:
    provider.answers("one", Silence())
    with requests.post(url + "/ask", json={}, headers=ANN, timeout=20, stream=True) as response:
        assert b"one" in next(response.iter_content(None))
    for _ in range(500):
        if shop.told:
            break
        threading.Event().wait(0.02)
    assert [answer.reason for answer in shop.told] == ["reader_left"]


HOSTED = """
from flask import Flask
from flask_headrace import Headrace, ToolCall, Usage
from flask_headrace.testing import FakeProvider, Pause, Silence

app = Flask(__name__)
app.config.update(HEADRACE_MODEL="fake/any")
fake = FakeProvider().answers("one ", Silence()).answers("two ", Pause(0.05), "three", times=None)
headrace = Headrace(app, providers=[fake])


@app.post("/ask")
def ask():
    return headrace.stream([{"role": "user", "content": "hi"}], resumable=True)


@app.get("/asked")
def asked():
    return [question.model for question in fake.questions]
"""


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Host(tmp_path_factory.mktemp("hosted"), HOSTED) as running:
        yield running


def test_under_gunicorn_streams_are_resumed_and_stopped(hosted: Service) -> None:
    stopped = requests.post(hosted.url + "/ask", timeout=20, stream=True)
    stream_url = f"{hosted.url}/api/streams/{stopped.headers['Headrace-Stream-Id']}"
    assert requests.delete(stream_url, timeout=20).status_code == 204
    assert read_stream(stopped).answer.reason == "stopped"

    def read_again(reading: StreamReading) -> StreamReading:
        return read_stream(requests.get(f"{hosted.url}/api/streams/{reading.answer.id}", timeout=20))

    whole = read_stream(requests.post(hosted.url + "/ask", timeout=20))
    assert (whole.answer.text, whole.answer.is_whole) == ("two three", True)
    assert read_again(whole).events == whole.events
    assert set(requests.get(hosted.url + "/asked", timeout=20).json()) == {"any"}
