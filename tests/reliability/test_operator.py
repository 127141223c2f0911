"""Events in a running service: a signal twice, a worker's timeout, a clock that jumps, a second service."""

from __future__ import annotations

import http.client
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_headrace.providers.embedded.supervisor import unavailable_reason
from tests.conftest import NOTHING_MAY_BE_SKIPPED
from tests.support.process_info import proportional, worker_of
from tests.support.reader import Reading, ask, asking, send
from tests.support.service import Service, children
from tests.support.started_service import openai_alone
from tests.support.upstream import Gate, Upstream, openai_wire

pytestmark = pytest.mark.slow


def waiting(service: Service, upstream: Upstream, name: str, **fields) -> Reading:
    """Start a stream; return when its first word has arrived and the upstream waits at the gate `name`."""
    upstream.answer(name, openai_wire.answer("one", Gate(name), "two"))
    reading = asking(service.url, f"openai/{name}", **fields)
    reading.until(b"one")
    return reading


def rest(reading: Reading) -> bytes:
    return b"".join(reading.chunks())


def id_of(reading: Reading) -> str:
    """Return the id of a stream whose response has begun."""
    return reading._response.getheader("Headrace-Stream-Id") or ""


def test_control_c_twice_tells_every_reader_and_ends_in_good_order(upstream: Upstream) -> None:
    with Service(**openai_alone(upstream), WEB_CONCURRENCY="2") as own:
        readings = [waiting(own, upstream, "twice") for _ in range(6)]
        for _ in range(2):
            os.killpg(own.process.pid, signal.SIGINT)
        for reading in readings:
            assert b'event: error\ndata: {"code":"shutting_down"' in rest(reading)
        assert own.process.wait(20) == 0
        assert "Traceback" not in own.log()
    assert upstream.wait_for(lambda: upstream.tally("twice").aborted == 6)


def test_a_worker_that_is_ended_for_its_time_out_takes_only_its_own_streams_along(upstream: Upstream) -> None:
    settings = openai_alone(upstream) | {"WEB_CONCURRENCY": "2", "HEADRACE_DRAIN": "0"}
    with Service(**settings, arguments=("--timeout", "4")) as own:
        stuck, other = own.wait_until(lambda: (w := own.workers())[1:] and w)
        readings: list[Reading] = []
        while {worker_of(own, reading) for reading in readings} != {stuck, other}:
            assert len(readings) < 200
            readings.append(waiting(own, upstream, "timed"))
        mine = [reading for reading in readings if worker_of(own, reading) == stuck]
        others = [reading for reading in readings if worker_of(own, reading) == other]
        os.kill(stuck, signal.SIGSTOP)
        own.wait_until(lambda: len(workers := own.workers()) == 2 and stuck not in workers, 30)
        assert f"WORKER TIMEOUT (pid:{stuck})" in own.log()
        upstream.open_gate("timed")
        assert all(b"[DONE]" in rest(reading) for reading in others)
        for reading in mine:
            with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                rest(reading)
        upstream.answer("next", openai_wire.answer("next"))
        assert {ask(own.url, "openai/next").text for _ in range(4)} == {"next"}


# libfaketime, which would do that from outside, breaks the sleeps of Python's own on the monotonic clock.
SHIFTED = """
import time
from pathlib import Path

OFFSET = Path(__file__).with_name("offset")
true_time, true_time_ns = time.time, time.time_ns
time.time = lambda: true_time() + float(OFFSET.read_text() or 0)
time.time_ns = lambda: true_time_ns() + int(OFFSET.read_text() or 0) * 10**9
"""


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file with the offset, in seconds, of the service's wall clock."""
    folder = tmp_path_factory.mktemp("clock")
    (folder / "sitecustomize.py").write_text(SHIFTED)
    (folder / "offset").write_text("0")
    return folder / "offset"


@pytest.fixture(scope="module")
def service(upstream: Upstream, clock: Path) -> Iterator[Service]:
    store = f"sqlite:///{clock.parent}/streams.db"
    running = Service(**openai_alone(upstream), HEADRACE_STORE=store, HEADRACE_DRAIN="0", HEADRACE_HEARTBEAT="0.2")
    running.settings["PYTHONPATH"] = str(clock.parent)
    with running:
        yield running


@pytest.mark.parametrize("jump", ["2592000", "-2592000"])
def test_a_wall_clock_that_jumps_ends_no_stream_and_forgets_none(
    service: Service, upstream: Upstream, clock: Path, jump: str
) -> None:
    clock.write_text("0")
    workers = service.workers()
    with waiting(service, upstream, f"jump {jump}", resumable=True) as reading:
        stream = id_of(reading)
        clock.write_text(jump)
        for _ in range(3):
            reading.until(b": keep-alive")
        upstream.open_gate(f"jump {jump}")
        assert b"[DONE]" in rest(reading)
    again = send(f"{service.url}/api/streams/{stream}", method="GET")
    assert (again.status, again.text) == (200, "onetwo")
    assert service.workers() == workers
    clock.write_text("0")


def test_it_all_fits_into_512_mb_with_the_embedded_model() -> None:
    reason = unavailable_reason()
    if reason and not os.environ.get(NOTHING_MAY_BE_SKIPPED):
        pytest.skip(reason)
    with Service(HEADRACE_EMBEDDED="1", HEADRACE_DRAIN="0") as own:
        own.wait_until(lambda: send(own.url + "/readyz", method="GET").status == 200, 60)
        for _ in range(2):
            own.wait_until(lambda: ask(own.url, "local/smollm2", max_tokens=4).is_done, 30)
        processes = [own.process.pid, *children(own.process.pid)]
        assert sum(proportional(pid) for pid in processes) < 512 * 1024 * 1024


def test_two_services_of_one_store_follow_and_stop_each_others_streams(
    service: Service, upstream: Upstream, clock: Path
) -> None:
    store = service.settings["HEADRACE_STORE"]
    second = Service(**openai_alone(upstream), HEADRACE_STORE=store, HEADRACE_DRAIN="0")
    with second, waiting(second, upstream, "shared", resumable=True) as reading:
        stream = f"{service.url}/api/streams/{id_of(reading)}"
        with Reading(stream, method="GET") as follower:
            follower.until(b"one")
            assert send(stream, method="DELETE").status in {200, 202, 204}
            assert b"event: cancelled" in rest(follower)
        assert b"event: cancelled" in rest(reading)
