"""The test upstream itself: steps, gates, what it records and when, over bare sockets."""

from __future__ import annotations

import http.client
import json
import socket
import time

import pytest

from tests.support.upstream import (
    FINISH,
    Burst,
    Bytes,
    Chunk,
    Close,
    Closed,
    Connections,
    Ended,
    Flood,
    Gate,
    HalfClose,
    HalfHead,
    Hang,
    Head,
    Paced,
    Pause,
    Reset,
    Upstream,
    script,
)
from tests.support.upstream.bare_client import SOON, ask, connect, port_of, read_all, read_until, request, reset

HELLO = (Head(), Chunk(b"Hello", deltas=1, last=True))
WIRE_HELLO = b"\r\n\r\n5\r\nHello\r\n0\r\n\r\n"


@pytest.fixture
def upstream():
    with Upstream() as upstream:
        yield upstream


class TestSteps:
    def test_a_chunked_answer_ends_and_the_connection_serves_the_next_request(self, upstream):
        upstream.answer("m", script(*HELLO))
        with ask(upstream.url, "m") as client:
            read_until(client, WIRE_HELLO)
            client.sendall(request("m"))
            read_until(client, WIRE_HELLO)
        first, second = upstream.wait_for(lambda: (r := upstream.requests("m")) and r[1].closed and r)
        assert (first.connection, second.connection) == (0, 0)
        assert (first.attempt, second.attempt) == (0, 1)
        assert first.ended is second.ended is Ended.FINISHED
        assert first.deltas_sent == 1
        assert upstream.peers[0].requests == 2
        assert upstream.connections == Connections(accepted=1, open=0)

    def test_requests_that_arrive_together_are_answered_in_turn(self, upstream):
        upstream.answer("m", script(*HELLO))
        with connect(upstream.url) as client:
            client.sendall(request("m") * 3)
            read_until(client, WIRE_HELLO)
            upstream.wait_for(lambda: upstream.tally("m").finished == 3)

    def test_bytes_sent_are_what_the_client_received(self, upstream):
        upstream.answer("m", script(Head(), Burst(Chunk(b"data: {n}\n\n", deltas=1), 1000), Chunk(b"", last=True)))
        with ask(upstream.url, "m") as client:
            received = read_until(client, b"\r\n0\r\n\r\n")
        record = upstream.ended("m")
        assert record.bytes_sent == len(received)
        assert record.deltas_sent == 1000
        assert b"data: 0\n\n" in received
        assert b"data: 999\n\n" in received

    def test_a_body_by_length_needs_no_last_chunk(self, upstream):
        upstream.answer("m", script(Head(content_length=5), Chunk(b"Hel"), Chunk(b"lo")))
        with ask(upstream.url, "m") as client:
            assert b"content-length: 5\r\n\r\nHello" in read_until(client, b"Hello")
            upstream.wait_for(lambda: upstream.requests()[0].ended is Ended.FINISHED)

    def test_a_body_until_close_is_closed(self, upstream):
        upstream.answer("m", script(Head(chunked=False), Chunk(b"Hello", last=True)))
        with ask(upstream.url, "m") as client:
            assert read_all(client).endswith(b"connection: close\r\n\r\nHello")
        assert upstream.requests()[0].closed is Closed.OURS
        assert upstream.requests()[0].ended is Ended.FINISHED

    def test_a_body_without_its_end_hangs(self, upstream):
        upstream.answer("m", script(Head(), Chunk(b"Hello")))
        with ask(upstream.url, "m") as client:
            read_until(client, b"Hello\r\n")
        upstream.wait_for(lambda: upstream.requests()[0].ended is Ended.ABORTED)

    @pytest.mark.parametrize("steps", [(Close(),), (HalfHead(20), Close()), (Head(), Chunk(b"x"), Close())])
    def test_close_ends_the_connection_after_what_was_sent(self, upstream, steps):
        upstream.answer("m", script(*steps))
        with ask(upstream.url, "m") as client:
            received = read_all(client)
        record = upstream.requests()[0]
        assert (record.ended, record.closed, record.bytes_sent) == (Ended.CLOSED, Closed.OURS, len(received))

    def test_reset_is_a_reset(self, upstream):
        upstream.answer("m", script(Head(), Gate("read"), Reset()))
        with ask(upstream.url, "m") as client:
            read_until(client, b"\r\n\r\n")
            upstream.open_gate("read")
            with pytest.raises(ConnectionResetError):
                client.recv(1)

    def test_half_close_shows_whether_the_peer_closes_too(self, upstream):
        upstream.answer("m", script(*HELLO[:1], HalfClose(), Hang()))
        with ask(upstream.url, "m") as client:
            read_all(client)
            assert upstream.requests()[0].closed is None
        upstream.wait_for(lambda: upstream.requests()[0].closed is Closed.FIN)

    def test_pause_and_pace_keep_time(self, upstream):
        upstream.answer("m", script(Pause(0.1), Head(), Paced(Chunk(b"x", deltas=1), 50, 5), FINISH))
        with ask(upstream.url, "m") as client:
            read_until(client, b"0\r\n\r\n")
            record = upstream.ended("m")
        assert record.first_byte_at - record.arrived_at >= 0.1
        assert record.ended_at - record.first_byte_at >= 0.1 - 0.02

    def test_attempts_get_one_script_each_and_the_last_repeats(self, upstream):
        upstream.answer("m", [script(Bytes(b"first")), script(Bytes(b"later"))])
        with connect(upstream.url) as client:
            for expected in (b"first", b"later", b"later"):
                client.sendall(request("m"))
                assert read_until(client, expected) == expected
        upstream.answer("m", [script(Bytes(b"anew!")), script(Bytes(b"later"))])
        with ask(upstream.url, "m") as client:
            read_until(client, b"anew!")

    def test_each_piece_is_a_write_of_its_own(self, upstream):
        upstream.answer("m", script(Bytes(b"a"), Gate("b"), Bytes(b"b"), Gate("c"), Bytes(b"c")))
        with ask(upstream.url, "m") as client:
            assert client.recv(9) == b"a"
            upstream.wait_for(lambda: upstream.requests()[0].at_gate == "b")
            upstream.open_gate("b")
            assert client.recv(9) == b"b"
            upstream.open_gate("c")
            assert client.recv(9) == b"c"

    def test_a_mistake_in_a_script_is_raised_when_the_upstream_is_left(self):
        upstream = Upstream()
        upstream.__enter__()
        upstream.answer("m", script("Hello"))
        ask(upstream.url, "m").close()
        upstream.closed("m")
        with pytest.raises(TypeError, match="not a step"):
            upstream.__exit__(None, None, None)


