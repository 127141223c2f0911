"""The servers that docs/flask.md names: how answers arrive under each, and how soon the model stops for nobody."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import pytest

from tests.reliability.servers import SERVERS, ServedApplication
from tests.support.reader import Reading, ask, asking, send
from tests.support.started_service import openai_alone
from tests.support.upstream import Ended, Gate, Hang, Head, Upstream, faults, openai_wire, script

LIMIT = 10.0
"""Seconds that a busy machine may need; no heartbeat is sent within this time."""


@pytest.fixture(scope="module")
def served(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, ServedApplication]]:
    """Start all servers in parallel: each needs a second or two."""
    settings = openai_alone(upstream) | {"HEADRACE_HEARTBEAT": "60", "HEADRACE_CLIENT_TIMEOUT": "1"}
    with contextlib.ExitStack() as running:
        started = {}
        for name in SERVERS:
            server = ServedApplication(tmp_path_factory.mktemp("served"), name, **settings)
            started[name] = running.enter_context(server)
        yield started
        for server in started.values():
            server.leave()


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, served: Mapping[str, ServedApplication]) -> ServedApplication:
    one = served[request.param]
    one.wait_until_up()
    return one


def is_idle(server: ServedApplication) -> bool:
    return send(server.url + "/healthz", method="GET").json["streams"] == 0


def test_tokens_arrive_one_by_one(server: ServedApplication, upstream: Upstream) -> None:
    name = f"tokens {server.name}"
    upstream.answer(name, openai_wire.answer("one", Gate(f"{name} 1"), "two", Gate(f"{name} 2"), "three"))
    with asking(server.url, f"openai/{name}") as reading:
        assert reading.response().status == 200
        reading.until(b'"one"')
        upstream.open_gate(f"{name} 1")
        reading.until(b'"two"')
        upstream.open_gate(f"{name} 2")
        reading.until(b"[DONE]")


def test_a_refusal_has_its_status(server: ServedApplication, upstream: Upstream) -> None:
    upstream.answer("refused", openai_wire.error(429, retry_after=20))
    for is_streamed in (True, False):
        answer = ask(server.url, "openai/refused", stream=is_streamed)
        assert (answer.status, answer.headers["retry-after"]) == (429, "20")


def test_a_whole_answer_is_whole(server: ServedApplication, upstream: Upstream) -> None:
    upstream.answer("whole", openai_wire.answer("one ", "two"))
    answer = ask(server.url, "openai/whole", stream=False)
    assert (answer.status, answer.json["text"]) == (200, "one two")
    assert int(answer.headers["content-length"]) == len(answer.body)


def test_the_model_is_not_called_for_a_head_request(server: ServedApplication, upstream: Upstream) -> None:
    upstream.answer("headed", openai_wire.answer("one"))
    before = len(upstream.requests("headed"))
    answer = send(server.url + "/ask/headed", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert send(server.url + "/ask/headed", method="GET").text == "one"
    assert len(upstream.requests("headed")) == before + 1


@pytest.mark.parametrize("first", [(), (openai_wire.text("hi"),)], ids=["before the first token", "after it"])
def test_a_reader_that_leaves_a_silent_model_closes_the_upstream(server, upstream, first) -> None:
    name = f"left {server.name} {len(first)}"
    upstream.answer(name, script(Head(), openai_wire.opening(), *first, Hang()))
    with asking(server.url, f"openai/{name}") as reading:
        upstream.wait_for(lambda: upstream.requests(name))
        if first:
            reading.until(b"hi")
    assert upstream.ended(name, timeout=LIMIT).ended is Ended.ABORTED
    server.wait_until(lambda: is_idle(server))
    assert "Traceback" not in server.log()


def test_a_client_that_leaves_before_a_whole_answer_closes_the_upstream(server, upstream) -> None:
    name = f"whole left {server.name}"
    upstream.answer(name, script(Head(), openai_wire.opening(), openai_wire.text("hi"), Hang()))
    with asking(server.url, f"openai/{name}", stream=False):
        upstream.wait_for(lambda: upstream.requests(name))
    assert upstream.ended(name, timeout=LIMIT).ended is Ended.ABORTED
    server.wait_until(lambda: is_idle(server))
    assert "Traceback" not in server.log()


@pytest.mark.parametrize("server", [name for name in SERVERS if name != "hypercorn, a2wsgi"], indirect=True)
def test_a_reader_that_accepts_nothing_is_dropped(server, upstream) -> None:
    name = f"stalled {server.name}"
    upstream.answer(name, faults.endless(openai_wire, 500_000_000))
    with asking(server.url, f"openai/{name}"):
        assert upstream.ended(name, timeout=2 * LIMIT).ended is Ended.ABORTED
    server.wait_until(lambda: is_idle(server))


@pytest.mark.parametrize("body", [None, {"ignored": "x" * 1000}], ids=["no body", "a body that the view ignores"])
def test_a_reader_of_a_view_that_reads_no_body_is_noticed_too(server, upstream, body) -> None:
    name = f"unread-{server.port}-{body is None}"
    upstream.answer(name, script(Head(), openai_wire.opening(), Hang()))
    with Reading(f"{server.url}/ask/{name}", body, method="GET" if body is None else "POST"):
        upstream.wait_for(lambda: upstream.requests(name))
    assert upstream.ended(name, timeout=LIMIT).ended is Ended.ABORTED
    server.wait_until(lambda: is_idle(server))
