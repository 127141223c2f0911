"""Limits of requests: streams, bodies, headers and messages; afterwards the service works as before."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.support.process_info import resident
from tests.support.reader import QUESTION, Answer, ask, asking, send
from tests.support.service import Service
from tests.support.started_service import openai_alone, warm_up
from tests.support.upstream import Ended, Gate, Upstream, openai_wire

MOST = 3


@pytest.fixture(scope="module")
def narrow(upstream: Upstream) -> Iterator[Service]:
    settings = {"HEADRACE_MAX_STREAMS": str(MOST), "HEADRACE_MAX_CONTENT_LENGTH": "100000", "HEADRACE_DRAIN": "1"}
    with Service(**openai_alone(upstream), **settings) as running:
        warm_up(running, upstream, ["openai"])
        yield running


@pytest.fixture(autouse=True)
def works_afterwards(narrow: Service, upstream: Upstream) -> Iterator[None]:
    yield
    upstream.answer("fine", openai_wire.answer("fine"))
    narrow.wait_until(lambda: send(narrow.url + "/healthz", method="GET").json["streams"] == 0)
    assert ask(narrow.url, "openai/fine").text == "fine"


class TestStreams:
    def test_past_the_bound_are_refused_with_a_time_to_come_back(self, narrow: Service, upstream: Upstream) -> None:
        upstream.answer("taken", openai_wire.answer("one", Gate("taken"), "two"))
        readings = [asking(narrow.url, "openai/taken") for _ in range(MOST)]
        upstream.wait_for(lambda: upstream.tally("taken").open == MOST)
        for is_streamed in (True, False):
            answer = ask(narrow.url, "openai/taken", stream=is_streamed)
            assert (answer.status, answer.error["code"]) == (503, "too_many_streams")
            assert int(answer.headers["retry-after"]) > 0
        assert upstream.tally("taken").arrived == MOST
        assert send(narrow.url + "/readyz", method="GET").status == 200
        readings.pop().leave()
        narrow.wait_until(lambda: send(narrow.url + "/healthz", method="GET").json["streams"] == MOST - 1)
        readings.append(asking(narrow.url, "openai/taken"))
        upstream.wait_for(lambda: upstream.tally("taken").open == MOST)
        upstream.open_gate("taken")
        for reading in readings:
            assert b"[DONE]" in reading.until(b"[DONE]")

    def test_that_fail_or_are_left_do_not_use_it_up(self, narrow: Service, upstream: Upstream) -> None:
        upstream.answer("refused", openai_wire.error(500))
        upstream.answer("hung", openai_wire.answer("one", Gate("never")))
        for _ in range(MOST * 2):
            assert ask(narrow.url, "openai/refused").status == 502
            seen = upstream.tally("hung").arrived
            with asking(narrow.url, "openai/hung") as reading:
                reading.until(b"one")
            assert upstream.ended("hung", seen).ended is Ended.ABORTED


class TestBody:
    def test_of_1000_messages_is_read_and_of_one_more_refused(self, narrow: Service, upstream: Upstream) -> None:
        upstream.answer("long", openai_wire.answer("ok"))
        body = {"model": "openai/long", "messages": QUESTION * 1000}
        assert send(narrow.url + "/api/chat", body).text == "ok"
        assert len(upstream.requests("long")[0].body["messages"]) == 1000
        answer = send(narrow.url + "/api/chat", {**body, "messages": QUESTION * 1001})
        assert (answer.status, answer.error["code"]) == (400, "invalid_request")
        assert "1000" in answer.error["message"]

    @pytest.mark.parametrize("size", [100_001, 50_000_000])
    def test_over_the_bound_is_refused_by_the_length_that_it_announces(self, narrow: Service, size: int) -> None:
        answer = raw(
            narrow, f"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n".encode() + b"x" * 10
        )
        assert (answer.status, answer.error["code"]) == (413, "body_too_large")

    def test_of_no_announced_length_is_kept_up_to_the_bound_only(self, narrow: Service) -> None:
        worker = narrow.workers()[0]
        before = resident(worker)
        with socket.create_connection(("127.0.0.1", narrow.port), 10) as client:
            client.sendall(b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
            # After some more that is received and thrown away the service does not want any.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for _ in range(1000):
                    client.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            response = http.client.HTTPResponse(client)
            response.begin()
            assert response.status == 413
        assert resident(worker) - before < 16 * 1024 * 1024

    def test_of_no_announced_length_is_not_cut_to_what_fits(self, narrow: Service) -> None:
        body = json.dumps({"model": "openai/fine", "messages": QUESTION}).encode().ljust(100_000) + b"and more"
        head = b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = raw(narrow, head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        assert (answer.status, answer.error["code"]) == (413, "body_too_large")

    @pytest.mark.parametrize("place", [b'{"messages":%b}', b'{"messages":[{"role":"user","content":"hi","x":%b}]}'])
    def test_nested_too_deep_is_a_400(self, narrow: Service, place: bytes) -> None:
        answer = send(narrow.url + "/api/chat", place % (b"[" * 40_000 + b"]" * 40_000))
        assert (answer.status, answer.error["code"]) == (400, "invalid_request")

    def test_that_does_not_come_is_a_408(self, upstream: Upstream) -> None:
        with Service(**openai_alone(upstream), HEADRACE_BODY_TIMEOUT="0.5") as own:
            answer = raw(own, b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
            assert (answer.status, answer.error["code"]) == (408, "body_timeout")
            assert "0.5 s" in answer.error["message"]


class TestHead:
    @pytest.mark.parametrize(
        "head",
        [
            b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n",
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X-Many: x\r\n" * 500 + b"\r\n",
        ],
        ids=["line", "field", "fields"],
    )
    def test_over_the_bound_is_refused(self, narrow: Service, head: bytes) -> None:
        assert raw(narrow, head).status in {400, 414, 431}

    def test_without_end_is_refused_and_not_kept(self, narrow: Service) -> None:
        worker = narrow.workers()[0]
        before = resident(worker)
        with socket.create_connection(("127.0.0.1", narrow.port), 10) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nX-Endless: ")
            with pytest.raises((BrokenPipeError, ConnectionResetError)):
                client.sendall(b"x" * 64_000_000)
        assert resident(worker) - before < 16 * 1024 * 1024


def raw(service: Service, data: bytes) -> Answer:
    """Send bytes and return the response."""
    parts = urlsplit(service.url)
    with socket.create_connection((parts.hostname, parts.port), 10) as client:
        client.sendall(data)
        response = http.client.HTTPResponse(client)
        response.begin()
        return Answer(response.status, {}, response.read())


def test_the_first_questions_of_all_wait_for_the_sdk_together(upstream: Upstream) -> None:
    upstream.answer("first", openai_wire.answer("first"))
    with Service(**openai_alone(upstream)) as own:
        readings = [asking(own.url, "openai/first") for _ in range(100)]
        for reading in readings:
            assert b"[DONE]" in reading.until(b"[DONE]")
        assert json.loads(send(own.url + "/healthz", method="GET").body)["status"] == "ok"
