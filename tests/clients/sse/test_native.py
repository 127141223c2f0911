"""Clients of the native protocol, as they come from npm, and curl."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from httpx_sse import connect_sse
from sseclient import SSEClient

from tests.clients.ai_data.node import Node
from tests.conftest import require
from tests.support.listener import Listener
from tests.support.reader import QUESTION
from tests.support.service import Service
from tests.support.upstream import Gate, Reasoning, Upstream, openai_wire

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
TEXT = ["Hello", ", wörld", "\n\ndata: no", " 🌍"]


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    running = Node(HERE / "clients.mjs", package="react-native-sse")
    yield running
    running.close()


@pytest.mark.parametrize("client", ["posted", "native", "followed", "fetched"])
def test_gets_every_piece(service: Service, upstream: Upstream, node: Node, client: str) -> None:
    upstream.answer(f"{client} whole", openai_wire.answer(*TEXT))
    assert node.do(client, base=service.url, model=f"openai/{client} whole") == TEXT
    assert len(upstream.requests(f"{client} whole")) == 1


@pytest.mark.parametrize("resumable", [False, True])
def test_with_fetch_reads_resumable_streams_as_well(service, upstream: Upstream, node: Node, resumable: bool) -> None:
    model = f"fetched {resumable}"
    upstream.answer(model, openai_wire.answer(Reasoning("Hm."), *TEXT, finish="length"))
    assert node.do("fetched", base=service.url, model=f"openai/{model}", resumable=resumable) == [*TEXT, "(length)"]


@pytest.mark.parametrize("resumable", [False, True])
def test_the_reader_of_the_protocols_page_reads_every_stream(service, upstream: Upstream, resumable: bool) -> None:
    upstream.answer(f"page {resumable}", openai_wire.answer(Reasoning("Hm."), *TEXT))
    fields = {"messages": QUESTION, "model": f"openai/page {resumable}", "resumable": resumable}
    assert run_reader_of_the_page(service.url + "/api/chat", fields) == ["".join(TEXT), True]


def run_reader_of_the_page(url: str, fields: dict[str, Any]) -> list[Any]:
    """Run the reader in docs/protocol.md, and return its text, and whether the answer was whole."""
    (reader,) = re.findall(r"^```js\n(.*?)^```", (ROOT / "docs/protocol.md").read_text(), re.MULTILINE | re.DOTALL)
    program = reader.replace('"/api/chat"', json.dumps(url)).replace("{ messages }", json.dumps(fields))
    program += "\nconsole.log(JSON.stringify([text, isWhole])); process.exit(0);"
    command = [require("node", "apt-get install nodejs (20 or later)"), "--input-type=module", "-e", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    seen: list[Any] = json.loads(done.stdout)
    return seen


class Slowly(Listener):
    """Answers a request with a body that comes in pieces of one byte."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def serve(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.recv(65536)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for place in range(len(self.body)):
            client.sendall(self.body[place : place + 1])


FRAMES = [
    "id: 1-3f9a0c1e\nevent: start\ndata: {}", ": keep-alive", 'id: 2-3f9a0c1e\ndata: {"delta":"Grüße, "}',
    'event: reasoning\ndata: {"delta":"data: {}"}', 'data: {"delta":"👩‍🚀\\n\\ndata: x"}',
    'event: end\ndata: {"finish_reason":"length"}',
    "id: 4-3f9a0c1e\ndata: [DONE]",
]  # fmt: skip


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("is_cut", [False, True])
def test_the_reader_of_the_protocols_page_reads_every_cut_and_both_line_ends(line_end: str, is_cut: bool) -> None:
    frames = FRAMES[:-1] if is_cut else FRAMES
    with Slowly("".join(frame + "\n\n" for frame in frames).replace("\n", line_end).encode()) as server:
        seen = run_reader_of_the_page(f"http://{server.address}/api/chat", {})
    assert seen == ["Grüße, 👩‍🚀\n\ndata: x", not is_cut]


