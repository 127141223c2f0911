"""The transport over real sockets: responses, requests and their headers."""

from __future__ import annotations

import contextlib
import gzip
import os
import resource
import socket
from collections.abc import Iterator

import gevent
import httpx2
import pytest

from flask_headrace.providers.http.transport import Transport
from tests.providers.http.requests import ask, body_of, chunks_of
from tests.support.event_loop import until
from tests.support.upstream import (
    FINISH,
    Burst,
    Bytes,
    Chunk,
    Close,
    Gate,
    Hang,
    Head,
    Reset,
    Script,
    Upstream,
    cuts,
    openai_wire,
    script,
)

OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"


def answered(upstream: Upstream, transport: Transport, answer: Script) -> bytes:
    upstream.answer("m", answer)
    return body_of(ask(transport, upstream.url, "m"))


class TestBody:
    def test_arrives_whole(self, own_upstream, transport) -> None:
        whole = openai_wire.answer("Hel", "lo ö🌊")
        assert answered(own_upstream, transport, whole) == whole.body

    def test_arrives_whole_wherever_the_network_cuts_it(self, own_upstream, transport) -> None:
        whole = openai_wire.answer("Hel", "lo ö🌊")
        assert answered(own_upstream, transport, cuts.cut(cuts.raw(whole), 1)) == whole.body

    def test_is_handed_on_before_more_of_it_exists(self, own_upstream, transport) -> None:
        own_upstream.answer("m", script(Head(), Chunk(b"one"), Gate("more"), Chunk(b"two", last=True)))
        chunks = chunks_of(ask(transport, own_upstream.url, "m"))
        assert next(chunks) == b"one"
        own_upstream.open_gate("more")
        assert b"".join(chunks) == b"two"

    def test_that_comes_with_the_head_is_not_lost(self, own_upstream, transport) -> None:
        assert answered(own_upstream, transport, script(Bytes(OK + b"content-length: 2\r\n\r\nok"))) == b"ok"

    def test_in_many_chunks_of_one_read_is_one_piece(self, own_upstream, transport) -> None:
        own_upstream.answer("m", script(Head(), Burst(Chunk(b"x" * 10), 100, per_write=100), FINISH))
        assert len(list(chunks_of(ask(transport, own_upstream.url, "m")))) <= 3

    def test_until_close_ends_with_it(self, own_upstream, transport) -> None:
        assert answered(own_upstream, transport, script(Bytes(OK + b"\r\nok"), Close())) == b"ok"

    def test_that_is_compressed_can_be_read_too(self, own_upstream, transport) -> None:
        head = Head(headers=(("content-encoding", "gzip"),))
        own_upstream.answer("m", script(head, Chunk(gzip.compress(b"hello"), last=True)))
        assert ask(transport, own_upstream.url, "m").read() == b"hello"

    def test_is_not_mixed_with_what_stands_behind_its_end(self, own_upstream, transport) -> None:
        second = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 3\r\n\r\nbad"
        assert answered(own_upstream, transport, script(Bytes(OK + b"content-length: 2\r\n\r\nok" + second))) == b"ok"
        until(lambda: own_upstream.peers[0].closed)

    def test_of_garbage_behind_its_end_is_whole(self, own_upstream, transport) -> None:
        assert answered(own_upstream, transport, script(Bytes(OK + b"content-length: 2\r\n\r\nok\0\0"))) == b"ok"


class TestHead:
    def test_has_status_and_headers(self, own_upstream, transport) -> None:
        own_upstream.answer("m", openai_wire.error(429, retry_after=7))
        response = ask(transport, own_upstream.url, "m")
        assert (response.status_code, response.headers["retry-after"]) == (429, "7")

    def test_may_follow_interim_ones(self, own_upstream, transport) -> None:
        hints = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
        own_upstream.answer("m", script(Bytes(hints), Gate("go"), Bytes(hints + OK + b"content-length: 2\r\n\r\nok")))
        own_upstream.open_gate("go")
        response = ask(transport, own_upstream.url, "m")
        assert response.status_code == 200
        assert "link" not in response.headers
        assert body_of(response) == b"ok"

    def test_may_hold_bytes_that_are_not_ascii(self, own_upstream, transport) -> None:
        own_upstream.answer("m", script(Bytes(OK + b"x-note: caf\xe9\r\ncontent-length: 0\r\n\r\n")))
        assert ask(transport, own_upstream.url, "m").status_code == 200


