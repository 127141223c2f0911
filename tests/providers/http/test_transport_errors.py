"""Errors of the transport are exceptions of the SDKs' HTTP library, and close the connection."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import gevent
import httpx2
import pytest

from flask_headrace.providers.http.exchange import MAX_ERROR_BODY_BYTES, MAX_HEAD_BYTES
from flask_headrace.providers.http.socket_reader import READ_SIZE
from flask_headrace.providers.http.transport import Transport
from tests.providers.http.requests import ESTABLISHED, ask, body_of, chunks_of, states_to
from tests.support.event_loop import until
from tests.support.upstream import (
    Accept,
    Bytes,
    Chunk,
    Close,
    Flood,
    Gate,
    HalfHead,
    Hang,
    Head,
    Reset,
    addresses,
    script,
)

OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"


def collect(chunks: Iterator[bytes], got: list[bytes]) -> None:
    for chunk in chunks:
        got.append(chunk)  # noqa: PERF402  # what came before an error is to be kept


class TestFailure:
    def test_to_connect_where_nobody_listens(self, transport) -> None:
        with addresses.refusing() as url, pytest.raises(httpx2.ConnectError, match="refused"):
            ask(transport, url, "m")

    def test_to_connect_where_the_name_is_unknown(self, transport) -> None:
        with pytest.raises(httpx2.ConnectError):
            ask(transport, addresses.UNRESOLVABLE, "m")

    def test_to_connect_in_time(self) -> None:
        with addresses.unanswering() as url, pytest.raises(httpx2.ConnectTimeout, match=r"0\.1 s"):
            ask(Transport(connect_timeout=0.1), url, "m")

    def test_to_connect_in_time_whatever_takes_it(self, monkeypatch) -> None:
        monkeypatch.setattr("_socket.getaddrinfo", lambda *_a: time.sleep(1) or [])
        with pytest.raises(httpx2.ConnectTimeout, match=r"0\.1 s"):
            ask(Transport(connect_timeout=0.1), "http://slow.example", "m")

    def test_of_an_answer_that_is_read_whole_and_has_no_end(self, own_upstream, transport) -> None:
        own_upstream.answer("m", script(Head(), Flood(Chunk(b"x" * 1000), 1 << 30)))
        with pytest.raises(httpx2.RemoteProtocolError, match="more than"):
            body_of(ask(transport, own_upstream.url, "m"))
        until(lambda: own_upstream.requests("m")[0].closed)

    def test_of_a_refusal_without_end_is_a_refusal(self, own_upstream, transport) -> None:
        own_upstream.answer("m", script(Head(status=500), Flood(Chunk(b"x" * 1000), 1 << 30)))
        response = ask(transport, own_upstream.url, "m")
        assert response.status_code == 500
        assert len(body_of(response)) < 2 * MAX_ERROR_BODY_BYTES + READ_SIZE
        until(lambda: own_upstream.requests("m")[0].closed)

    @pytest.mark.parametrize("end", [Close(), Reset()], ids=["closed", "reset"])
    def test_of_a_refusal_that_breaks_off_is_a_refusal(self, own_upstream, transport, end) -> None:
        own_upstream.answer("m", script(Head(status=401), Chunk(b'{"error":'), Gate("end"), end))
        response = ask(transport, own_upstream.url, "m")
        own_upstream.open_gate("end")
        assert response.status_code == 401
        assert body_of(response) == b'{"error":'
        until(lambda: own_upstream.requests("m")[0].closed)

    @pytest.mark.parametrize("host", ["model..example", "x" * 300, "127.0.0.1:99999"])
    def test_to_connect_to_what_is_no_address(self, transport, host: str) -> None:
        with pytest.raises(httpx2.ConnectError):
            ask(transport, f"http://{host}", "m")

    @pytest.mark.parametrize("key", ["key\n", "key\r", "key\r\nX-More: 1", "k\0y"])
    def test_to_send_a_header_that_would_end_early(self, own_upstream, transport, key: str) -> None:
        client = httpx2.Client(transport=transport, headers={"Authorization": key})
        with pytest.raises(httpx2.LocalProtocolError, match="line break"):
            client.get(own_upstream.url)
        assert own_upstream.connections.accepted == 0

    @pytest.mark.parametrize(
        ("answer", "error", "says"),
        [
            (script(Close()), httpx2.RemoteProtocolError, "before the end of its head"),
            (script(Reset()), httpx2.ReadError, "broke"),
            (script(HalfHead(), Close()), httpx2.RemoteProtocolError, "before the end of its head"),
            (script(HalfHead(), Reset()), httpx2.ReadError, "broke"),
            (script(Bytes(b"HTTP/1.1 100 Continue\r\n\r\n"), Close()), httpx2.RemoteProtocolError, "its head"),
            (script(Bytes(b"HTTP/1.1 101 Other\r\n\r\n"), Hang()), httpx2.RemoteProtocolError, "switched protocols"),
            (script(Bytes(b"220 mail.example ESMTP\r\n")), httpx2.RemoteProtocolError, "not HTTP"),
            (script(Bytes(OK + b"x: " + b"y" * 2 * MAX_HEAD_BYTES), Hang()), httpx2.RemoteProtocolError, "65536 bytes"),
        ],
        ids=[
            "closed",
            "reset",
            "closed in it",
            "reset in it",
            "closed after an interim one",
            "changed",
            "not HTTP",
            "endless",
        ],
    )
    def test_of_the_head(self, own_upstream, transport, answer, error, says) -> None:
        own_upstream.answer("m", answer)
        with pytest.raises(error, match=says):
            ask(transport, own_upstream.url, "m", read=5)
        until(lambda: own_upstream.requests("m")[0].closed)

    @pytest.mark.parametrize(
        ("end", "error", "says", "arrived"),
        [
            ((Close(),), httpx2.RemoteProtocolError, "closed the connection", b"one"),
            ((Reset(),), httpx2.ReadError, "broke", b"one"),
            ((Bytes(b"10\r\nhalf"), Close()), httpx2.RemoteProtocolError, "closed the connection", b"onehalf"),
            ((Bytes(b"no size\r\n"), Hang()), httpx2.RemoteProtocolError, "not HTTP", b"one"),
            ((Bytes(b"3\r\ntwo\r\nno size\r\n"), Hang()), httpx2.RemoteProtocolError, "not HTTP", b"onetwo"),
        ],
        ids=["closed", "reset", "closed in a chunk", "not HTTP", "not HTTP behind a chunk"],
    )
    def test_of_the_body_comes_after_what_had_arrived(self, own_upstream, transport, end, error, says, arrived) -> None:
        own_upstream.answer("m", script(Head(), Chunk(b"one"), Gate("end"), *end))
        response = ask(transport, own_upstream.url, "m")
        chunks = chunks_of(response)
        got = [next(chunks)]
        own_upstream.open_gate("end")
        with pytest.raises(error, match=says):
            collect(chunks, got)
        response.close()
        assert b"".join(got) == arrived
        until(lambda: own_upstream.requests("m")[0].closed)

    def test_of_a_body_shorter_than_it_was_said_to_be(self, own_upstream, transport) -> None:
        own_upstream.answer("m", script(Bytes(OK + b"content-length: 5\r\n\r\nok"), Close()))
        with pytest.raises(httpx2.RemoteProtocolError, match="closed the connection"):
            body_of(ask(transport, own_upstream.url, "m"))

    @pytest.mark.parametrize("place", ["head", "body"])
    def test_of_a_silent_server_where_there_is_a_limit(self, own_upstream, transport, place: str) -> None:
        own_upstream.answer("m", script(*([Head()] if place == "body" else []), Hang()))
        with pytest.raises(httpx2.ReadTimeout, match=r"0\.1 s"):
            body_of(ask(transport, own_upstream.url, "m", read=0.1))
        until(lambda: own_upstream.requests("m")[0].closed)

    def test_to_send_to_a_server_that_reads_nothing(self, own_upstream, transport) -> None:
        own_upstream.accept(Accept.UNREAD)
        with pytest.raises(httpx2.WriteTimeout):
            ask(transport, own_upstream.url, "m", read=0.1, prompt="x" * 30_000_000)
        assert ESTABLISHED not in states_to(own_upstream.url)

    @pytest.mark.parametrize("how", [Accept.RESET, Accept.CLOSE])
    def test_to_send_to_a_server_that_leaves(self, own_upstream, transport, how: Accept) -> None:
        own_upstream.accept(how)
        with pytest.raises(httpx2.TransportError):
            ask(transport, own_upstream.url, "m", prompt="x" * 30_000_000)


def test_a_server_that_answers_before_it_has_read_all_is_heard(transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            gevent.socket.wait_read(listener.fileno())
            client, _ = listener.accept()
            client.sendall(b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            client.shutdown(socket.SHUT_WR)
            gevent.sleep(0.2)
            client.close()

        serving = gevent.spawn(refuse)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert ask(transport, url, "m", prompt="x" * 30_000_000).status_code == 413
        serving.join()