@pytest.mark.parametrize("client", ["posted", "native", "followed", "fetched"])
@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_is_told_that_an_answer_was_cut(service, upstream: Upstream, node: Node, client: str, reason: str) -> None:
    upstream.answer(f"{client} {reason}", openai_wire.answer(*TEXT, finish=reason))
    seen = node.do(client, base=service.url, model=f"openai/{client} {reason}")
    assert seen == [*TEXT, f"({reason})"]


def httpx_sse(url: str, body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    with httpx.Client() as client, connect_sse(client, "POST", url, json=body) as source:
        yield from ((event.event, event.data) for event in source.iter_sse())


def sseclient_py(url: str, body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    events = SSEClient(requests.post(url, json=body, stream=True, timeout=20)).events()
    yield from ((event.event, event.data) for event in events)


@pytest.mark.parametrize("read", [httpx_sse, sseclient_py])
@pytest.mark.parametrize("fields", [{}, {"resumable": True}], ids=["plain", "resumable"])
def test_pythons_readers_find_the_end_among_the_named_events(service, upstream: Upstream, read, fields) -> None:
    upstream.answer("python", openai_wire.answer(*TEXT, finish="length"))
    body = {"model": "openai/python", "messages": QUESTION, **fields}
    events = list(read(service.url + "/api/chat", body))
    texts = [data for name, data in events if name == "message"]
    assert [json.loads(data)["delta"] for data in texts[:-1]] == TEXT
    assert events[-2:] == [("end", '{"finish_reason":"length"}'), ("message", "[DONE]")]


@pytest.mark.parametrize("client", ["posted", "native", "followed", "fetched"])
def test_gets_a_piece_before_the_next_one_exists(service, upstream: Upstream, node: Node, client: str) -> None:
    upstream.answer(f"{client} gated", openai_wire.answer("one", Gate(f"{client} gated"), "two"))
    task = node.begin(client, base=service.url, model=f"openai/{client} gated")
    assert task.noted.get(timeout=10) == "one"
    upstream.open_gate(f"{client} gated")
    assert task.result(20) == ["one", "two"]


@pytest.mark.parametrize("client", ["posted", "native"])
def test_stops_the_model_by_leaving(service: Service, upstream: Upstream, node: Node, client: str) -> None:
    upstream.answer(f"{client} left", openai_wire.answer("one", Gate(f"{client} left"), "two"))
    assert node.do(client, base=service.url, model=f"openai/{client} left", leaveAt="one") == ["one"]
    upstream.closed(f"{client} left")
    assert len(upstream.requests(f"{client} left")) == 1


@pytest.mark.parametrize("client", ["posted", "native", "fetched"])
def test_tells_a_failure_and_does_not_ask_again(service, upstream: Upstream, node: Node, client: str) -> None:
    upstream.answer(f"{client} refused", openai_wire.error(401))
    with pytest.raises(AssertionError, match="openai refused the request with status 401"):
        node.do(client, base=service.url, model=f"openai/{client} refused")
    assert len(upstream.requests(f"{client} refused")) == 1


@pytest.mark.parametrize("client", ["posted", "native", "followed", "fetched"])
def test_never_takes_a_cut_answer_for_a_whole_one(service, upstream: Upstream, node: Node, client: str) -> None:
    upstream.answer(f"{client} cut", openai_wire.failing_after(2))
    with pytest.raises(AssertionError, match=r"openai failed in the middle|The answer is not whole"):
        node.do(client, base=service.url, model=f"openai/{client} cut")
    assert len(upstream.requests(f"{client} cut")) == 1


def test_curl_shows_the_frames(service: Service, upstream: Upstream) -> None:
    require("curl", "apt-get install curl")
    upstream.answer("default", openai_wire.answer(*TEXT))
    command = ["sh", HERE / "curl.sh", service.url]
    shown = subprocess.run(command, capture_output=True, check=True, timeout=20).stdout.decode()
    assert len(re.findall(r'^data: \{"delta"', shown, re.MULTILINE)) == len(TEXT)
    assert shown.endswith("data: [DONE]\n\n")
