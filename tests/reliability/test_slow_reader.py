"""A slow client: heartbeats do not split frames, and memory stays bounded."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from tests.support.process_info import has_connection_of, resident
from tests.support.reader import Reading, ask, asking, parse
from tests.support.service import Service
from tests.support.started_service import openai_alone, warm_up
from tests.support.upstream import Burst, Chunk, Ended, Gate, Pause, Upstream, faults, openai_wire, script

pytestmark = pytest.mark.slow

HEARTBEAT = b": keep-alive\n\n"


class TestHeartbeat:
    @pytest.fixture(scope="class")
    def beating(self, upstream: Upstream) -> Iterator[Service]:
        with Service(**openai_alone(upstream), HEADRACE_HEARTBEAT="0.1") as running:
            warm_up(running, upstream, ["openai"])
            yield running

    def test_comes_before_the_upstream_answers_and_the_answer_after_it(self, beating, upstream) -> None:
        upstream.answer("late", script(Gate("late"), *openai_wire.answer("Hello").steps))
        with asking(beating.url, "openai/late") as reading:
            begun = reading.until(HEARTBEAT * 2)
            assert begun == HEARTBEAT * (len(begun) // len(HEARTBEAT))
            upstream.open_gate("late")
            body = reading.until(b"[DONE]")
        assert b'data: {"delta":"Hello"}\n\n' in body

    def test_has_begun_the_response_so_that_a_refusal_comes_in_it(self, beating, upstream) -> None:
        upstream.answer("late refusal", script(Pause(0.5), *openai_wire.error(500).steps))
        answer = ask(beating.url, "openai/late refusal")
        assert answer.status == 200
        assert answer.body.startswith(HEARTBEAT)
        assert [name for name, _ in answer.frames] == ["usage", "error"]
        assert answer.named("error")[0]["code"] == "upstream_failed"

    def test_waits_for_the_end_of_a_frame_that_the_upstream_has_begun(self, beating, upstream) -> None:
        frame = openai_wire.text("half and half")
        halves = (Chunk(frame.data[:120]), Pause(0.4), Chunk(frame.data[120:], 1))
        upstream.answer("halves", openai_wire.answer("one ", *halves, " two"))
        answer = ask(beating.url, "openai/halves")
        assert answer.text == "one half and half two"
        assert HEARTBEAT in answer.body
        assert answer.is_done

    def test_never_comes_inside_a_frame_however_slow_its_reader(self, beating, upstream) -> None:
        texts = [letter * 900_000 for letter in "abc"]
        upstream.answer(
            "big", openai_wire.answer(*(step for text in texts for step in (text, Pause(0.3))), Gate("big"))
        )
        body = b""
        with slow_reading(beating, "openai/big") as reading:
            for data in slowly(reading, pause=0.002):
                body += data
                if body.endswith(HEARTBEAT) and b'"ccc' in body:
                    upstream.open_gate("big")
        blocks = body.decode().split("\n\n")
        assert blocks.pop() == ""
        frames = [parse(block) for block in blocks if block != ": keep-alive"]
        assert None not in frames
        assert "".join(data["delta"] for name, data in frames[1:-3]) == "".join(texts)
        assert frames[-1] == ("message", "[DONE]")


def slow_reading(service: Service, model: str) -> Reading:
    """Start a stream on a socket with a small receive buffer."""
    reading = asking(service.url, model)
    reading.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    return reading


def slowly(reading: Reading, pause: float) -> Iterator[bytes]:
    """Read a body in small pieces, with pauses."""
    response = reading.response()
    while data := response.read1(8192):
        yield data
        time.sleep(pause)


def test_a_burst_of_200_mb_to_a_reader_that_takes_almost_nothing_costs_no_memory(service, upstream) -> None:
    worker = service.workers()[0]
    warm_up(service, upstream)
    upstream.answer("warm", openai_wire.answer(Burst(openai_wire.text("x" * 200), 10_000)))
    assert ask(service.url, "openai/warm").is_done
    before = resident(worker)
    upstream.answer("burst", faults.endless(openai_wire, 200_000_000))
    most = before
    with slow_reading(service, "openai/burst") as reading:
        upstream.wait_for(lambda: upstream.requests("burst")[0].stalled_for(0.3), timeout=15)
        for _, data in zip(range(100), slowly(reading, pause=0.01), strict=False):
            assert data
            most = max(most, resident(worker))
    assert upstream.closed("burst").bytes_sent < 60_000_000
    assert most - before < 6 * 1024 * 1024


def test_a_reader_that_stops_behind_the_end_of_the_answer_is_let_go_in_silence(upstream: Upstream) -> None:
    upstream.answer("tail", openai_wire.answer(Burst(openai_wire.text("x" * 1000), 30_000)))
    settings = {"HEADRACE_BUFFER": "100000000", "HEADRACE_CLIENT_TIMEOUT": "2", "HEADRACE_DRAIN": "1"}
    with Service(**openai_alone(upstream), **settings) as own:
        worker = own.workers()[0]
        with slow_reading(own, "openai/tail") as reading:
            port = reading.sock.getsockname()[1]
            assert upstream.ended("tail", timeout=20).ended is Ended.FINISHED
            assert has_connection_of(worker, port)
            own.wait_until(lambda: not has_connection_of(worker, port), 15)
        assert "Traceback" not in own.log()
