"""Large bodies, of pictures and documents: they arrive whole, and neither they nor hostile ones stop a worker."""

from __future__ import annotations

import base64
import json
import os
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import upstreams
from tests.support.process_info import resident
from tests.support.reader import QUESTION, Reading, ask, send
from tests.support.service import Service
from tests.support.started_service import warm_up
from tests.support.upstream import Gate, Upstream, anthropic_wire, openai_wire, script

MIB = 2**20
LONGEST = 5 * MIB
MEMORY = 8 * MIB
FILE = base64.b64encode(os.urandom(2 * MIB)).decode()
URL = f"data:image/png;base64,{FILE}"


@pytest.fixture(scope="module")
def roomy(upstream: Upstream) -> Iterator[Service]:
    settings = {"HEADRACE_MAX_CONTENT_LENGTH": str(LONGEST), "HEADRACE_MAX_BODY_MEMORY": str(MEMORY)}
    with Service(**upstreams(upstream), **settings, HEADRACE_BODY_TIMEOUT="1") as running:
        warm_up(running, upstream)
        yield running


@pytest.fixture(autouse=True)
def works_afterwards(roomy: Service, upstream: Upstream) -> Iterator[None]:
    yield
    upstream.answer("fine", openai_wire.answer("fine"))
    assert ask(roomy.url, "openai/fine").text == "fine"


def with_picture(model: str, **fields: Any) -> dict[str, Any]:
    parts = [{"type": "text", "text": "What is this, -0, or \\ñ?"}, {"type": "image", "url": URL}]
    return {"model": model, "messages": [{"role": "user", "content": parts}], **fields}


class TestAPicture:
    def test_arrives_whole_at_an_upstream_of_openais(self, roomy: Service, upstream: Upstream) -> None:
        upstream.answer("seen", openai_wire.answer("A picture."))
        assert send(roomy.url + "/api/chat", with_picture("openai/seen")).text == "A picture."
        content = upstream.requests("seen")[-1].body["messages"][0]["content"]
        assert content[0]["text"] == "What is this, -0, or \\ñ?"
        assert content[1]["image_url"]["url"] == URL

    def test_arrives_whole_at_an_upstream_of_anthropics(self, roomy: Service, upstream: Upstream) -> None:
        upstream.answer("seen", anthropic_wire.answer("A picture."))
        assert send(roomy.url + "/api/chat", with_picture("anthropic/seen")).text == "A picture."
        source = upstream.requests("seen")[-1].body["messages"][0]["content"][1]["source"]
        assert source == {"type": "base64", "media_type": "image/png", "data": FILE}

    def test_arrives_whole_from_clients_of_other_protocols(self, roomy: Service, upstream: Upstream) -> None:
        upstream.answer("seen", openai_wire.answer("A picture."))
        parts = [{"type": "image_url", "image_url": {"url": URL}}]
        body = {"model": "openai/seen", "messages": [{"role": "user", "content": parts}]}
        assert send(roomy.url + "/v1/chat/completions", body).status == 200
        source = {"type": "base64", "media_type": "image/png", "data": FILE}
        body = {"model": "openai/seen", "max_tokens": 9, "messages": []}
        body["messages"] = [{"role": "user", "content": [{"type": "image", "source": source}]}]
        assert send(roomy.url + "/v1/messages", body).status == 200
        for request in upstream.requests("seen")[-2:]:
            assert request.body["messages"][0]["content"][0]["image_url"]["url"] == URL

    def test_of_a_resumable_question_can_be_repeated(self, roomy: Service, upstream: Upstream) -> None:
        upstream.answer("seen", openai_wire.answer("A picture."))
        body = with_picture("openai/seen", resumable=True, id="picture-0123456789")
        arrived = upstream.tally("seen").arrived
        assert [send(roomy.url + "/api/chat", body).text for _ in range(2)] == ["A picture."] * 2
        assert upstream.tally("seen").arrived == arrived + 1


