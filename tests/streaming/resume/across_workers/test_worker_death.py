"""Workers that die, hang or leave: what was stored can be read, and every reader gets one end."""

from __future__ import annotations

import http.client
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.streaming.resume.across_workers.conftest import store_url
from tests.streaming.resume.across_workers.stage import (
    Pair,
    Steady,
    check_whole,
    frames,
    gated,
    numbers,
    paused,
    read,
    stream_id,
    wait_until,
)
from tests.support.reader import asking, send
from tests.support.service import Service
from tests.support.started_service import openai_alone
from tests.support.upstream import Ended, Upstream

pytestmark = pytest.mark.slow

LOST = b'event: error\ndata: {"code":"worker_lost"'


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def pair(
    request: pytest.FixtureRequest, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    with Pair(upstream, store_url(request.param, request, tmp_path_factory), HEADRACE_DRAIN="3") as running:
        yield running


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.name


def begin(pair: Pair, upstream: Upstream, name: str) -> tuple[Steady, Steady]:
    """Ask worker 0; return its own reader and one at worker 1, who both have twenty words and wait."""
    upstream.answer(name, gated(name))
    own = Steady(pair.ask(0, name))
    own.has(b"word 19 ")
    other = Steady(pair.follow(1, own.id))
    other.has(b"word 19 ")
    return own, other


def test_a_killed_worker_is_missed_within_five_seconds_and_what_it_had_said_can_be_read(
    pair: Pair, upstream: Upstream, name: str
) -> None:
    own, other = begin(pair, upstream, name)
    second = Steady(pair.follow(1, own.id))
    second.has(b"word 19 ")
    killed_at = time.monotonic()
    os.kill(pair.pids()[0], signal.SIGKILL)
    ahead = Steady(pair.follow(1, own.id, 24))
    at_its_end = Steady(pair.follow(1, own.id, 23))
    before = own.read()
    assert numbers(before) == list(range(1, 22))
    whole = other.read()
    assert time.monotonic() - killed_at < 7  # 5 and what a busy machine takes
    check_whole(whole)
    assert whole.startswith(frames(before))
    assert numbers(whole) == list(range(1, 24))
    assert b'event: usage\ndata: {"input_tokens":' in whole
    assert b'"estimated":true' in whole
    assert LOST in whole
    # Both have read what was lost, and so have numbers of which the store knows nothing: none of them comes twice.
    for reader, expected in ((ahead, [25, 26]), (at_its_end, [24, 25])):
        assert numbers(reader.read()) == expected
        assert LOST in reader.body
    assert second.read() == whole
    wait_until(lambda: len(pair.pids()) == 2)
    for worker in (0, 1):
        assert read(pair.follow(worker, own.id)).body == whole
        assert pair.stop(worker, own.id).status == 204
    assert len(upstream.requests(name)) == 1


def test_a_worker_that_stood_still_goes_on_for_its_readers_and_nobody_hears_of_two_ends(
    pair: Pair, upstream: Upstream, name: str
) -> None:
    own, other = begin(pair, upstream, name)
    leaver = Steady(pair.follow(0, own.id))
    leaver.has(b"word 19 ")
    with paused(pair.pids()[0]):
        lost = other.read(10)
        check_whole(lost)
        assert LOST in lost
    upstream.open_gate(name)
    whole = own.read()
    check_whole(whole)
    assert b"[DONE]" in whole
    assert len(numbers(whole)) == 43
    assert leaver.read() == whole
    for worker in (0, 1):
        wait_until(lambda worker=worker: read(pair.follow(worker, own.id)).body == lost)
        # A reader that had more of it than the store is told how it ended there, and not again from its beginning.
        assert numbers(read(pair.follow(worker, own.id, 30)).body) == [31, 32]
    for service in pair.services:
        service.wait_until(lambda s=service: send(s.url + "/healthz", method="GET").json["streams"] == 0)


@pytest.mark.parametrize("pair", ["redis"], indirect=True)  # the workers of one service leave together
def test_a_service_that_leaves_tells_those_who_follow_elsewhere(pair: Pair, upstream: Upstream, name: str) -> None:
    own, other = begin(pair, upstream, name)
    upstream.answer(f"{name} here", gated(f"{name} here"))
    here = Steady(pair.ask(1, f"{name} here"))
    here.has(b"word 19 ")
    cut = Steady(pair.follow(0, here.id))
    cut.has(b"word 19 ")
    text = pair.follow(0, here.id, query="?protocol=text")
    text.until(b"word 19 ")
    pair.services[0].process.send_signal(signal.SIGTERM)
    signalled_at = time.monotonic()
    # What it only passed on ends at once and without an end, so that its reader comes back: to the other.
    assert numbers(cut.read(2)) == list(range(1, 22))
    assert numbers(other.body) == list(range(1, 22))
    # In a protocol that has no end either, an end in good order would be that of a whole answer.
    with pytest.raises(http.client.IncompleteRead):
        text.until(b"word 20 ")
    back = Steady(pair.follow(1, here.id, 21))
    upstream.open_gate(f"{name} here")
    assert frames(cut.body + back.read()) == here.read()
    for reader in (own, other):
        check_whole(reader.read())
        assert b'event: error\ndata: {"code":"shutting_down"' in reader.body
    assert frames(own.body) == frames(other.body)
    assert time.monotonic() - signalled_at > 2.5
    assert upstream.ended(name).ended is Ended.ABORTED
    assert pair.services[0].process.wait(10) == 0


def test_a_service_that_leaves_sees_streams_to_their_end_whose_readers_are_away(
    upstream: Upstream, tmp_path: Path
) -> None:
    settings = {**openai_alone(upstream), "HEADRACE_STORE": f"sqlite:///{tmp_path}/streams.db", "HEADRACE_DRAIN": "3"}
    upstream.answer("finishes", gated("in time"))
    upstream.answer("does not", gated("never"))
    with Service(**settings) as leaving, Service(**settings) as staying:
        ids = []
        for model in ("finishes", "does not"):
            reading = asking(leaving.url, f"openai/{model}", resumable=True)
            reading.until(b"word 19 ")
            ids.append(stream_id(reading))
            reading.leave()
        leaving.process.send_signal(signal.SIGTERM)
        upstream.open_gate("in time")
        assert leaving.process.wait(20) == 0
        whole, cut = (send(f"{staying.url}/api/streams/{id_}", method="GET").body for id_ in ids)
        check_whole(whole)
        assert b"data: [DONE]" in whole
        check_whole(cut)
        assert b'event: error\ndata: {"code":"shutting_down"' in cut
        assert leaving.log().count("stream_end") == 2
