"""The store goes away and comes back: streams continue, plain ones begin, and no restart is needed afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import require
from tests.streaming.resume.across_workers.stage import (
    Pair,
    Steady,
    beyond,
    check_whole,
    frames,
    gated,
    numbers,
    read,
    wait_until,
)
from tests.streaming.stores.redis.server import RedisServer
from tests.support.reader import Answer
from tests.support.upstream import Upstream, openai_wire

pytestmark = pytest.mark.slow

NOT_RESUMABLE = b'event: error\ndata: {"code":"not_resumable"'


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.name


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    program = require("redis-server", "apt-get install redis-server")
    server = RedisServer(program, tmp_path_factory.mktemp("own"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def redis_pair(own_redis: RedisServer, upstream: Upstream) -> Iterator[Pair]:
    with Pair(upstream, own_redis.url) as running:
        yield running


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], check=False)
    if mounted.returncode:
        require("a small disk", "run the tests as root, so that they can mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", folder], check=False)


@pytest.fixture(scope="module")
def sqlite_pair(small_disk: Path, upstream: Upstream) -> Iterator[Pair]:
    with Pair(upstream, f"sqlite:///{small_disk}/streams.db") as running:
        yield running


def check_who_is_ahead(pair: Pair, id_: str) -> None:
    """Come back at the other worker with the number of an event that the store could not take yet."""
    path, headers = f"/api/streams/{id_}", {"Last-Event-ID": "41"}
    reads_statuses = pair.reading(1, path, method="GET", headers=headers)
    event_source = headers | {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
    comes_again = pair.reading(1, path, method="GET", headers=event_source)
    refused = read(reads_statuses)
    assert (refused.status, refused.error["code"]) == (503, "store_unavailable")
    assert int(refused.headers["retry-after"]) > 0
    sent_back = read(comes_again)
    assert (sent_back.status, sent_back.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert sent_back.body == b": store_unavailable\nretry: 2000\n\n"


def check_outage(
    pair: Pair,
    upstream: Upstream,
    name: str,
    go: Callable[[], None],
    come_back: Callable[[], None],
    *,
    is_all_lost: bool = True,
) -> None:
    """Let the store go away in the middle of an answer, look at what works meanwhile, and afterwards.

    `is_all_lost` says that it takes nothing at all; else what is small may still find room.
    """
    upstream.answer(name, gated(f"{name} 1", f"{name} 2"))
    upstream.answer(f"{name} short", openai_wire.answer("a"))
    own = Steady(pair.ask(0, name))
    own.has(b"word 19 ")
    beside = Steady(pair.follow(0, own.id))
    beside.has(b"word 19 ")
    other = Steady(pair.follow(1, own.id))
    other.has(b"word 19 ")
    go()
    try:
        upstream.open_gate(f"{name} 1")
        for reader in (own, beside):
            reader.has(b"id: 41-", 2.0)
        check_only_plain_streams_begin(pair, f"{name} short", is_all_lost=is_all_lost)
        if is_all_lost:
            check_who_is_ahead(pair, own.id)
        assert upstream.requests(name)[0].ended is None
    finally:
        come_back()
    upstream.open_gate(f"{name} 2")
    for reader in (own, beside, other):
        whole = reader.read()
        check_whole(whole)
        assert len(numbers(whole)) == 63
        assert b"[DONE]" in whole
    assert frames(other.body) == frames(own.body)
    check_all_works_again(pair, upstream, name, own)


def check_only_plain_streams_begin(pair: Pair, model: str, *, is_all_lost: bool) -> None:
    """Check that a resumable stream is refused soon at both workers, and that a plain one is not."""
    for worker in (0, 1):
        began = time.monotonic()
        refused = wait_until(lambda worker=worker: refusal(read(pair.ask(worker, model)), is_all_lost))
        assert (refused.status, refused.error["code"]) == (503, "store_unavailable")
        assert int(refused.headers["retry-after"]) > 0
        assert time.monotonic() - began < 8
        assert read(pair.ask(worker, model, resumable=False)).text == "a"


def check_all_works_again(pair: Pair, upstream: Upstream, name: str, own: Steady) -> None:
    """Check at both workers that the stream `own` can be read, and that new streams begin and can be followed."""
    for worker in (0, 1):
        assert frames(read(pair.follow(worker, own.id, 50)).body) == beyond(own.body, 50)
        wait_until(lambda worker=worker: read(pair.ask(worker, f"{name} short")).status == 200)
        upstream.answer(f"{name} after {worker}", gated(f"{name} after {worker}"))
        again = Steady(pair.ask(worker, f"{name} after {worker}"))
        reader = Steady(pair.follow(1 - worker, again.id))
        reader.has(b"word 19 ")
        upstream.open_gate(f"{name} after {worker}")
        assert reader.read() == again.read()
        check_whole(again.body)


def refusal(answer: Answer, is_needed: bool) -> Answer | None:
    return None if answer.status == 200 and not is_needed else answer


def test_a_redis_that_was_killed_and_started_again_has_forgotten_and_all_is_well(
    redis_pair: Pair, own_redis: RedisServer, upstream: Upstream, name: str
) -> None:
    pair = redis_pair
    upstream.answer(name, gated(f"{name} 1", f"{name} 2"))
    own = Steady(pair.ask(0, name))
    own.has(b"word 19 ")
    other = Steady(pair.follow(1, own.id))
    other.has(b"word 19 ")
    own_redis.kill()
    upstream.open_gate(f"{name} 1")
    own.has(b"id: 41-", 2.0)
    assert read(pair.ask(0, name)).status == 503
    assert read(pair.ask(1, "warm", resumable=False)).text == "warm"
    own_redis.start()
    # It is gone there: who was in the middle of it is told so, in the place of what is missing.
    check_whole(other.read())
    assert numbers(other.body) == list(range(1, 23))
    assert NOT_RESUMABLE in other.body
    assert read(pair.follow(1, own.id, 21)).status == 404
    upstream.open_gate(f"{name} 2")
    check_whole(own.read())
    assert b"[DONE]" in own.body
    for worker in (0, 1):
        wait_until(lambda worker=worker: read(pair.ask(worker, "warm")).status == 200)
        upstream.answer(f"{name} after {worker}", gated(f"{name} after {worker}"))
        again = Steady(pair.ask(worker, f"{name} after {worker}"))
        again.has(b"word 19 ")
        reader = Steady(pair.follow(1 - worker, again.id))
        reader.has(b"word 19 ")
        # Wishes to stop come through again as well.
        pair.stop(1 - worker, again.id)
        assert reader.read() == again.read()
        assert b"event: cancelled" in again.body


def test_a_redis_that_stands_still(redis_pair: Pair, own_redis: RedisServer, upstream: Upstream, name: str) -> None:
    check_outage(redis_pair, upstream, name, own_redis.pause, own_redis.go_on)


def test_an_sqlite_file_that_somebody_has_locked(
    sqlite_pair: Pair, small_disk: Path, upstream: Upstream, name: str
) -> None:
    with contextlib.closing(sqlite3.connect(small_disk / "streams.db", isolation_level=None)) as db:
        check_outage(sqlite_pair, upstream, name, lambda: db.execute("BEGIN EXCLUSIVE"), lambda: db.execute("ROLLBACK"))


def test_a_disk_that_is_full(sqlite_pair: Pair, small_disk: Path, upstream: Upstream, name: str) -> None:
    ballast = small_disk / "ballast"

    def fill() -> None:
        file = os.open(ballast, os.O_WRONLY | os.O_CREAT)
        with contextlib.suppress(OSError):
            while os.write(file, b"x" * 1024):
                pass
        os.close(file)

    check_outage(sqlite_pair, upstream, name, fill, ballast.unlink, is_all_lost=False)
    assert shutil.disk_usage(small_disk).free
