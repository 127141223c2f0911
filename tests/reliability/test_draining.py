"""A service that drains its streams after SIGTERM: it answers that it is not ready, and ends as soon as they have."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.test_shutdown import GONE, rest, seconds_until_gone, wait_until, waiting
from tests.support.process_info import worker_of
from tests.support.reader import QUESTION, Answer, Reading, ask, send
from tests.support.service import Service
from tests.support.started_service import openai_alone, warm_up
from tests.support.upstream import Gate, Upstream, openai_wire

pytestmark = pytest.mark.slow

PROBES = 30


def probe(service: Service, path: str = "/readyz") -> Answer:
    """Send a request on a connection of its own; fail if it is refused."""
    return send(service.url + path, method="GET")


@contextlib.contextmanager
def draining(upstream: Upstream, name: str, **settings: str) -> Iterator[tuple[Service, Reading]]:
    """Run a service that holds one stream, and has answered a readiness check since its SIGTERM with 503."""
    settings = {"HEADRACE_DRAIN": "30", **settings}
    with Service(**openai_alone(upstream), **settings) as own:
        warm_up(own, upstream, ["openai"])
        held = waiting(own, upstream, name)
        own.process.send_signal(signal.SIGTERM)
        own.wait_until(lambda: probe(own).status == 503)
        yield own, held


@pytest.mark.parametrize("workers", ["1", "2"])
class TestSigterm:
    def test_is_told_to_all_who_connect_until_the_last_stream_has_ended(self, upstream: Upstream, workers: str) -> None:
        name = f"told by {workers}"
        with draining(upstream, name, WEB_CONCURRENCY=workers) as (own, held):
            own.wait_until(lambda: {probe(own).status for _ in range(5)} == {503})
            for _ in range(PROBES):
                unready, alive, late = probe(own), probe(own, "/healthz"), ask(own.url, f"openai/{name}")
                assert (unready.status, unready.error["code"]) == (503, "shutting_down")
                assert (late.status, late.error["code"]) == (503, "shutting_down")
                assert alive.status == 200
                assert unready.headers["retry-after"] == late.headers["retry-after"] == "1"
                assert {answer.headers["connection"] for answer in (unready, alive, late)} == {"close"}
            assert len(upstream.requests(name)) == 1
            upstream.open_gate(name)
            assert rest(held).text == "onetwo"
            assert seconds_until_gone(own, GONE) < GONE
            assert "Traceback" not in own.log()

    def test_ends_the_service_with_its_streams_however_many_check_it(self, upstream: Upstream, workers: str) -> None:
        name = f"stormed at {workers}"
        statuses: Counter[int] = Counter()
        with draining(upstream, name, WEB_CONCURRENCY=workers) as (own, held):
            own.wait_until(lambda: {probe(own).status for _ in range(5)} == {503})

            def storm() -> None:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    while True:
                        statuses[probe(own).status] += 1

            threads = [threading.Thread(target=storm) for _ in range(8)]
            for thread in threads:
                thread.start()
            wait_until(lambda: statuses[503] > 100, 20)
            assert all(thread.is_alive() for thread in threads)  # none was refused
            upstream.open_gate(name)
            assert rest(held).is_done
            assert seconds_until_gone(own, GONE) < GONE
            for thread in threads:
                thread.join(10)
            assert set(statuses) == {503}

    def test_does_not_wait_for_who_connects_meanwhile_and_asks_nothing(self, upstream: Upstream, workers: str) -> None:
        name = f"silent at {workers}"
        with draining(upstream, name, WEB_CONCURRENCY=workers) as (own, held):
            silent = [socket.create_connection(("127.0.0.1", own.port), 5) for _ in range(10)]
            half = [socket.create_connection(("127.0.0.1", own.port), 5) for _ in range(10)]
            for connection in half:
                connection.sendall(b"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            assert probe(own).status == 503
            upstream.open_gate(name)
            assert rest(held).is_done
            assert seconds_until_gone(own, GONE) < GONE
            for connection in (*silent, *half):
                connection.close()

    def test_to_all_processes_at_once_and_twice_is_the_same(self, upstream: Upstream, workers: str) -> None:
        name = f"all {workers}"
        with Service(**openai_alone(upstream), WEB_CONCURRENCY=workers) as own:
            warm_up(own, upstream, ["openai"])
            held = waiting(own, upstream, name)
            for _ in range(2):
                os.killpg(own.process.pid, signal.SIGTERM)  # as systemd does
            own.wait_until(lambda: {probe(own).status for _ in range(5)} == {503})
            assert {probe(own).status for _ in range(PROBES)} == {503}
            upstream.open_gate(name)
            assert rest(held).is_done
            assert seconds_until_gone(own, GONE) < GONE

    def test_and_then_control_c_ends_all_at_once(self, upstream: Upstream, workers: str) -> None:
        name = f"interrupted {workers}"
        with draining(upstream, name, WEB_CONCURRENCY=workers) as (own, held):
            os.killpg(own.process.pid, signal.SIGINT)
            assert rest(held).named("error")[0]["code"] == "shutting_down"
            assert seconds_until_gone(own, GONE) < GONE


def test_a_stream_that_outlasts_the_drain_is_ended_while_it_is_checked(upstream: Upstream) -> None:
    with draining(upstream, "outlasting", HEADRACE_DRAIN="2") as (own, held):
        assert {probe(own).status for _ in range(5)} == {503}
        assert rest(held).named("error")[0]["code"] == "shutting_down"
        assert seconds_until_gone(own, GONE) < GONE


def test_a_resumable_stream_without_a_reader_is_waited_for_as_well(upstream: Upstream) -> None:
    with Service(**openai_alone(upstream)) as own:
        warm_up(own, upstream, ["openai"])
        held = waiting(own, upstream, "alone", resumable=True)
        id_ = held.response().getheader("Headrace-Stream-Id")
        held.leave()
        own.process.send_signal(signal.SIGTERM)
        own.wait_until(lambda: probe(own).status == 503)
        assert {probe(own).status for _ in range(PROBES)} == {503}
        as_event_source = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
        with Reading(f"{own.url}/api/streams/{id_}", method="GET", headers=as_event_source) as again:
            assert again.response().status == 200  # after another status an EventSource would give up
        upstream.open_gate("alone")
        assert seconds_until_gone(own, GONE) < GONE
        assert '"end":"done"' in own.log()


def test_a_unix_socket_is_there_until_the_last_stream_has_ended(upstream: Upstream, tmp_path: Path) -> None:
    path = tmp_path / "headrace.sock"

    def ready() -> int:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return int(connection.recv(1000).split()[1])

    service = Service(**openai_alone(upstream))
    service.settings["HEADRACE_BIND"] += f",unix:{path}"
    with service as own:
        warm_up(own, upstream, ["openai"])
        held = waiting(own, upstream, "unix")
        own.process.send_signal(signal.SIGTERM)
        own.wait_until(lambda: ready() == 503)
        assert {ready() for _ in range(PROBES)} == {503}
        upstream.open_gate("unix")
        assert rest(held).is_done
        assert seconds_until_gone(own, GONE) < GONE
    assert not path.exists()


class TestWhereOthersTakeItsPlace:
    """A worker that leaves must not accept, and refuse, a question that another process would have answered."""

    def test_a_worker_that_drains_alone_turns_no_question_away(self, upstream: Upstream) -> None:
        with Service(**openai_alone(upstream), WEB_CONCURRENCY="2") as own:
            own.wait_until(lambda: len(own.workers()) == 2)
            warm_up(own, upstream, ["openai"])
            held = waiting(own, upstream, "leaving")
            leaving = worker_of(own, held)
            os.kill(leaving, signal.SIGTERM)
            upstream.answer("steady", openai_wire.answer("steady"))
            assert {ask(own.url, "openai/steady").status for _ in range(100)} == {200}
            assert probe(own).status == 200
            assert leaving in own.workers()
            upstream.open_gate("leaving")
            assert rest(held).text == "onetwo"
            own.wait_until(lambda: leaving not in own.workers() and len(own.workers()) == 2, 30)

    def test_a_connection_that_it_has_accepted_is_answered(self, upstream: Upstream) -> None:
        with Service(**openai_alone(upstream)) as own:
            warm_up(own, upstream, ["openai"])
            upstream.answer("steady", openai_wire.answer("steady"))
            connection = http.client.HTTPConnection("127.0.0.1", own.port, timeout=30)
            connection.connect()
            assert probe(own).status == 200  # it is accepted by now
            os.kill(own.workers()[0], signal.SIGTERM)
            body = (
                f'{{"model": "openai/steady", "messages": [{{"role": "user", "content": "{QUESTION[0]["content"]}"}}]}}'
            )
            connection.request("POST", "/api/chat", body)
            assert connection.getresponse().status == 200
            connection.close()

    def test_the_service_that_an_upgrade_has_started_answers_all(self, upstream: Upstream, tmp_path: Path) -> None:
        upstream.answer("upgraded", openai_wire.answer("one", Gate("upgraded"), "two"))
        upstream.answer("steady", openai_wire.answer("steady"))
        pid_file = tmp_path / "master.pid"
        with Service(arguments=("--pid", str(pid_file)), **openai_alone(upstream)) as own:
            warm_up(own, upstream, ["openai"])
            held = waiting(own, upstream, "upgraded")
            own.process.send_signal(signal.SIGUSR2)
            second_file = tmp_path / "master.pid.2"
            own.wait_until(lambda: second_file.exists() and own.log().count("Booting worker") == 2, 30)
            second = int(second_file.read_text())
            try:
                own.process.send_signal(signal.SIGTERM)
                own.wait_until(lambda: "Handling signal: term" in own.log())
                assert {ask(own.url, "openai/steady").status for _ in range(100)} == {200}
                assert probe(own).status == 200
                assert own.process.poll() is None
                upstream.open_gate("upgraded")
                assert rest(held).text == "onetwo"
                assert seconds_until_gone(own, GONE) < GONE
                assert ask(own.url, "openai/steady").text == "steady"
            finally:
                os.kill(second, signal.SIGTERM)
