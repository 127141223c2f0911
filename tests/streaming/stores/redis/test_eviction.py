"""A Redis that evicts keys: a loss is always reported, and no script loops, fails or counts wrong."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import gevent
import msgspec
import pytest

from flask_headrace.core.errors import StoreUnavailable
from flask_headrace.streaming.stores.base import StoreLimits, StreamRecord
from flask_headrace.streaming.stores.redis.keys import PREFIX
from flask_headrace.streaming.stores.redis.store import RedisStore
from tests.streaming.stores.redis.server import RedisServer
from tests.streaming.stores.stage import WIDE, claim, entry, fill, found

BOOKKEEPING = [f"{PREFIX}{name}" for name in ("running", "finished", "sizes", "total", "leases", "counted")]
OF_A_STREAM = [f"{PREFIX}{name}" for name in ("s:open", "e:open", "s:ended", "e:ended", "n:open", "n:ended", "a:w")]


@pytest.fixture
def store(server: RedisServer) -> Iterator[RedisStore]:
    opened = RedisStore(server.url, WIDE)
    yield opened
    opened.close()


def total(server: RedisServer) -> int:
    return int(server.client.get(f"{PREFIX}total") or 0)


class TestALogThatIsGone:
    def test_is_not_begun_anew_in_its_middle(self, server: RedisServer, store: RedisStore) -> None:
        fill(store, b"a", b"b")
        server.client.delete(f"{PREFIX}e:s")
        assert store.append("w", [entry(3), entry(4, is_last=True)]) == {"s"}
        assert store.read("s", 0, 99) == []
        assert found(store) == StreamRecord(claim(), last=2)

    def test_takes_the_end_all_the_same(self, server: RedisServer, store: RedisStore) -> None:
        # Who has all that came before it would wait for it for ever.
        fill(store, b"a", b"b")
        server.client.delete(f"{PREFIX}e:s")
        assert store.append("w", [entry(3, is_last=True)]) == set()
        assert found(store) == StreamRecord(claim(), last=3, is_finished=True)
        assert [e.first for e in store.read("s", 0, 99)] == [3]

    def test_is_begun_where_there_was_none_yet(self, server: RedisServer, store: RedisStore) -> None:
        store.claim(claim())
        assert store.append("w", [entry(1), entry(2)]) == set()
        assert [e.first for e in store.read("s", 0, 99)] == [1, 2]

    def test_is_not_taken_for_the_log_of_the_next_stream_of_that_id(
        self, server: RedisServer, store: RedisStore
    ) -> None:
        fill(store, b"a", b"b")
        server.client.delete(f"{PREFIX}s:s")
        assert store.append("w", [entry(3)]) == {"s"}
        fill(store, b"c")
        assert [e.payload for e in store.read("s", 0, 99)] == [b"c"]

    def test_tells_true_numbers_of_what_is_left(self, server: RedisServer, store: RedisStore) -> None:
        store.claim(claim())
        store.append("w", [entry(1, 2, b"a"), entry(3, 4, b"b"), entry(7, 1, b"c")])
        server.client.xtrim(f"{PREFIX}e:s", maxlen=2, approximate=False)
        assert [(e.first, e.count) for e in store.read("s", 0, 99)] == [(3, 4), (7, 1)]


def use_all(store: RedisStore) -> None:
    """Do everything that can be done, with streams that are there and ones that are not."""
    for stream in ("open", "ended", "new"):
        store.claim(claim(stream), stream)
        record = store.find(stream)
        assert record is not None
        store.append("w", [entry(record.last + 1, stream=stream)])
        store.append("w", [entry(99, stream=stream)])
        store.read(stream, 0, 99)
        store.find_by_name(stream)
        store.request_stop(stream)
        store.add_reader(stream, "r", 5)
        store.has_stream_readers(stream)
        store.acquire(stream, "dead", "w")
        store.remove_reader(stream, "r")
        store.withdraw(stream, "w")
        store.clear_name(stream, stream)
    store.has_readers("w")
    store.renew_lease("w")
    assert store.is_alive("w")


@pytest.mark.parametrize("gone", [*combinations(BOOKKEEPING + OF_A_STREAM, 1), *combinations(BOOKKEEPING, 2)])
def test_whatever_is_gone_all_goes_on(server: RedisServer, gone: tuple[str, ...]) -> None:
    store = RedisStore(server.url, msgspec.structs.replace(WIDE, total_bytes=200, stream_bytes=100))
    store.renew_lease("w")
    fill(store, b"x" * 30, stream="open", name="open")
    fill(store, b"x" * 40, stream="ended", name="ended", ends=True)
    server.client.delete(*gone)
    with gevent.Timeout(10):
        use_all(store)
        assert total(server) >= 0
        store.delete_expired()
        server.client.delete(f"{PREFIX}counted")
        store.delete_expired()
    left = [record for stream in ("open", "ended", "new") if (record := store.find(stream))]
    assert total(server) >= 0
    assert server.client.hlen(f"{PREFIX}sizes") <= server.client.zcard(f"{PREFIX}finished") <= len(left)
    store.close()


def test_a_total_that_is_gone_is_counted_anew_before_anything_is_added(server: RedisServer) -> None:
    store = RedisStore(server.url, msgspec.structs.replace(WIDE, total_bytes=100))
    fill(store, b"x" * 60, stream="ended", ends=True)
    fill(store, b"x" * 30, stream="open")
    server.client.delete(f"{PREFIX}total")
    assert store.append("w", [entry(2, payload=b"y" * 20, stream="open")]) == set()
    assert store.find("ended") is None
    assert total(server) == 50
    store.close()


def test_a_total_that_is_too_low_does_not_become_a_debt(server: RedisServer, store: RedisStore) -> None:
    fill(store, b"x" * 30, ends=True)
    server.client.set(f"{PREFIX}total", 5)
    server.client.delete(f"{PREFIX}s:s")
    fill(store, b"y" * 10)
    assert total(server) == 10


def test_sizes_of_streams_that_nobody_lists_any_more_do_not_fill_the_store(server: RedisServer) -> None:
    store = RedisStore(server.url, StoreLimits(total_bytes=100, retention=0.05))
    fill(store, b"x" * 90, ends=True)
    server.client.delete(f"{PREFIX}finished")
    while store.find("s") is not None:
        gevent.sleep(0.01)
    server.client.delete(f"{PREFIX}counted")
    store.delete_expired()
    fill(store, b"y" * 90)
    assert server.client.hlen(f"{PREFIX}sizes") == 0
    store.close()


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru", "allkeys-random", "volatile-ttl"])
def test_a_server_that_evicts_gives_nobody_a_part_for_the_whole(server: RedisServer, policy: str) -> None:
    store = RedisStore(server.url, WIDE)
    used = int(server.client.info("memory")["used_memory"])
    server.client.config_set("maxmemory-policy", policy)
    server.client.config_set("maxmemory", used + 400_000)
    written: dict[str, int] = {}
    try:
        for number in range(40):
            stream = f"s{number}"
            written[stream] = write(store, stream)
        read = {stream: whole(store, stream) for stream in written}
    finally:
        server.client.config_set("maxmemory", 0)
        server.client.config_set("maxmemory-policy", "noeviction")
    readable = [stream for stream, count in read.items() if count is not None]
    assert len(readable) < 40, "nothing was evicted"
    assert all(read[stream] == written[stream] for stream in readable)
    store.delete_expired()
    store.close()


def write(store: RedisStore, stream: str) -> int:
    """Write a stream of 23 kB as far as it is taken; return the number of its last event."""
    try:
        store.claim(claim(stream))
        for number in range(1, 24):
            if store.append("w", [entry(number, payload=b"x" * 1000, stream=stream, is_last=number == 23)]):
                return number - 1
    except StoreUnavailable:
        return number - 1
    return 23


def whole(store: RedisStore, stream: str) -> int | None:
    """Return how many events a stream has; None where a reader can see that some are lost."""
    record, last = store.find(stream), 0
    while entries := store.read(stream, last, 5000):
        if entries[0].first > last + 1:
            return None
        last = entries[-1].first + entries[-1].count - 1
    return last if record is not None and record.last == last and record.is_finished else None