class TestRecords:
    def test_a_request_is_recorded_as_it_came(self, upstream):
        connection = http.client.HTTPConnection("127.0.0.1", port_of(upstream.url))
        connection.request("POST", "/v1/messages?beta=true", json.dumps({"model": "x", "n": [1]}), {"X-Api-Key": "k"})
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["error"]["code"]) == (404, "model_not_found")
        connection.close()
        record = upstream.requests("x")[0]
        assert (record.method, record.path, record.body) == ("POST", "/v1/messages?beta=true", {"model": "x", "n": [1]})
        assert record.headers["x-api-key"] == "k"
        assert upstream.requests("y") == []

    def test_an_unknown_path_is_not_found_even_for_a_known_model(self, upstream):
        upstream.answer("m", script(*HELLO))
        with connect(upstream.url) as client:
            client.sendall(request("m", "/chat/completions"))
            assert client.recv(12) == b"HTTP/1.1 404"

    def test_a_failed_wait_tells_what_was_seen(self, upstream):
        upstream.answer("m", script(Hang()))
        with ask(upstream.url, "m"), pytest.raises(AssertionError, match=r"'m' #0 open, .* on connection 0"):
            upstream.wait_for(lambda: upstream.requests("m")[0].closed, timeout=0.2)

    def test_forgotten_requests_are_gone_and_still_counted(self, upstream):
        upstream.answer("m", [script(Close()), script(Bytes(b"second"))])
        with ask(upstream.url, "m") as client:
            read_all(client)
        upstream.forget()
        assert upstream.requests() == []
        with ask(upstream.url, "m") as client:
            read_until(client, b"second")
        assert upstream.requests()[0].attempt == 1


