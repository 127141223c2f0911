"""Streams are stopped from any worker and at any moment; a stream without readers ends after its grace."""

from __future__ import annotations

import http.client
import time

import pytest

from tests.streaming.resume.across_workers.stage import (
    WORDS,
    Pair,
    Steady,
    check_whole,
    frames,
    gated,
    numbers,
    read,
    stream_id,
    wait_until,
)
from tests.support.reader import Answer, send
from tests.support.upstream import FINISH, Burst, Ended, Gate, Hang, Upstream, openai_wire, script

GRACE = 1.2
SETTINGS = {
    "HEADRACE_API_KEYS": "mine,theirs",
    "HEADRACE_RESUME_GRACE": str(GRACE),
    "HEADRACE_RETENTION": "6",
    "HEADRACE_HEARTBEAT": "0.3",
}


@pytest.fixture(params=[0, 1], ids=["the same worker", "another worker"])
def worker(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.name


def begin(pair: Pair, upstream: Upstream, name: str, **fields: str) -> Steady:
    """Ask worker 0, and return when the upstream has said twenty words and waits."""
    upstream.answer(name, gated(name))
    reader = Steady(pair.ask(0, name, key="mine", **fields))
    reader.has(b"word 19 ")
    return reader


class TestDelete:
    def test_closes_the_upstream_and_tells_every_reader(
        self, pair: Pair, upstream: Upstream, name: str, worker: int
    ) -> None:
        first = begin(pair, upstream, name)
        others = [Steady(pair.follow(n, first.id, key="mine")) for n in (0, 1)]
        for other in others:
            other.has(b"word 19 ")
        answer = pair.stop(worker, first.id, key="mine")
        assert (answer.status, answer.body) == (204, b"")
        ended = upstream.ended(name)
        assert ended.ended is Ended.ABORTED
        whole = frames(first.read())
        check_whole(whole)
        assert b'event: cancelled\ndata: {"reason":"stopped"}' in whole
        assert b"event: usage" in whole
        assert [frames(other.read()) for other in others] == [whole] * 2

    def test_can_be_said_twice_and_after_the_end(self, pair: Pair, upstream: Upstream, name: str, worker: int) -> None:
        first = begin(pair, upstream, name)
        assert [pair.stop(n, first.id, key="mine").status for n in (worker, worker, 1 - worker)] == [204] * 3
        whole = frames(first.read())
        assert pair.stop(worker, first.id, key="mine").status == 204
        assert frames(read(pair.follow(worker, first.id, key="mine")).body) == whole
        upstream.answer(f"{name} done", openai_wire.answer("a"))
        reading = pair.ask(0, f"{name} done", key="mine")
        id_ = stream_id(reading)
        body = frames(read(reading).body)
        assert pair.stop(worker, id_, key="mine").status == 204
        assert frames(read(pair.follow(worker, id_, key="mine")).body) == body

    def test_before_the_first_token_ends_the_wait(self, pair: Pair, upstream: Upstream, name: str, worker: int) -> None:
        upstream.answer(name, script(Hang()))
        id_ = f"before-the-first-token-{worker}"
        first = Steady(pair.ask(0, name, key="mine", id=id_))
        upstream.wait_for(lambda: upstream.requests(name))
        assert pair.stop(worker, id_, key="mine").status == 204
        assert upstream.ended(name).ended is Ended.ABORTED
        whole = frames(first.read())
        check_whole(whole)
        assert numbers(whole) == [1, 2]

    def test_while_its_reader_is_away_is_told_when_it_comes_back(
        self, pair: Pair, upstream: Upstream, name: str, worker: int
    ) -> None:
        upstream.answer(name, gated(name))
        reading = pair.ask(0, name, key="mine")
        id_ = stream_id(reading)
        got = reading.until(b"word 19 ")
        reading.reset()
        last = numbers(got)[-1] - 1
        assert pair.stop(worker, id_, key="mine").status == 204
        assert upstream.ended(name).ended is Ended.ABORTED
        back = read(pair.follow(1 - worker, id_, last, key="mine"))
        assert numbers(back.body) == list(range(last + 1, 24))
        assert back.body.endswith(b'event: cancelled\ndata: {"reason":"stopped"}\n\n')

    def test_by_somebody_else_is_404_and_stops_nothing(
        self, pair: Pair, upstream: Upstream, name: str, worker: int
    ) -> None:
        first = begin(pair, upstream, name)
        for answer in (pair.stop(worker, first.id, key="theirs"), read(pair.follow(worker, first.id, key="theirs"))):
            assert (answer.status, answer.error["code"]) == (404, "stream_not_found")
        assert pair.stop(worker, first.id).status == 401
        upstream.open_gate(name)
        assert b"[DONE]" in first.read()
        for answer in (pair.stop(worker, first.id, key="theirs"), read(pair.follow(worker, first.id, key="theirs"))):
            assert answer.status == 404

    def test_of_a_foreign_page_is_refused(self, pair: Pair, upstream: Upstream, name: str, worker: int) -> None:
        first = begin(pair, upstream, name)
        headers = {"Authorization": "Bearer mine", "Origin": "https://evil.example"}
        for method in ("DELETE", "GET"):
            answer = read(pair.reading(worker, f"/api/streams/{first.id}", method=method, headers=headers))
            assert answer.status == 403
        upstream.open_gate(name)
        assert b"[DONE]" in first.read()

    def test_of_an_id_of_somebody_elses_choice_is_409(
        self, pair: Pair, upstream: Upstream, name: str, worker: int
    ) -> None:
        own = {"id": f"somebody-elses-choice-{worker}"}
        first = begin(pair, upstream, name, **own)
        answer = read(pair.ask(worker, name, key="theirs", **own))
        assert (answer.status, answer.error["code"]) == (409, "stream_conflict")
        pair.stop(worker, first.id, key="mine")
        first.read()


class TestGrace:
    @pytest.fixture
    def worker(self) -> int:
        """Return the other worker: the one that fills the stream is tried in `streaming/test_grace.py`."""
        return 1

    def test_ends_when_a_reader_comes_back_and_begins_anew_when_that_leaves(
        self, pair: Pair, upstream: Upstream, name: str, worker: int
    ) -> None:
        first = begin(pair, upstream, name)
        first.leave()
        time.sleep(GRACE / 2)
        second = Steady(pair.follow(worker, first.id, 21, key="mine"))
        second.has(b": keep-alive")
        time.sleep(GRACE + 1)
        assert upstream.requests(name)[0].ended is None
        second.leave()
        left_at = time.monotonic()
        ended = upstream.ended(name, timeout=10)
        assert ended.ended is Ended.ABORTED
        # A worker looks once a second whether its stream is read elsewhere.
        assert GRACE - 1.1 < ended.ended_at - left_at < GRACE + 2
        body = read(pair.follow(1 - worker, first.id, key="mine")).body
        check_whole(body)
        assert b'event: cancelled\ndata: {"reason":"reader_left"}' in body

    def test_lets_an_answer_finish_that_nobody_reads(
        self, pair: Pair, upstream: Upstream, name: str, worker: int
    ) -> None:
        first = begin(pair, upstream, name)
        first.leave()
        upstream.open_gate(name)
        assert upstream.ended(name).ended is Ended.FINISHED
        wait_until(lambda: b"[DONE]" in read(pair.follow(worker, first.id, key="mine")).body)


def test_a_finished_stream_can_be_read_until_its_retention_is_over_and_is_not_made_again(
    pair: Pair, upstream: Upstream, name: str, worker: int
) -> None:
    upstream.answer(name, openai_wire.answer(Burst(WORDS, 5)))
    reading = pair.ask(0, name, key="mine")
    id_ = stream_id(reading)
    whole = frames(read(reading).body)
    ended_at = time.monotonic()
    assert frames(read(pair.follow(worker, id_, key="mine")).body) == whole

    def is_gone() -> bool:
        # At the moment of its end it may still be found and have nothing left to read, or be broken off.
        try:
            answer = read(pair.follow(worker, id_, key="mine"))
        except http.client.IncompleteRead as broken:
            answer = Answer(200, {}, broken.partial)
        assert answer.status == 404 or frames(answer.body) in {whole, b""}
        return answer.status == 404

    wait_until(is_gone)
    assert time.monotonic() - ended_at > 5.5
    assert pair.stop(worker, id_, key="mine").status == 404
    assert len(upstream.requests(name)) == 1


def test_a_head_request_asks_nothing_and_leaves_nothing_open(
    pair: Pair, upstream: Upstream, name: str, worker: int
) -> None:
    first = begin(pair, upstream, name)
    headers = {"Authorization": "Bearer mine"}
    answer = read(pair.reading(worker, f"/api/streams/{first.id}", method="HEAD", headers=headers))
    assert (answer.status, answer.body) == (200, b"")
    upstream.open_gate(name)
    first.read()
    for service in pair.services:
        service.wait_until(lambda s=service: send(s.url + "/healthz", method="GET").json["streams"] == 0)


def test_a_stream_that_fails_tells_all_alike(pair: Pair, upstream: Upstream, name: str, worker: int) -> None:
    broken = [openai_wire.HEAD, openai_wire.opening(), openai_wire.text("a"), Gate(name), openai_wire.error_frame()]
    upstream.answer(name, script(*broken, FINISH))
    first = Steady(pair.ask(0, name, key="mine"))
    first.has(b'"a"')
    second = Steady(pair.follow(worker, first.id, key="mine"))
    upstream.open_gate(name)
    whole = frames(first.read())
    check_whole(whole)
    assert b'event: error\ndata: {"code":"upstream_failed"' in whole
    again = read(pair.follow(worker, first.id, key="mine"))
    assert frames(second.read()) == frames(again.body) == whole
