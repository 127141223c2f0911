"""The store loses a stream and its id is used again: a cursor in the lost answer never leads to the other answer."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import pytest

from tests.conftest import require
from tests.streaming.resume.across_workers.stage import (
    Pair,
    Steady,
    check_whole,
    frames,
    gated,
    numbers,
    read,
    wait_until,
)
from tests.streaming.stores.redis.server import RedisServer
from tests.support.reader import QUESTION, Answer, Reading, send
from tests.support.service import Service
from tests.support.started_service import openai_alone
from tests.support.upstream import Upstream, openai_wire

ID = "the-id-that-the-client-has-chosen"

EVENT_SOURCE = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(require("redis-server", "apt-get install redis-server"), tmp_path_factory.mktemp("replaced"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def redis_pair(own_redis: RedisServer, upstream: Upstream) -> Iterator[Pair]:
    with Pair(upstream, own_redis.url) as running:
        yield running


def last_position(body: bytes) -> str:
    return re.findall(rb"^id: (.*)\n", body, re.MULTILINE)[-1].decode()


def check_refused(answer: Answer) -> None:
    assert (answer.status, answer.error["code"]) == (410, "not_resumable")
    assert ID in answer.error["message"]


@pytest.mark.parametrize("protocol", ["native", "openai", "openai-responses", "anthropic"])
def test_by_a_redis_that_was_flushed(
    redis_pair: Pair, own_redis: RedisServer, upstream: Upstream, protocol: str
) -> None:
    own_redis.forget_everything()
    name, chosen = f"flushed-{protocol}", f"{ID}-{protocol}"
    upstream.answer(name, gated(f"{name} goes on"))
    first = Steady(redis_pair.ask(0, name, id=chosen))
    begun = first.has(b"id: 21-")
    first.leave()
    own_redis.forget_everything()
    upstream.answer(name, openai_wire.answer(*[openai_wire.text(f"other {n} ") for n in range(40)]))
    second = read(redis_pair.ask(1, name, id=chosen)).body
    check_whole(second)
    path = f"/api/streams/{chosen}?protocol={protocol}"
    for more in ({}, EVENT_SOURCE):
        headers = {**more, "Last-Event-ID": last_position(begun)}
        check_refused(read(redis_pair.reading(1, path, method="GET", headers=headers)))
    query = f"?protocol={protocol}&last_event_id={last_position(begun)}"
    check_refused(read(redis_pair.follow(1, chosen, query=query)))
    # A position in the answer that is there goes on in it, and a number alone is taken for one.
    for position in (f"21{last_position(second)[2:]}", "21"):
        rest = read(redis_pair.follow(1, chosen, position, query=f"?protocol={protocol}"))
        assert numbers(rest.body)[0] > 21
        assert b"other 39 " in rest.body
    upstream.open_gate(f"{name} goes on")


def test_by_the_memory_of_a_worker_that_died(upstream: Upstream) -> None:
    with Service(**openai_alone(upstream), HEADRACE_STORE="memory") as service:
        body = {"model": "openai/remembered", "messages": QUESTION, "resumable": True, "id": ID}
        upstream.answer("remembered", openai_wire.answer(*[openai_wire.text(f"first {n} ") for n in range(9)]))
        first = send(f"{service.url}/api/chat", body).body
        url = f"{service.url}/api/streams/{ID}"
        position = "5" + last_position(first)[2:]
        with Reading(url, method="GET", headers={"Last-Event-ID": position}) as again:
            assert frames(read(again).body) == first[first.index(b"id: 6-") :]
        (worker,) = wait_until(service.workers)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: (found := service.workers()) and worker not in found)
        assert send(url, method="GET", headers={"Last-Event-ID": position}).status == 404
        upstream.answer("remembered", openai_wire.answer(*[openai_wire.text(f"second {n} ") for n in range(9)]))
        second = send(f"{service.url}/api/chat", body).body
        assert b"second 8 " in second
        check_refused(send(url, method="GET", headers={"Last-Event-ID": position}))
        assert send(url, method="GET", headers={"Last-Event-ID": last_position(second)}).status == 204
