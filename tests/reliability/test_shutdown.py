"""A service that is stopped, reloaded, killed or paused: streams finish or get an error, and nothing hangs."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import time
from collections.abc import Callable

import pytest

from flask_headrace.providers.embedded.supervisor import unavailable_reason
from tests.conftest import NOTHING_MAY_BE_SKIPPED
from tests.reliability.test_embedded_model import model_process
from tests.streaming.resume.across_workers.stage import paused
from tests.support.process_info import is_alive, worker_of
from tests.support.reader import Answer, Reading, ask, asking, send
from tests.support.service import Service
from tests.support.started_service import openai_alone, warm_up
from tests.support.upstream import Burst, Ended, Gate, Hang, Upstream, openai_wire, script

pytestmark = pytest.mark.slow

GONE = 8.0
"""Seconds after its drain in which a service must end; gunicorn itself would wait ten, and then kill."""


def waiting(service: Service, upstream: Upstream, name: str, **fields) -> Reading:
    """Start a stream; return when the upstream has sent `one` and waits at the gate `name`."""
    upstream.answer(name, openai_wire.answer("one", Gate(name), "two"))
    seen = len(upstream.requests(name))
    reading = asking(service.url, f"openai/{name}", **fields)
    upstream.wait_for(lambda: upstream.requests(name)[seen].at_gate, timeout=15)
    return reading


def rest(reading: Reading) -> Answer:
    """Read the whole response."""
    response = reading.response()
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def is_refused(service: Service, upstream: Upstream) -> bool:
    """Whether a new request fails: with a 503 that gives the reason, or because the port is closed."""
    upstream.answer("late", openai_wire.answer("late"))
    try:
        answer = ask(service.url, "openai/late")
    except (ConnectionError, http.client.HTTPException):
        return True
    if answer.status == 200:
        return False
    assert (answer.status, answer.error["code"]) == (503, "shutting_down")
    assert answer.headers["retry-after"] == "1"
    return True


def seconds_until_gone(service: Service, limit: float) -> float:
    """Wait for the service to end by itself; return the seconds until then."""
    began = time.monotonic()
    assert service.process.wait(limit) == 0
    return time.monotonic() - began


def connected_until_refused(service: Service) -> list[socket.socket]:
    """Open connections without sending anything, until the port is closed."""
    connected: list[socket.socket] = []
    with contextlib.suppress(ConnectionRefusedError):
        while len(connected) < 1000:
            connected.append(socket.create_connection(("127.0.0.1", service.port), 5))
            time.sleep(0.01)
    return connected


class TestSigterm:
    def test_lets_streams_finish_ends_the_rest_and_takes_no_new_ones(self, upstream: Upstream) -> None:
        with Service(**openai_alone(upstream), HEADRACE_DRAIN="3") as own:
            warm_up(own, upstream, ["openai"])
            quick, slow = waiting(own, upstream, "drained"), waiting(own, upstream, "cut")
            whole = waiting(own, upstream, "cut whole", stream=False)
            upstream.answer("mute", script(Hang()))
            mute = asking(own.url, "openai/mute")
            upstream.wait_for(lambda: upstream.requests("mute"))
            own.process.send_signal(signal.SIGTERM)
            signalled_at = time.monotonic()
            wait_until(lambda: is_refused(own, upstream), 3)
            assert upstream.requests("cut")[0].ended is None
            upstream.open_gate("drained")
            assert rest(quick).text == "onetwo"
            answer = rest(slow)
            assert 2.5 < time.monotonic() - signalled_at < 3 + GONE
            assert [name for name, _ in answer.frames] == ["start", "message", "usage", "error"]
            assert answer.named("error")[0]["code"] == "shutting_down"
            for unanswered in (rest(whole), rest(mute)):
                assert (unanswered.status, unanswered.error["code"]) == (503, "shutting_down")
                assert unanswered.headers["retry-after"] == "1"
            seconds_until_gone(own, GONE)
            for name in ("cut", "cut whole", "mute"):
                assert upstream.ended(name).ended is Ended.ABORTED
            assert own.log().count('"end":"done"') >= 1
            assert own.log().count('"reason":"shutting_down"') == 3
            assert "graceful timeout" not in own.log()

    def test_does_not_wait_for_connections_that_ask_nothing(self, upstream: Upstream) -> None:
        with Service(**openai_alone(upstream)) as own:
            readings = [Reading(own.url + "/healthz", method="GET") for _ in range(3)]
            for reading in readings:
                reading.until(b"}")  # answered, and kept open
            idle = [reading.sock for reading in readings]
            own.process.send_signal(signal.SIGTERM)
            silent = [*idle, *connected_until_refused(own)]
            assert seconds_until_gone(own, GONE) < GONE
            for connection in silent:
                connection.close()

    def test_does_not_wait_for_a_body_that_does_not_come_nor_for_a_reader_that_stands_still(self, upstream) -> None:
        upstream.answer("tail", openai_wire.answer(Burst(openai_wire.text("x" * 1000), 20_000)))
        with Service(**openai_alone(upstream), HEADRACE_DRAIN="1", HEADRACE_BUFFER="100000000") as own:
            warm_up(own, upstream, ["openai"])
            body = socket.create_connection(("127.0.0.1", own.port), 5)
            body.sendall(b"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            still = asking(own.url, "openai/tail")
            upstream.ended("tail", timeout=15)
            own.process.send_signal(signal.SIGTERM)
            assert seconds_until_gone(own, GONE) < GONE
            body.close()
            still.leave()

    def test_is_not_lost_on_a_worker_that_was_just_born(self, upstream: Upstream) -> None:
        with Service(**openai_alone(upstream)) as own:
            old = own.workers()[0]
            os.kill(old, signal.SIGKILL)
            own.wait_until(lambda: [worker for worker in own.workers() if worker != old])
            own.process.send_signal(signal.SIGTERM)
            assert seconds_until_gone(own, GONE) < GONE


def test_readiness_is_refused_while_the_last_streams_finish(upstream: Upstream) -> None:
    with Service(**openai_alone(upstream), HEADRACE_DRAIN="20") as own:
        warm_up(own, upstream, ["openai"])
        running = waiting(own, upstream, "last")
        assert send(own.url + "/readyz", method="GET").status == 200
        own.process.send_signal(signal.SIGTERM)

        def is_unready() -> bool:
            try:
                return send(own.url + "/readyz", method="GET").status == 503
            except (ConnectionError, http.client.HTTPException):
                return True

        wait_until(is_unready, 3)
        upstream.open_gate("last")
        assert rest(running).is_done
        assert seconds_until_gone(own, GONE) < GONE


def test_a_reload_replaces_the_worker_and_lets_its_streams_finish(upstream: Upstream) -> None:
    with Service(**openai_alone(upstream), HEADRACE_DRAIN="60") as own:
        warm_up(own, upstream, ["openai"])
        old = own.workers()[0]
        running = waiting(own, upstream, "reloaded")
        own.process.send_signal(signal.SIGHUP)
        own.wait_until(lambda: len(own.workers()) > 1 or old not in own.workers(), 30)
        upstream.answer("new", openai_wire.answer("new"))
        own.wait_until(lambda: ask(own.url, "openai/new").status == 200, 30)
        assert is_alive(old)
        upstream.open_gate("reloaded")
        assert rest(running).text == "onetwo"
        own.wait_until(lambda: not is_alive(old), 30)
        assert ask(own.url, "openai/new").text == "new"


def test_a_reload_turns_no_question_away(upstream: Upstream) -> None:
    with Service(**openai_alone(upstream), WEB_CONCURRENCY="2") as own:
        warm_up(own, upstream, ["openai"])
        old = own.workers()
        upstream.answer("steady", openai_wire.answer("steady"))
        own.process.send_signal(signal.SIGHUP)
        statuses = []

        def is_replaced() -> bool:
            statuses.append(ask(own.url, "openai/steady").status)
            return len(own.workers()) == 2 and not set(old) & set(own.workers())

        own.wait_until(is_replaced, 60)
        assert set(statuses) == {200}


def test_a_worker_that_must_leave_serves_all_whose_connections_it_has_taken(upstream: Upstream) -> None:
    with Service(**openai_alone(upstream)) as own:
        worker = own.workers()[0]
        with paused(worker):
            came = [Reading(own.url + "/healthz", method="GET") for _ in range(120)]
        # They come in together, and the wish to leave with them: most have been taken and not been looked at yet.
        answers = [rest(came[0]).status]
        os.kill(worker, signal.SIGTERM)
        answers += [rest(reading).status for reading in came[1:]]
        assert answers == [200] * len(came)
        assert "Traceback" not in own.log()


def test_a_worker_that_has_had_its_max_requests_finishes_its_streams_first(upstream: Upstream) -> None:
    with Service(**openai_alone(upstream), HEADRACE_DRAIN="60", arguments=("--max-requests", "4")) as own:
        old = own.workers()[0]
        running = waiting(own, upstream, "counted")
        upstream.answer("filling", openai_wire.answer("filling"))
        while "Autorestarting" not in own.log():
            assert ask(own.url, "openai/filling").status == 200
        late = asking(own.url, "openai/filling")
        assert is_alive(old)
        upstream.open_gate("counted")
        assert rest(running).text == "onetwo"
        own.wait_until(lambda: not is_alive(old) and len(own.workers()) == 1, 30)
        assert old not in own.workers()
        assert rest(late).status in {200, 503}  # the one or the other worker has taken it
        assert ask(own.url, "openai/filling").text == "filling"


def test_ctrl_c_tells_every_reader_and_leaves_at_once(upstream: Upstream) -> None:
    with Service(**openai_alone(upstream)) as own:
        warm_up(own, upstream, ["openai"])
        readings = [waiting(own, upstream, "interrupted") for _ in range(20)]
        os.killpg(own.process.pid, signal.SIGINT)
        answers = [rest(reading) for reading in readings]
        assert {answer.named("error")[0]["code"] for answer in answers} == {"shutting_down"}
        assert seconds_until_gone(own, GONE) < GONE
        upstream.wait_for(lambda: upstream.tally("interrupted").aborted == 20)


class TestKilled:
    def test_one_of_two_workers_takes_only_its_own_streams_along(self, upstream: Upstream) -> None:
        with Service(**openai_alone(upstream), WEB_CONCURRENCY="2", HEADRACE_DRAIN="1") as own:
            first, second = own.wait_until(lambda: (w := own.workers())[1:] and w)
            readings: list[Reading] = []
            while {worker_of(own, reading) for reading in readings} != {first, second}:
                assert len(readings) < 200
                readings.append(waiting(own, upstream, "shared"))
            mine = [reading for reading in readings if worker_of(own, reading) == first]
            others = [reading for reading in readings if worker_of(own, reading) == second]
            os.kill(first, signal.SIGKILL)
            for reading in mine:
                with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                    rest(reading)
            upstream.wait_for(lambda: upstream.tally("shared").aborted == len(mine))
            upstream.answer("next", openai_wire.answer("next"))
            assert ask(own.url, "openai/next").text == "next"
            upstream.open_gate("shared")
            assert all(rest(reading).text == "onetwo" for reading in others)
            own.wait_until(lambda: len(own.workers()) == 2 and first not in own.workers())

    def test_the_embedded_model_survives_its_worker(self) -> None:
        reason = unavailable_reason()
        if reason and not os.environ.get(NOTHING_MAY_BE_SKIPPED):
            pytest.skip(reason)
        with Service(HEADRACE_EMBEDDED="1", HEADRACE_DRAIN="1") as own:
            own.wait_until(lambda: send(own.url + "/readyz", method="GET").status == 200, 60)
            model, worker = model_process(own), own.workers()[0]
            os.kill(worker, signal.SIGKILL)
            own.wait_until(lambda: own.workers() and worker not in own.workers())
            own.wait_until(lambda: answers(own), 30)
            assert model_process(own) == model


def test_a_paused_worker_goes_on_where_it_was_and_sees_who_left_meanwhile(upstream: Upstream) -> None:
    with Service(**openai_alone(upstream), HEADRACE_DRAIN="1") as own:
        worker = own.workers()[0]
        stays, leaves = waiting(own, upstream, "paused"), waiting(own, upstream, "left in a pause")
        os.kill(worker, signal.SIGSTOP)
        leaves.leave()
        upstream.open_gate("paused")
        upstream.ended("paused")
        assert upstream.requests("left in a pause")[0].ended is None
        os.kill(worker, signal.SIGCONT)
        assert upstream.ended("left in a pause").ended is Ended.ABORTED
        answer = rest(stays)
        assert (answer.text, answer.is_done) == ("onetwo", True)


def answers(service: Service) -> bool:
    """Whether the embedded model responds."""
    try:
        return ask(service.url, "local/smollm2", max_tokens=2).status == 200
    except (ConnectionError, http.client.HTTPException):
        return False


def wait_until(condition: Callable[[], bool], limit: float) -> None:
    """Wait for a condition that also holds for a service that has ended."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
