"""The test upstream before and beneath its answers: connections held, refused, unread, and over TLS."""

from __future__ import annotations

import socket
import ssl
import time

import pytest

from tests.support.upstream import (
    Accept,
    Chunk,
    Connections,
    Ended,
    Flood,
    Hang,
    Head,
    Upstream,
    addresses,
    has_openssl,
    openai_wire,
    script,
)
from tests.support.upstream.bare_client import SOON, ask, connect, port_of, read_until, request, reset

END = b"data: [DONE]\n\n\r\n0\r\n\r\n"


@pytest.fixture
def upstream():
    with Upstream() as upstream:
        yield upstream


class TestBeforeAnyRequest:
    def test_a_connection_that_is_held_is_accepted_when_the_test_says_so(self, upstream):
        upstream.answer("m", openai_wire.answer("Hello"))
        upstream.accept(Accept.HOLD)
        with ask(upstream.url, "m") as client:
            client.settimeout(0.1)
            with pytest.raises(TimeoutError):
                client.recv(1)
            assert upstream.connections.accepted == 0
            client.settimeout(5)
            upstream.accept(Accept.SERVE)
            read_until(client, END)

    @pytest.mark.parametrize("leave", [socket.socket.close, reset])
    def test_an_unread_connection_is_seen_to_close(self, upstream, leave):
        upstream.accept([Accept.UNREAD, Accept.SERVE])
        client = ask(upstream.url, "m")
        upstream.wait_for(lambda: upstream.connections == Connections(1, 1))
        left_at = time.monotonic()
        leave(client)
        peer = upstream.wait_for(lambda: (p := upstream.peers[0]).closed and p)
        assert peer.closed_at - left_at < SOON
        assert upstream.requests() == []
        with ask(upstream.url, "m") as client:
            assert client.recv(12) == b"HTTP/1.1 404"

    def test_connections_can_be_closed_or_reset_at_once(self, upstream):
        upstream.accept([Accept.CLOSE, Accept.RESET])
        address = ("127.0.0.1", port_of(upstream.url))
        with socket.create_connection(address, timeout=5) as client:
            assert client.recv(1) == b""
        with pytest.raises(ConnectionResetError), socket.create_connection(address, timeout=5) as client:
            client.recv(1)

    def test_a_refusing_address_refuses(self):
        with addresses.refusing() as url, pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port_of(url)), timeout=5)

    def test_an_unanswering_address_lets_connecting_wait(self):
        with addresses.unanswering() as url, pytest.raises(TimeoutError):
            socket.create_connection(("127.0.0.1", port_of(url)), timeout=0.5)


@pytest.mark.skipif(not has_openssl(), reason="needs openssl: apt-get install openssl")
class TestTLS:
    @pytest.mark.parametrize("is_blocked", [False, True])
    def test_leaving_is_noticed_at_once_over_tls_too(self, is_blocked):
        steps = (Flood(Chunk(b"x" * 1000), 1 << 30),) if is_blocked else (Chunk(b"x"), Hang())
        with Upstream(tls=True) as upstream:
            upstream.answer("m", script(Head(), *steps))
            context = ssl.create_default_context(cafile=upstream.ca_file)
            client = context.wrap_socket(connect(upstream.url), server_hostname="127.0.0.1")
            client.sendall(request("m"))
            upstream.wait_for(lambda: upstream.requests()[0].bytes_sent)
            if is_blocked:
                upstream.wait_for(lambda: upstream.requests()[0].stalled_for(0.2))
            left_at = time.monotonic()
            client.close()
            record = upstream.closed("m")
            assert record.closed_at - left_at < SOON
            assert record.ended is Ended.ABORTED

    def test_a_client_that_does_not_trust_the_certificate_does_no_harm(self):
        with Upstream(tls=True) as upstream:
            with pytest.raises(ssl.SSLCertVerificationError):
                ssl.create_default_context().wrap_socket(connect(upstream.url), server_hostname="127.0.0.1")
            upstream.wait_for(lambda: upstream.connections == Connections(1, 0))

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_answers_are_the_same_over_tls(self, host):
        with Upstream(tls=True) as upstream:
            upstream.answer("m", openai_wire.answer("Hello"))
            context = ssl.create_default_context(cafile=upstream.ca_file)
            with context.wrap_socket(connect(upstream.url), server_hostname=host) as client:
                client.sendall(request("m"))
                assert b"Hello" in read_until(client, END)