class TestReuse:
    def connections_of(self, upstream: Upstream, name: str) -> list[int]:
        return [request.connection for request in upstream.requests(name)]

    def test_comes_after_a_body_that_was_read_to_its_end(self, own_upstream, transport) -> None:
        own_upstream.answer("m", openai_wire.answer("a"))
        for _ in range(5):
            body_of(ask(transport, own_upstream.url, "m"))
        assert self.connections_of(own_upstream, "m") == [0] * 5

    def test_does_not_come_after_a_response_that_was_closed_in_the_middle(self, own_upstream, transport) -> None:
        own_upstream.answer("m", [openai_wire.answer("a", Hang()), openai_wire.answer("b")])
        response = ask(transport, own_upstream.url, "m")
        next(chunks_of(response))
        response.close()
        response.close()
        until(lambda: own_upstream.requests("m")[0].closed)
        body_of(ask(transport, own_upstream.url, "m"))
        assert self.connections_of(own_upstream, "m") == [0, 1]

    def test_does_not_come_where_the_server_says_close(self, own_upstream, transport) -> None:
        own_upstream.answer("m", script(Bytes(OK + b"connection: close\r\ncontent-length: 2\r\n\r\nok")))
        for _ in range(2):
            assert body_of(ask(transport, own_upstream.url, "m")) == b"ok"
        assert self.connections_of(own_upstream, "m") == [0, 1]

    def test_does_not_come_where_the_server_has_closed_meanwhile(self, own_upstream, transport) -> None:
        own_upstream.answer("m", [openai_wire.answer("a").then(Close()), openai_wire.answer("b")])
        body_of(ask(transport, own_upstream.url, "m"))
        until(lambda: own_upstream.requests("m")[0].closed)
        assert b'"b"' in body_of(ask(transport, own_upstream.url, "m"))

    def test_comes_also_where_many_files_are_open(self, own_upstream, transport, many_files) -> None:
        own_upstream.answer("m", openai_wire.answer("a"))
        with contextlib.ExitStack() as files:
            while files.enter_context(open(os.devnull)).fileno() < 1024:
                pass
            for _ in range(2):
                body_of(ask(transport, own_upstream.url, "m"))
        assert self.connections_of(own_upstream, "m") == [0, 0]

    def test_that_fails_before_any_answer_is_made_good_on_a_new_connection_once(self, own_upstream, transport) -> None:
        whole = openai_wire.answer(Gate("both"))
        own_upstream.answer("m", [whole, whole, script(Close()), openai_wire.answer("b")])
        own_upstream.open_gate("both")
        for job in [gevent.spawn(lambda: body_of(ask(transport, own_upstream.url, "m"))) for _ in range(2)]:
            job.get(timeout=5)
        assert b'"b"' in body_of(ask(transport, own_upstream.url, "m"))
        assert len(own_upstream.requests("m")) == 4
        assert self.connections_of(own_upstream, "m")[3] not in self.connections_of(own_upstream, "m")[:3]

    @pytest.mark.parametrize("how", [Close(), Reset()])
    def test_is_not_tried_on_one_connection_after_the_other(self, own_upstream, transport, how) -> None:
        own_upstream.answer("m", [openai_wire.answer(Gate("all"))] * 4 + [script(how)])
        jobs = [gevent.spawn(lambda: body_of(ask(transport, own_upstream.url, "m"))) for _ in range(4)]
        until(lambda: len(own_upstream.requests("m")) == 4)
        own_upstream.open_gate("all")
        gevent.joinall(jobs, timeout=5, raise_error=True)
        with pytest.raises(httpx2.TransportError):
            ask(transport, own_upstream.url, "m")
        assert len(own_upstream.requests("m")) == 4 + 2

    def test_is_not_made_good_where_the_connection_was_new(self, own_upstream, transport) -> None:
        own_upstream.answer("m", [openai_wire.answer("a").then(Close()), script(Close())])
        body_of(ask(transport, own_upstream.url, "m"))
        until(lambda: own_upstream.requests("m")[0].closed)
        with pytest.raises(httpx2.RemoteProtocolError):
            ask(transport, own_upstream.url, "m")
        assert len(own_upstream.requests("m")) == 2


@pytest.fixture
def many_files() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_there_is_no_limit_of_a_thousand_streams(own_upstream, transport, many_files) -> None:
    own_upstream.answer("m", openai_wire.answer("a", Gate("all"), "b"))
    jobs = [gevent.spawn(lambda: body_of(ask(transport, own_upstream.url, "m"))) for _ in range(1200)]
    until(lambda: sum(request.at_gate == "all" for request in own_upstream.requests("m")) == 1200, limit=60)
    own_upstream.open_gate("all")
    gevent.joinall(jobs, timeout=60, raise_error=True)
    assert all(job.value.endswith(b"data: [DONE]\n\n") for job in jobs)


def test_a_request_is_sent_at_once_and_not_held_back_by_the_kernel(own_upstream, transport) -> None:
    own_upstream.answer("m", openai_wire.answer("a"))
    response = ask(transport, own_upstream.url, "m")
    sock = response.stream._stream._socket
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    response.close()
