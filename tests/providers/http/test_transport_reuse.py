"""A connection is reused only if its last request and response are both complete."""

from __future__ import annotations

import gevent
import pytest

from flask_headrace.providers.http import transport as transports
from flask_headrace.providers.http.transport import Transport
from tests.conftest import require
from tests.providers.http.early_answer_server import EarlyAnswerServer
from tests.providers.http.requests import ask, body_of
from tests.support.event_loop import until
from tests.support.upstream import (
    Bytes,
    Close,
    Gate,
    HalfClose,
    Hang,
    Script,
    Upstream,
    certificate,
    openai_wire,
    script,
)

LONG = "x" * 12_000_000
"""A prompt that is larger than the kernel's send buffer."""

LEAD = b"HTTP/1.1 "
OK = b"200 OK\r\ncontent-type: text/event-stream\r\n"


def answer(data: bytes) -> Script:
    return script(Bytes(LEAD + data))


def connections_of(upstream: Upstream, name: str = "m") -> list[int]:
    return [request.connection for request in upstream.requests(name)]


class TestAnAnswerBeforeItsQuestionWasRead:
    """The server would take the rest of the request for the next one, and its error would be the next response."""

    @pytest.mark.parametrize(
        "refusal",
        [
            b"413 Content Too Large\r\ncontent-length: 2\r\n\r\nno",
            b"401 Unauthorized\r\ncontent-length: 2\r\n\r\nno",
            b"429 Too Many Requests\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
            b"503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
            b"307 Temporary Redirect\r\nlocation: /there\r\ncontent-length: 0\r\n\r\n",
        ],
        ids=["413", "401", "429", "503", "307"],
    )
    @pytest.mark.parametrize("prompt", ["hi", "x" * 100_000], ids=["short", "long"])
    def test_is_the_last_on_its_connection(self, transport: Transport, refusal: bytes, prompt: str) -> None:
        with EarlyAnswerServer(refusal) as server:
            refused = ask(transport, server.url, "m", prompt=prompt)
            assert refused.status_code == int(refusal[:3])
            body_of(refused)
            for _ in range(2):
                assert body_of(ask(transport, server.url, "m")) == b"fine"
            assert server.connections == 2

    @pytest.mark.parametrize("read", [None, 5.0], ids=["no limit", "a limit"])
    def test_is_heard_while_the_question_is_sent(self, transport: Transport, read: float | None) -> None:
        refusal = b"413 Content Too Large\r\ncontent-length: 2\r\n\r\nno"
        with EarlyAnswerServer(refusal, reads_on=False) as server, gevent.Timeout(20):
            refused = ask(transport, server.url, "m", read=read, prompt=LONG)
            assert (refused.status_code, body_of(refused)) == (413, b"no")
            assert body_of(ask(transport, server.url, "m")) == b"fine"
            assert server.connections == 2

    def test_is_heard_over_tls_while_the_question_is_sent(self, transport, tmp_path, monkeypatch) -> None:
        require("openssl", "apt-get install openssl")
        authority, tls = certificate.make(tmp_path)
        context = transports._tls_context.__wrapped__(str(authority))
        monkeypatch.setattr(transports, "_tls_context", lambda cafile=None: context)
        refusal = b"413 Content Too Large\r\ncontent-length: 2\r\n\r\nno"
        with EarlyAnswerServer(refusal, reads_on=False, tls=tls) as server, gevent.Timeout(20):
            refused = ask(transport, server.url, "m", prompt=LONG)
            assert (refused.status_code, body_of(refused)) == (413, b"no")
            assert body_of(ask(transport, server.url, "m")) == b"fine"
            assert server.connections == 2

    def test_of_twelve_megabytes_is_read_whole_over_tls(self, transport, monkeypatch) -> None:
        require("openssl", "apt-get install openssl")
        with Upstream(tls=True) as upstream:
            context = transports._tls_context.__wrapped__(str(upstream.ca_file))
            monkeypatch.setattr(transports, "_tls_context", lambda cafile=None: context)
            upstream.answer("m", openai_wire.answer("Hel"))
            for _ in range(2):
                assert b"Hel" in body_of(ask(transport, upstream.url, "m", prompt=LONG))
            assert [request.body["messages"][0]["content"] for request in upstream.requests("m")] == [LONG] * 2
            assert upstream.connections.accepted == 1

    def test_is_the_last_on_its_connection_also_where_it_is_no_refusal(self, transport: Transport) -> None:
        with EarlyAnswerServer(OK + b"content-length: 5\r\n\r\nearly", reads_on=False) as server, gevent.Timeout(20):
            assert body_of(ask(transport, server.url, "m", prompt=LONG)) == b"early"
            assert body_of(ask(transport, server.url, "m")) == b"fine"
            assert server.connections == 2


