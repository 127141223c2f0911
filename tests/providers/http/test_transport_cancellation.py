"""Killing the greenlet that waits in the transport closes its connection at once, whatever it waits for."""

from __future__ import annotations

import gevent
import pytest

from flask_headrace.providers.http.transport import Transport
from tests.conftest import require
from tests.providers.http.requests import ESTABLISHED, SYN_SENT, ask, body_of, states_to
from tests.support.event_loop import until
from tests.support.upstream import Accept, Gate, HalfHead, Hang, Head, Upstream, addresses, openai_wire, script

PLACES = {
    "waits for the head": script(Gate("here"), Hang()),
    "waits for the rest of the head": script(HalfHead(), Gate("here"), Hang()),
    "waits for the body": script(Head(), Gate("here"), Hang()),
    "waits for more of the body": openai_wire.answer("one", Gate("here"), "two"),
}


def reading(transport: Transport, url: str, **more) -> gevent.Greenlet:
    """Send a request in a new greenlet, which reads the whole response."""
    return gevent.spawn(lambda: body_of(ask(transport, url, "m", **more)))


@pytest.mark.parametrize("place", PLACES)
def test_while_it(own_upstream: Upstream, transport: Transport, place: str) -> None:
    own_upstream.answer("m", PLACES[place])
    greenlet = reading(transport, own_upstream.url)
    until(lambda: own_upstream.requests("m")[0].at_gate)
    greenlet.kill()
    until(lambda: own_upstream.requests("m")[0].closed)
    assert isinstance(greenlet.value, gevent.GreenletExit)


def test_while_it_connects(transport: Transport) -> None:
    with addresses.unanswering() as url:
        before = states_to(url).count(SYN_SENT)
        greenlet = reading(transport, url)
        until(lambda: states_to(url).count(SYN_SENT) == before + 1)
        greenlet.kill()
        until(lambda: states_to(url).count(SYN_SENT) == before)


def test_while_it_sends(own_upstream: Upstream, transport: Transport) -> None:
    own_upstream.accept(Accept.UNREAD)
    greenlet = reading(transport, own_upstream.url, prompt="x" * 30_000_000)
    until(lambda: ESTABLISHED in states_to(own_upstream.url))
    greenlet.kill()
    until(lambda: ESTABLISHED not in states_to(own_upstream.url))


def test_while_it_shakes_hands(transport: Transport) -> None:
    require("openssl", "apt-get install openssl")
    with Upstream(tls=True) as secure:
        secure.accept(Accept.UNREAD)
        greenlet = reading(transport, secure.url)
        until(lambda: secure.connections.open == 1)
        gevent.sleep(0.02)
        greenlet.kill()
        until(lambda: secure.peers[0].closed)


def test_while_it_waits_for_a_proxy(transport: Transport, own_upstream: Upstream, monkeypatch) -> None:
    own_upstream.accept(Accept.UNREAD)
    monkeypatch.setenv("HTTPS_PROXY", own_upstream.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    greenlet = reading(transport, "https://model.example")
    until(lambda: own_upstream.connections.open == 1)
    gevent.sleep(0.02)
    greenlet.kill()
    until(lambda: own_upstream.peers[0].closed)


def test_leaves_the_transport_fit_for_the_next_request(own_upstream: Upstream, transport: Transport) -> None:
    own_upstream.answer("m", [script(Hang())] * 20 + [openai_wire.answer("fine")])
    greenlets = [reading(transport, own_upstream.url) for _ in range(20)]
    until(lambda: len(own_upstream.requests("m")) == 20)
    gevent.killall(greenlets)
    assert b"fine" in body_of(ask(transport, own_upstream.url, "m"))
    until(lambda: own_upstream.connections.open == 1)
