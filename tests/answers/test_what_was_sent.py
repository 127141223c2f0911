"""`Answer` has what a reader has accepted: not what waited for a reader that left, and no end that nobody got."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.answers.stage import HOST, Told, settings_for
from tests.support.host import Host
from tests.support.reader import QUESTION, Reading
from tests.support.upstream import Upstream, openai_wire

PIECES = 240
"""Pieces of 1000 characters: fewer than a stream may buffer, so the model ends while its reader is slow."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(tmp_path_factory.mktemp("told") / "answers")


@pytest.fixture(scope="module")
def host(upstream: Upstream, told: Told, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    settings = {**settings_for(upstream, told), "HEADRACE_STORE_STREAM": "1000000"}
    with Host(tmp_path_factory.mktemp("host"), HOST, **settings) as running:
        yield running


def slow_reader(host: Host, model: str) -> socket.socket:
    """Return a connection with a small buffer, over which a question was sent."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    reader.connect(("127.0.0.1", host.port))
    reader.settimeout(20)
    body = json.dumps({"messages": QUESTION, "model": f"openai/{model}"}).encode()
    head = "POST /assistant/api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    reader.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return reader


def ended(host: Host) -> int:
    return host.log().count("stream_end")


def test_an_end_that_waited_for_a_reader_who_left_was_not_sent(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("slow", openai_wire.answer(*["x" * 1000] * PIECES))
    before, known = ended(host), len(told.all())
    with closing(slow_reader(host, "slow")) as reader:
        host.wait_until(lambda: ended(host) > before)
        received = 0
        while received < 100_000:
            received += len(reader.recv(1000))
    host.wait_until(lambda: len(told.all()) > known)
    *_, answer = told.all()
    assert (answer["end"], answer["is_whole"]) == ("done", False)
    assert len(answer["text"]) < PIECES * 1000


def test_a_text_that_breaks_off_is_told_as_far_as_it_was_sent(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("breaks", openai_wire.answer("so far ", openai_wire.frame({"error": {"message": "out of disk"}})))
    known = len(told.all())
    with Reading(host.url + "/assistant/ai/text", {"messages": QUESTION, "model": "openai/breaks"}) as reading:
        reading.until(b"so far ")
        host.wait_until(lambda: len(told.all()) > known)
    *_, answer = told.all()
    assert (answer["end"], answer["text"], answer["is_whole"]) == ("failed", "so far ", False)
