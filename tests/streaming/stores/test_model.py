"""Any operations in any order: every store answers like the minimal store of `model.py`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flask_headrace.core.errors import StoreUnavailable
from flask_headrace.streaming.stores import memory, memory_stream
from flask_headrace.streaming.stores.base import EventBatch, Store
from flask_headrace.streaming.stores.redis.keys import PREFIX
from flask_headrace.streaming.stores.sqlite import database, expiry, queries
from flask_headrace.streaming.stores.sqlite import leases as sqlite_leases
from tests.streaming.stores.conftest import SHARED, open_storage
from tests.streaming.stores.model import Model
from tests.streaming.stores.redis.server import RedisServer
from tests.streaming.stores.stage import claim

LARGEST, TOTAL = 40, 100

STREAMS = st.sampled_from(["a", "b", "c", "d"])
NAMES = st.sampled_from([None, None, "n", "m"])
WORKERS = st.sampled_from(["w", "v"])
PIECES = st.tuples(STREAMS, st.sampled_from([0, 0, 0, 0, 1, -1]), st.integers(1, 3), st.integers(0, 20), st.booleans())

ACTS = st.one_of(
    st.tuples(st.just("claim"), STREAMS, WORKERS, NAMES),
    st.tuples(st.just("append"), WORKERS, st.lists(PIECES, min_size=1, max_size=4)),
    st.tuples(st.just("append"), WORKERS, st.lists(PIECES, min_size=1, max_size=4)),
    st.tuples(st.just("read"), STREAMS, st.integers(0, 9), st.integers(0, 50)),
    st.tuples(st.just("clear_name"), st.sampled_from("nm"), STREAMS),
    st.tuples(st.just("stop"), STREAMS),
    st.tuples(st.just("delete"), STREAMS),
    st.tuples(st.just("add_reader"), STREAMS, WORKERS),
    st.tuples(st.just("remove_reader"), STREAMS, WORKERS),
    st.tuples(st.just("add_ticket"), STREAMS),
    st.tuples(st.just("take_ticket"), STREAMS),
    st.tuples(st.just("renew_lease"), WORKERS),
    st.tuples(st.just("take over"), STREAMS, WORKERS, WORKERS),
    st.tuples(st.just("pass time")),
    st.tuples(st.just("delete_expired")),
)


class Clock:
    """The clock of the stores of one machine, which a test can put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


class World:
    """A store, or two on one storage, and the model of it."""

    def __init__(self, stores: list[Store], pass_time: Callable[[], None]) -> None:
        self.stores = stores
        self.model = Model(LARGEST, TOTAL)
        self.pass_time = pass_time

    def do(self, act: tuple[Any, ...]) -> None:  # noqa: C901, PLR0912  # one case for each act
        # The stores take turns, as workers do.
        self.stores.append(self.stores.pop(0))
        store, model = self.stores[0], self.model
        match act:
            case "claim", stream, worker, name:
                assert self.claim(store, stream, worker, name) == model.claim(claim(stream, worker), name)
            case "append", worker, pieces:
                entries = list(self.entries(pieces))
                assert store.append(worker, entries) == model.append(worker, entries)
            case "read", stream, after, most:
                got = [(entry.first, entry.count, entry.payload) for entry in store.read(stream, after, most)]
                assert got == model.read(stream, after, most)
            case "clear_name", name, stream:
                store.clear_name(name, stream)
                model.clear_name(name, stream)
            case "stop" | "delete" as change, stream:
                {"stop": store.request_stop, "delete": store.delete}[change](stream)
                {"stop": model.request_stop, "delete": model.remove}[change](stream)
            case "add_reader", stream, reader:
                store.add_reader(stream, reader, 600)
                model.readers.add((stream, reader))
            case "remove_reader", stream, reader:
                store.remove_reader(stream, reader)
                model.readers.discard((stream, reader))
            case "add_ticket", name:
                store.add_ticket(name, 600)
                model.tickets.add(name)
            case "take_ticket", name:
                assert store.take_ticket(name) == (name in model.tickets)
                model.tickets.discard(name)
            case "renew_lease", worker:
                store.renew_lease(worker)
                model.alive.add(worker)
            case "take over", stream, dead, worker:
                assert store.acquire(stream, dead, worker) == model.acquire(stream, dead, worker)
            case ("pass time",):
                self.pass_time()
                model.pass_time()
            case ("delete_expired",):
                store.delete_expired()
                model.delete_expired()

    def claim(self, store: Store, stream: str, worker: str, name: str | None) -> object:
        try:
            return store.claim(claim(stream, worker), name)
        except StoreUnavailable:
            return "full"

    def entries(self, pieces: list[tuple[str, int, int, int, bool]]) -> Iterator[EventBatch]:
        """Return entries that go on where their streams are, or beside it."""
        heads = {stream: stored.last + 1 for stream, stored in self.model.streams.items()}
        for number, (stream, beside, count, size, is_last) in enumerate(pieces):
            first = max(1, heads.get(stream, 1) + beside)
            heads[stream] = first + count
            yield EventBatch(stream, first, count, bytes([number]) * size, is_last)

    def compare(self) -> None:
        for store in self.stores:
            for stream in "abcd":
                assert store.find(stream) == self.model.find(stream)
                read = any(read == stream for read, _ in self.model.readers)
                assert store.has_stream_readers(stream) == read
            for name in "nm":
                assert store.find_by_name(name) == self.model.find_by_name(name)
            assert {worker for worker in "wv" if store.is_alive(worker)} == self.model.alive


def put_forward(server: RedisServer) -> None:
    """Let the server's keys be as they are after a quarter of an hour."""
    for name in server.names():
        if 0 < server.client.pttl(name) < 1_000_000:
            server.client.delete(name)
    for name in (f"{PREFIX}finished", f"{PREFIX}running", f"{PREFIX}leases"):
        for member, moment in server.client.zrange(name, 0, -1, withscores=True):
            server.client.zadd(name, {member: moment - 1_000_000})


@pytest.mark.parametrize("kind", ["memory", *SHARED])
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, max_size=30))
@example(acts=[("pass time",), ("claim", "a", "w", None), ("append", "w", [("a", 0, 1, 0, True)])])
def test_any_order_of_things_gives_what_the_model_gives(
    kind: str, acts: list[Any], request: pytest.FixtureRequest
) -> None:
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        for module in (memory, memory_stream, database, sqlite_leases, queries, expiry):
            patch.setattr(module, "time", clock)
        storage = open_storage(kind, Path(folder), request)

        def pass_time() -> None:
            clock.ahead += 1000
            if kind == "redis":
                put_forward(request.getfixturevalue("redis_server"))

        stores = [storage.open(stream_bytes=LARGEST, total_bytes=TOTAL) for _ in range(2 if storage.is_shared else 1)]
        world = World(stores, pass_time)
        try:
            with gevent.Timeout(20):
                for act in acts:
                    world.do(act)
                    world.compare()
        finally:
            storage.close()
