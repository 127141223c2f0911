"""A name with several addresses: all are tried within one time limit, and the first ready connection is used."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import gevent
import httpx2
import pytest

from flask_headrace.providers.http.happy_eyeballs import ConnectionRace, _interleave_families
from flask_headrace.providers.http.transport import Transport
from tests.providers.http.requests import ESTABLISHED, SYN_SENT, ask, body_of, states_to
from tests.providers.http.resolver import FakeResolver
from tests.support.event_loop import until
from tests.support.proxy import Proxy
from tests.support.upstream import Accept, Upstream, addresses, openai_wire


@pytest.fixture
def names() -> Iterator[FakeResolver]:
    with FakeResolver() as running:
        yield running


@pytest.fixture
def good(own_upstream: Upstream) -> str:
    own_upstream.answer("m", openai_wire.answer("Hel", "lo"))
    return own_upstream.url


@pytest.fixture
def hanging() -> Iterator[list[str]]:
    with ExitStack() as stack:
        yield [stack.enter_context(addresses.unanswering()) for _ in range(4)]


def count_connecting(urls: list[str]) -> int:
    return sum(states_to(url).count(SYN_SENT) for url in urls)


class TestAName:
    def test_whose_addresses_all_hang_has_one_limit_for_them(self, names: FakeResolver, hanging: list[str]) -> None:
        before = count_connecting(hanging)
        with gevent.Timeout(1.5), pytest.raises(httpx2.ConnectTimeout, match=r"within 0\.5 s"):
            ask(Transport(connect_timeout=0.5), names.add("acme.example", *hanging), "m")
        assert count_connecting(hanging) == before

    def test_is_reached_at_an_address_behind_some_that_hang(self, names, hanging, good, transport) -> None:
        before = count_connecting(hanging)
        with gevent.Timeout(transport.connect_timeout + 1):
            assert b"Hel" in body_of(ask(transport, names.add("acme.example", *hanging, good), "m"))
        assert count_connecting(hanging) == before

    def test_is_reached_at_the_last_of_many_addresses_within_the_limit(self, names, hanging, good) -> None:
        with gevent.Timeout(3):
            url = names.add("acme.example", *hanging * 8, good)
            assert b"Hel" in body_of(ask(Transport(connect_timeout=2), url, "m"))

    def test_is_reached_at_an_address_behind_one_that_refuses(self, names, good, transport) -> None:
        with addresses.refusing() as gone:
            assert b"Hel" in body_of(ask(transport, names.add("acme.example", gone, good), "m"))

    def test_whose_addresses_all_refuse_is_told_so(self, names: FakeResolver, transport: Transport) -> None:
        with addresses.refusing() as one, addresses.refusing() as other:
            url = names.add("acme.example", one, other)
            with pytest.raises(httpx2.ConnectError, match="refused"):
                ask(transport, url, "m")

    def test_is_connected_to_once_where_its_first_address_answers(self, names, good, transport) -> None:
        with Upstream() as other:
            assert b"Hel" in body_of(ask(transport, names.add("acme.example", good, other.url), "m"))
            assert other.connections.accepted == 0

    def test_is_reached_with_tls_behind_an_address_that_breaks_off(self, names, transport) -> None:
        with Upstream() as broken, Upstream(tls=True) as secure:
            broken.accept(Accept.CLOSE)
            names.add("acme.example", broken.url, secure.url)
            with pytest.raises(httpx2.ConnectError):  # it is another name's certificate; but it has been asked
                ask(transport, "https://acme.example", "m")
            assert (broken.connections.accepted, secure.connections.accepted) == (1, 1)

    def test_is_reached_with_tls_behind_an_address_that_accepts_and_says_nothing(self, names, trusted) -> None:
        trusted.answer("m", openai_wire.answer("Hel", "lo"))
        with addresses.silent() as silent, gevent.Timeout(3):
            names.add("localhost", silent, trusted.url)
            assert b"Hel" in body_of(ask(Transport(connect_timeout=2), "https://localhost", "m"))
            assert ESTABLISHED not in states_to(silent)

    def test_is_reached_through_a_proxy_of_which_one_address_says_nothing(self, names, trusted, monkeypatch) -> None:
        trusted.answer("m", openai_wire.answer("Hel", "lo"))
        with addresses.silent() as silent, Proxy() as proxy, gevent.Timeout(3):
            for name in ("https_proxy", "no_proxy", "NO_PROXY"):
                monkeypatch.delenv(name, raising=False)
            monkeypatch.setenv("HTTPS_PROXY", names.add("proxy.example", silent, f"http://{proxy.address}"))
            assert b"Hel" in body_of(ask(Transport(connect_timeout=2), trusted.url, "m"))

    def test_is_left_with_no_connection_where_none_says_anything_over_tls(self, names) -> None:
        with addresses.silent() as one, addresses.silent() as other:
            names.add("acme.example", one, other)
            with pytest.raises(httpx2.ConnectTimeout):
                ask(Transport(connect_timeout=0.5), "https://acme.example", "m")
            assert ESTABLISHED not in states_to(one) + states_to(other)


def test_an_interrupted_race_leaves_no_connection_open(hanging: list[str]) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", int(url.rpartition(":")[2]))) for url in hanging]
    before = count_connecting(hanging)
    race = ConnectionRace(found, 0.1, lambda sock: sock)
    connecting = gevent.spawn(race.connect)
    until(lambda: count_connecting(hanging) == before + len(hanging))
    connecting.kill()
    for _ in range(2):
        race.close()
    assert count_connecting(hanging) == before


def test_the_two_families_take_turns() -> None:
    found = [(family, 1, 6, "", (name, 80)) for family, name in [(10, "a"), (10, "b"), (10, "c"), (2, "d"), (2, "e")]]
    assert [address[4][0] for address in _interleave_families(found)] == ["a", "d", "b", "e", "c"]
    assert list(_interleave_families([])) == []
