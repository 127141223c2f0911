"""A client that disconnects closes the upstream connection at once, in each state of the stream."""

from __future__ import annotations

import socket
import time

import gevent
import gevent.socket
import pytest

from flask_headrace.blueprints.http.disconnect import DisconnectWatcher
from tests.support.reader import QUESTION, Reading, ask, asking
from tests.support.service import Service
from tests.support.upstream import Ended, Gate, Hang, Head, Upstream, anthropic_wire, faults, openai_wire, script

WIRES = [("openai", openai_wire), ("anthropic", anthropic_wire)]

WINDOWS = {
    "before the head": lambda wire, gate: script(Gate(gate), Hang()),
    "before the first token": lambda wire, gate: script(Head(), wire.opening(), Gate(gate), Hang()),
    "between tokens": lambda wire, gate: wire.answer("one", Gate(gate), "two"),
    "after the last token": lambda wire, gate: script(Head(), wire.opening(), wire.text("one"), Gate(gate), Hang()),
}


@pytest.mark.parametrize("leave", ["leave", "reset"])
@pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(("provider", "wire"), WIRES, ids=["openai", "anthropic"])
def test_leaving_closes_the_upstream(service, upstream, provider, wire, window, is_streamed, leave) -> None:
    name = f"left {provider} {window} {is_streamed} {leave}"
    upstream.answer(name, WINDOWS[window](wire, name))
    reading = asking(service.url, f"{provider}/{name}", stream=is_streamed)
    upstream.wait_for(lambda: upstream.requests(name)[0].at_gate == name)
    getattr(reading, leave)()
    # Long before the first heartbeat, which would find it out as well. How soon is measured by the benchmarks.
    upstream.wait_for(lambda: upstream.requests(name)[0].ended is Ended.ABORTED)


def test_leaving_before_the_upstream_accepts_leaves_nothing_behind(service: Service, upstream: Upstream) -> None:
    upstream.answer("fine", openai_wire.answer("ok"))
    for _ in range(20):
        asking(service.url, "openai/fine").leave()
    assert ask(service.url, "openai/fine").text == "ok"
    service.wait_until(lambda: b'"streams":0' in Reading(service.url + "/healthz", method="GET").until(b"}"))


def test_a_pipelined_request_is_not_taken_for_leaving(service: Service, upstream: Upstream) -> None:
    upstream.answer("piped", openai_wire.answer("one", Gate("piped"), "two"))
    with asking(service.url, "openai/piped") as reading:
        reading.until(b"one")
        reading.sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.3)  # long enough for the watch to have looked again
        assert upstream.requests("piped")[0].ended is None
        upstream.open_gate("piped")
        assert b"[DONE]" in reading.until(b"[DONE]")


def test_leaving_behind_a_pipelined_request_is_noticed(service: Service, upstream: Upstream) -> None:
    upstream.answer("piped and left", openai_wire.answer("one", Gate("never"), "two"))
    reading = asking(service.url, "openai/piped and left")
    reading.until(b"one")
    reading.sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    reading.leave()
    upstream.wait_for(lambda: upstream.requests("piped and left")[0].ended is Ended.ABORTED)


def test_leaving_while_its_own_socket_is_full_closes_the_upstream(service: Service, upstream: Upstream) -> None:
    upstream.answer("flood", faults.endless(openai_wire, 500_000_000))
    reading = asking(service.url, "openai/flood")
    reading.response()
    upstream.wait_for(lambda: upstream.requests("flood")[0].stalled_for(0.2), timeout=15)
    reading.reset()
    upstream.wait_for(lambda: upstream.requests("flood")[0].ended is Ended.ABORTED)


def test_a_stream_that_was_left_is_logged_with_estimated_usage(service: Service, upstream: Upstream) -> None:
    upstream.answer("accounted", openai_wire.answer("twelve bytes", Gate("accounted"), "two"))
    reading = asking(service.url, "openai/accounted")
    reading.until(b"twelve")
    reading.leave()
    service.wait_until(lambda: '"model":"openai/accounted"' in service.log())
    line = next(line for line in service.log().splitlines() if '"model":"openai/accounted"' in line)
    assert '"end":"cancelled","reason":"reader_left"' in line
    assert '"output_tokens":3' in line
    assert '"estimated":true' in line
    assert QUESTION[0]["content"] not in line.split("openai/accounted")[1]
    assert "twelve" not in line


class TestManyAtOnce:
    def test_all_of_two_hundred_are_closed(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("many", script(Head(), openai_wire.opening(), Hang()))
        readings = [asking(service.url, "openai/many") for _ in range(200)]
        upstream.wait_for(lambda: len(upstream.requests("many")) == 200, timeout=20)
        for reading in readings:
            reading.leave()
        upstream.wait_for(lambda: all(r.ended is Ended.ABORTED for r in upstream.requests("many")))


def read_on(client: socket.socket) -> None:
    """Read to the end. It blocks this process, so that a write on the other side does not go on meanwhile."""
    while client.recv(1_000_000):
        pass


def test_a_text_that_is_given_up_is_reset_also_for_a_client_that_reads_on_at_that_moment() -> None:
    with gevent.socket.socket() as listener, socket.socket() as client:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client.connect(listener.getsockname())
        served, _ = listener.accept()
        watcher = DisconnectWatcher({"gunicorn.socket": served, "SERVER_PROTOCOL": "HTTP/1.0"}, lambda: None)
        watcher.reset_on_close()
        writing = gevent.spawn(served.sendall, b"a" * 50_000_000)
        gevent.sleep(0.1)
        watcher.shut_down()
        client.settimeout(5)
        with pytest.raises(ConnectionResetError):
            read_on(client)
        writing.join(5)
        assert isinstance(writing.exception, BrokenPipeError)
        served.close()