WINDOWS = {
    "before the head": (Hang(),),
    "in the head": (HalfHead(), Hang()),
    "hanging": (Head(), Chunk(b"x"), Hang()),
    "paused": (Head(), Chunk(b"x"), Pause(60)),
    "at a gate": (Head(), Chunk(b"x"), Gate("never")),
    "paced": (Head(), Paced(Chunk(b"x"), 0.1)),
    "blocked": (Head(), Flood(Chunk(b"x" * 1000), 1 << 30)),
}


def is_reached(window, record):
    match window:
        case "before the head":
            return True
        case "blocked":
            return record.stalled_for(0.2)
        case _:
            return record.bytes_sent


class TestLeaving:
    @pytest.mark.parametrize("window", WINDOWS)
    @pytest.mark.parametrize(("leave", "how"), [(socket.socket.close, Closed.FIN), (reset, Closed.RESET)])
    def test_a_peer_that_leaves_is_noticed_at_once(self, upstream, window, leave, how):
        upstream.answer("m", script(*WINDOWS[window]))
        client = ask(upstream.url, "m")
        upstream.wait_for(lambda: is_reached(window, upstream.requests()[0]))
        if window in {"hanging", "paused", "at a gate"}:
            read_until(client, b"x\r\n")
        left_at = time.monotonic()
        leave(client)
        record = upstream.closed("m")
        assert 0 <= record.closed_at - left_at < SOON
        assert (record.ended, record.ended_at) == (Ended.ABORTED, record.closed_at)
        if window not in {"in the head", "paced", "blocked"}:  # there, bytes are left unread: FIN turns into RST
            assert record.closed is how
        upstream.wait_for(lambda: upstream.connections.open == 0)

    def test_a_peer_that_only_shuts_its_sending_side_has_left(self, upstream):
        upstream.answer("m", script(Hang()))
        with ask(upstream.url, "m") as client:
            upstream.wait_for(lambda: upstream.requests()[0])
            client.shutdown(socket.SHUT_WR)
            upstream.wait_for(lambda: upstream.requests()[0].closed is Closed.FIN)

    def test_two_thousand_that_leave_at_once_are_all_noticed(self, upstream):
        upstream.answer("m", script(Head(), Chunk(b"x"), Hang()))
        clients = [ask(upstream.url, "m") for _ in range(2000)]
        upstream.wait_for(lambda: all(r.bytes_sent for r in upstream.requests()) and upstream.tally().open == 2000, 20)
        for client in clients:
            client.close()
        upstream.wait_for(lambda: upstream.tally("m").aborted == 2000, 20)
        assert upstream.connections == Connections(2000, 0)


class TestBackPressure:
    def test_a_flood_stops_where_the_peer_stops_and_goes_on_when_it_reads(self):
        total = 20_000_000
        with Upstream(send_buffer=65536) as upstream:
            upstream.answer("m", script(Head(content_length=total), Flood(Chunk(b"x" * 1000), total)))
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            client.connect(("127.0.0.1", port_of(upstream.url)))
            with client:
                client.sendall(request("m"))
                stalled = upstream.wait_for(lambda: (r := upstream.requests()[0]).stalled_for(0.2) and r)
                assert stalled.bytes_sent < 1_000_000
                head, _, start = read_until(client, b"x").partition(b"\r\n\r\n")
                body = bytearray(start)
                while len(body) < total:
                    body += client.recv(1 << 20)
                record = upstream.ended("m")
            assert record.blocked_since is None
            assert record.longest_block >= 0.2
            assert body == b"x" * total
            assert record.bytes_sent == len(head) + 4 + total

    def test_a_reader_that_keeps_up_is_not_stalled(self, upstream):
        upstream.answer("m", script(Head(), Burst(Chunk(b"x" * 100, deltas=1), 50_000), FINISH))
        with ask(upstream.url, "m") as client:
            read_until(client, b"\r\n0\r\n\r\n")
        assert not upstream.requests()[0].stalled_for(0)
        assert upstream.requests()[0].longest_block < 1
