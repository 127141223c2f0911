"""The sweep of Redis with any number of streams, and with evicted keys."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest

from flask_headrace.streaming.stores.base import StoreLimits
from flask_headrace.streaming.stores.redis import scripts
from flask_headrace.streaming.stores.redis.connection import MAX_CONNECTIONS
from flask_headrace.streaming.stores.redis.keys import PREFIX
from flask_headrace.streaming.stores.redis.store import SWEEP_BATCH, RedisStore
from tests.streaming.stores.redis.server import RedisServer
from tests.streaming.stores.stage import WIDE, claim, entry, fill, ticking

MANY = 2500
AGE = 10**7


@pytest.fixture
def store(server: RedisServer) -> Iterator[RedisStore]:
    opened = RedisStore(server.url, WIDE)
    yield opened
    opened.close()


def fill_many(server: RedisServer, count: int, *, worker: str = "w", ends: bool = False, age: int = 0) -> None:
    """Begin so many streams, each of one byte, as if so many milliseconds ago."""
    store = RedisStore(server.url, WIDE)
    for start in range(0, count, 500):
        ids = [f"{worker}-{number}" for number in range(start, min(start + 500, count))]
        # No more at once than there are connections: on a busy machine the last ones would give up waiting for theirs.
        for number in range(0, len(ids), MAX_CONNECTIONS):
            claims = [gevent.spawn(store.claim, claim(id_, worker)) for id_ in ids[number : number + MAX_CONNECTIONS]]
            gevent.joinall(claims, raise_error=True)
        assert store.append(worker, [entry(1, stream=id_, is_last=ends) for id_ in ids]) == set()
    store.close()
    grow_old(server, age)


def grow_old(server: RedisServer, age: int) -> None:
    server.client.eval(
        "for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('ZINCRBY', KEYS[1], -ARGV[1], id) end "
        "for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do redis.call('ZINCRBY', KEYS[2], -ARGV[1], id) end",
        2, f"{PREFIX}finished", f"{PREFIX}running", age,
    )  # fmt: skip


def streams(server: RedisServer) -> int:
    return sum(name.startswith(f"{PREFIX}s:") for name in server.names())


class Steps:
    """Counts the steps of sweeps, and ends one that has no end."""

    def __init__(self, store: RedisStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken = 0
        run = store._pool.run

        def counted(script: object, *arguments: object) -> object:
            if script is scripts.DELETE_EXPIRED:
                self.taken += 1
                assert self.taken < 100, "it spins"
            return run(script, *arguments)

        monkeypatch.setattr(store._pool, "run", counted)


class TestSweep:
    def test_removes_all_finished_ones_that_are_too_old(
        self, server: RedisServer, store: RedisStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_many(server, MANY, ends=True, age=AGE)
        fill(store, b"a", stream="young", ends=True)
        steps = Steps(store, monkeypatch)
        store.delete_expired()
        assert streams(server) == 1
        assert server.client.zcard(f"{PREFIX}finished") == server.client.hlen(f"{PREFIX}sizes") == 1
        assert int(server.client.get(f"{PREFIX}total")) == 1
        assert steps.taken == MANY // SWEEP_BATCH + 1

    @pytest.mark.parametrize("count", [SWEEP_BATCH, 2 * SWEEP_BATCH, 4 * SWEEP_BATCH, MANY])
    def test_keeps_any_number_of_a_living_workers(
        self, server: RedisServer, store: RedisStore, monkeypatch: pytest.MonkeyPatch, count: int
    ) -> None:
        fill_many(server, count, age=AGE)
        store.renew_lease("w")
        steps = Steps(store, monkeypatch)
        store.delete_expired()
        assert streams(server) == count
        assert steps.taken <= count // SWEEP_BATCH + 1
        assert server.client.zcount(f"{PREFIX}running", "-inf", AGE * 10) == 0

    @pytest.mark.parametrize("count", [SWEEP_BATCH, 2 * SWEEP_BATCH, 4 * SWEEP_BATCH, MANY])
    def test_keeps_any_number_of_a_dead_workers_until_their_time(
        self, server: RedisServer, monkeypatch: pytest.MonkeyPatch, count: int
    ) -> None:
        fill_many(server, count, age=AGE)
        store = RedisStore(server.url, StoreLimits(retention=AGE / 1000 * 2))
        steps = Steps(store, monkeypatch)
        store.delete_expired()
        assert streams(server) == count
        assert steps.taken == count // SWEEP_BATCH + 1
        store.close()

    def test_removes_any_number_of_a_dead_workers_after_it(
        self, server: RedisServer, store: RedisStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill_many(server, MANY, age=AGE)
        steps = Steps(store, monkeypatch)
        store.delete_expired()
        assert streams(server) == server.client.zcard(f"{PREFIX}running") == 0
        assert int(server.client.get(f"{PREFIX}total")) == 0
        assert steps.taken == MANY // SWEEP_BATCH + 1

    def test_tells_the_living_from_the_dead_among_many(self, server: RedisServer, store: RedisStore) -> None:
        for worker in ("dead", "alive"):
            fill_many(server, 600, worker=worker)
        fill_many(server, 600, worker="ended", ends=True)
        grow_old(server, AGE)
        store.renew_lease("alive")
        store.delete_expired()
        assert streams(server) == 600
        assert store.find("alive-599") is not None

    def test_lets_others_be_served_between_its_steps(self, server: RedisServer, store: RedisStore) -> None:
        fill_many(server, MANY, ends=True, age=AGE)
        other = RedisStore(server.url, WIDE)
        fill(other, b"a", stream="other")
        served: list[object] = []

        def ask_on() -> None:
            while not sweeping.dead:
                served.append(other.find("other"))

        with ticking():
            sweeping = gevent.spawn(store.delete_expired)
            ask_on()
        sweeping.get()
        assert len(served) >= MANY // SWEEP_BATCH
        other.close()