class TestText:
    def test_of_a_mebibyte_is_the_most_whatever_the_length_of_the_body(self, roomy: Service) -> None:
        body = {"model": "openai/fine", "messages": [{"role": "user", "content": "many words " * 100_000}]}
        answer = send(roomy.url + "/api/chat", body)
        assert (answer.status, answer.error["code"]) == (413, "body_too_large")
        assert str(MIB) in answer.error["message"]

    @pytest.mark.parametrize(
        "hostile",
        [b'{"messages":[{"role":"user","content":"%b"}]}' % (piece * (4 * MIB // len(piece))) for piece in (
            rb"\n,-0,", rb"\ud800", b"[{", b",-0,", rb"\"")]
        + [b'"' * 4 * MIB, b"[" * 4 * MIB, b'{"a":' * MIB, b'"\\n,' * MIB, b"-0," * MIB],
    )  # fmt: skip
    @pytest.mark.parametrize("path", ["/api/chat", "/v1/messages"])
    def test_that_is_hostile_is_refused_before_it_is_read(self, roomy: Service, path: str, hostile: bytes) -> None:
        assert send(roomy.url + path, hostile).status == 413

    def test_that_is_no_json_beside_a_file_is_told_where(self, roomy: Service) -> None:
        whole = json.dumps(with_picture("openai/fine")).replace("What", "\\ud800 What").encode()
        answer = send(roomy.url + "/api/chat", whole)
        assert answer.status == 400
        assert f"(byte {whole.index(b'ud800') - 1})" in answer.error["message"]


def sending(service: Service, size: int, announced: int) -> socket.socket:
    """Return a connection on which a part of a body was sent."""
    client = socket.create_connection(("127.0.0.1", service.port), 10)
    head = f"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: {announced}\r\n\r\n"
    client.sendall(head.encode() + b'{"messages": "' + b"A" * size)
    return client


class TestMemory:
    def test_is_for_so_many_bodies_at_once_and_small_ones_need_none(self, roomy: Service, upstream: Upstream) -> None:
        upstream.answer("silent", script(Gate("silent"), *openai_wire.answer("done").steps))
        held = [Reading(roomy.url + "/api/chat", with_picture("openai/silent")) for _ in range(2)]
        upstream.wait_for(lambda: upstream.tally("silent").open == 2)
        answer = send(roomy.url + "/api/chat", with_picture("openai/fine"))
        assert (answer.status, answer.error["code"]) == (503, "too_many_bodies")
        assert int(answer.headers["retry-after"]) > 0
        upstream.answer("fine", openai_wire.answer("fine"))
        assert ask(roomy.url, "openai/fine").text == "fine"
        held.pop().leave()
        roomy.wait_until(lambda: send(roomy.url + "/api/chat", with_picture("openai/fine")).status == 200)
        upstream.open_gate("silent")
        assert b"done" in held.pop().until(b"[DONE]")

    def test_is_free_again_when_the_answers_have_begun(self, roomy: Service, upstream: Upstream) -> None:
        upstream.answer("begun", openai_wire.answer("one", Gate("begun"), " two"))
        held = []
        for _ in range(5):
            held.append(Reading(roomy.url + "/api/chat", with_picture("openai/begun")))
            held[-1].until(b"one")
        upstream.open_gate("begun")
        for reading in held:
            assert b"two" in reading.until(b"[DONE]")

    def test_is_not_kept_by_bodies_that_do_not_come(self, roomy: Service, upstream: Upstream) -> None:
        upstream.answer("fine", openai_wire.answer("fine"))
        before = resident(roomy.workers()[0])
        clients = [sending(roomy, 2 * MIB, LONGEST) for _ in range(4)]
        # Of what has arrived, not of what was announced.
        clients += [sending(roomy, 0, LONGEST) for _ in range(20)]
        answers = [client.recv(65536).split(b"\r\n")[0] for client in clients]
        assert {answer.split()[1] for answer in answers} <= {b"408", b"503"}
        assert send(roomy.url + "/api/chat", with_picture("openai/fine")).status == 200
        assert resident(roomy.workers()[0]) - before < 8 * MEMORY
        for client in clients:
            client.close()


def test_a_large_body_has_time_for_what_has_arrived(roomy: Service, upstream: Upstream) -> None:
    upstream.answer("late", openai_wire.answer("late"))
    body = json.dumps(with_picture("openai/late")).encode()
    with socket.create_connection(("127.0.0.1", roomy.port), 10) as client:
        head = f"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode())
        for start in range(0, len(body), MIB):
            client.sendall(body[start : start + MIB])
            time.sleep(0.6)  # together longer than HEADRACE_BODY_TIMEOUT
        assert client.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_large_body_that_stops_is_a_408(roomy: Service) -> None:
    with sending(roomy, 1000, LONGEST) as client:
        assert client.recv(65536).startswith(b"HTTP/1.1 408")


def test_the_limits_are_listed(roomy: Service) -> None:
    limits = send(roomy.url + "/api/models", method="GET").json["limits"]
    assert limits == {"max_body": LONGEST, "max_text": MIB, "max_messages": 1000, "max_items": 5000}
    body = {"model": "openai/fine", "messages": QUESTION * (limits["max_messages"] + 1)}
    assert send(roomy.url + "/api/chat", body).status == 400
