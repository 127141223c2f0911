"""The Redis master dies and a replica takes its place: no reader gets a wrong answer, and all streams continue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import require
from tests.streaming.resume.across_workers.stage import Pair, Steady, check_whole, gated, numbers, read, wait_until
from tests.streaming.stores.redis.clusters import FAILOVER, Guarded
from tests.support.reader import Answer
from tests.support.upstream import Upstream, openai_wire

pytestmark = pytest.mark.slow

NOT_RESUMABLE = b'event: error\ndata: {"code":"not_resumable"'


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    running = Guarded(require("redis-server", "apt-get install redis-server"), tmp_path)
    yield running
    running.close()


def test_through_a_failover_answers_go_on_and_afterwards_they_can_be_resumed_again(
    guarded: Guarded, upstream: Upstream
) -> None:
    """At a master that Sentinels watch over; that a cluster is followed as well, the tests of the store show."""
    upstream.answer("kept", openai_wire.answer("a"))
    upstream.answer("cut", gated("cut 1", "cut 2"))
    with Pair(upstream, guarded.url) as pair:
        ended = Steady(pair.ask(0, "kept"))
        whole = ended.read()
        own = Steady(pair.ask(0, "cut"))
        own.has(b"word 19 ")
        other = Steady(pair.follow(1, own.id))
        other.has(b"word 19 ")
        wait_until(lambda: guarded.master.client.wait(1, 100) == 1)
        guarded.master.kill()
        upstream.open_gate("cut 1")
        own.has(b"id: 41-")
        wait_until(guarded.replica.is_master, FAILOVER)
        upstream.open_gate("cut 2")
        check_whole(own.read())
        received = other.read(30)
        assert received == own.body or NOT_RESUMABLE in received
        assert numbers(received) == list(range(1, len(numbers(received)) + 1))
        wait_until(lambda: read(pair.follow(1, ended.id, 0)).body == whole, FAILOVER)
        for worker in (0, 1):
            new = wait_until(lambda worker=worker: answered(pair.ask(worker, "kept")), FAILOVER)
            again = read(pair.follow(1 - worker, new.headers["headrace-stream-id"], 0))
            assert (again.status, again.body) == (200, new.body)


def answered(reading: object) -> Answer | None:
    """Read an answer; None for a refusal."""
    answer = read(reading)
    return answer if answer.status == 200 else None