class TestAConnectionIsNotUsedAgain:
    @pytest.mark.parametrize(
        "first",
        [
            answer(b"204 No Content\r\n\r\nstray"),
            answer(b"304 Not Modified\r\ncontent-length: 5\r\n\r\nstray"),
            answer(OK + b"content-length: 2\r\n\r\nok" + LEAD + OK + b"content-length: 5\r\n\r\nstray"),
            answer(b"200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
            script(Bytes(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok")),
            script(Bytes(b"HTTP/1.0 200 OK\r\n\r\nok"), Close()),
        ],
        ids=["204 with a body", "304 with a body", "two answers", "close", "HTTP/1.0", "HTTP/1.0 to its end"],
    )
    def test_after(self, own_upstream: Upstream, transport: Transport, first: Script) -> None:
        own_upstream.answer("m", [first, openai_wire.answer("fine")])
        body_of(ask(transport, own_upstream.url, "m"))
        assert b"fine" in body_of(ask(transport, own_upstream.url, "m"))
        assert connections_of(own_upstream) == [0, 1]

    def test_after_bytes_that_come_later_than_its_answer(self, own_upstream: Upstream, transport: Transport) -> None:
        late = openai_wire.answer("a").then(Gate("late"), Bytes(LEAD + OK + b"content-length: 5\r\n\r\nstray"))
        own_upstream.answer("m", [late, openai_wire.answer("fine")])
        body_of(ask(transport, own_upstream.url, "m"))
        until(lambda: own_upstream.requests("m")[0].at_gate)
        sent = own_upstream.requests("m")[0].bytes_sent
        own_upstream.open_gate("late")
        until(lambda: own_upstream.requests("m")[0].bytes_sent > sent)
        assert b"fine" in body_of(ask(transport, own_upstream.url, "m"))
        assert connections_of(own_upstream) == [0, 1]

    def test_after_the_server_has_closed_its_side(self, own_upstream: Upstream, transport: Transport) -> None:
        own_upstream.answer("m", [openai_wire.answer("a").then(HalfClose(), Hang()), openai_wire.answer("fine")])
        body_of(ask(transport, own_upstream.url, "m"))
        until(lambda: transport_sees_the_end(transport))
        assert b"fine" in body_of(ask(transport, own_upstream.url, "m"))
        assert connections_of(own_upstream) == [0, 1]

    def test_after_its_greenlet_was_killed_between_question_and_answer(
        self, own_upstream: Upstream, transport: Transport
    ) -> None:
        own_upstream.answer("m", [script(Gate("asked"), *openai_wire.answer("a").steps), openai_wire.answer("fine")])
        asking = gevent.spawn(ask, transport, own_upstream.url, "m")
        until(lambda: own_upstream.requests("m")[0].at_gate)
        asking.kill()
        assert b"fine" in body_of(ask(transport, own_upstream.url, "m"))
        assert connections_of(own_upstream) == [0, 1]


def test_http_1_0_keeps_a_connection_that_both_sides_want_kept(own_upstream: Upstream, transport: Transport) -> None:
    kept = script(Bytes(b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok"))
    own_upstream.answer("m", kept)
    for _ in range(2):
        assert body_of(ask(transport, own_upstream.url, "m")) == b"ok"
    assert connections_of(own_upstream) == [0, 0]


class TestARefusalThatWasMeantForNoQuestion:
    """Some servers send 408 before they close an idle connection; that can cross with a request."""

    TOO_LATE = b"408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"

    def test_has_the_question_asked_once_more_on_a_new_connection(
        self, own_upstream: Upstream, transport: Transport
    ) -> None:
        own_upstream.answer("m", [openai_wire.answer("a"), answer(self.TOO_LATE), openai_wire.answer("fine")])
        body_of(ask(transport, own_upstream.url, "m"))
        assert b"fine" in body_of(ask(transport, own_upstream.url, "m"))
        assert connections_of(own_upstream) == [0, 0, 1]

    def test_is_one_where_the_connection_was_new(self, own_upstream: Upstream, transport: Transport) -> None:
        own_upstream.answer("m", answer(self.TOO_LATE))
        assert ask(transport, own_upstream.url, "m").status_code == 408
        assert len(own_upstream.requests("m")) == 1


def transport_sees_the_end(transport: Transport) -> bool:
    """Whether the FIN of the one idle connection has arrived."""
    (route,) = transport._routes.values()
    (kept,) = route.pool._socket_queue.queue
    return not route.pool._is_socket_alive(kept)
