"""Streams at a real master with Sentinels: through a requested failover, and through the death of the master."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest
import redis

from flask_headrace.core.errors import ConfigurationError, StoreUnavailable
from flask_headrace.streaming.stores.factory import open_store
from flask_headrace.streaming.stores.redis import pubsub
from flask_headrace.streaming.stores.redis.store import RedisStore
from tests.conftest import require
from tests.streaming.stores.redis.clusters import FAILOVER, Guarded
from tests.streaming.stores.stage import WIDE, Watcher, claim, entry, fill, found, payloads
from tests.support.event_loop import until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    program = require("redis-server", "apt-get install redis-server")
    running = Guarded(program, tmp_path_factory.mktemp("sentinel"))
    yield running
    running.close()


@pytest.fixture
def store(guarded: Guarded) -> Iterator[RedisStore]:
    opened = open_store(guarded.url, WIDE)
    yield opened
    opened.close()


def works(store: RedisStore, worker: str = "w") -> bool:
    try:
        store.renew_lease(worker)
        return store.is_alive(worker)
    except StoreUnavailable:
        return False


def test_the_server_that_they_name_is_used(guarded: Guarded, store: RedisStore) -> None:
    assert store.check() is None
    fill(store, b"a")
    watcher = Watcher(store)
    watcher.sees(lambda: store.append("w", [entry(2, is_last=True)]))
    assert guarded.master.names()
    assert payloads(store.read("s", 0, 99)) == [b"a", b"x"]


def test_a_database_of_its_own(guarded: Guarded, store: RedisStore) -> None:
    other = open_store(f"{guarded.url}/3", WIDE)
    other.claim(claim("there"))
    assert (other.check(), store.find("there")) == (None, None)
    assert found(other, "there").last == 0
    other.close()


def test_a_name_that_they_do_not_know_is_told_with_those_that_they_do(guarded: Guarded) -> None:
    store = open_store(guarded.url.replace("/answers", "/questions"), WIDE)
    with pytest.raises(ConfigurationError, match="knows nothing: it knows answers"):
        store.check()
    with pytest.raises(StoreUnavailable):
        store.find("s")
    store.close()


def test_some_of_them_may_be_dead(guarded: Guarded) -> None:
    store = open_store(guarded.url.replace("://", "://127.0.0.1:1,127.0.0.1:2,"), WIDE)
    assert store.check() is None
    assert works(store)
    store.close()


def test_without_any_of_them_it_is_away_and_not_wrong() -> None:
    store = open_store("redis+sentinel://127.0.0.1:1,127.0.0.1:2/answers", WIDE)
    for use in (store.check, lambda: store.find("s")):
        with gevent.Timeout(5), pytest.raises(StoreUnavailable) as raised:
            use()
        assert "cannot be used" in raised.value.message
    store.close()


def test_a_failover_that_was_asked_for_is_followed(guarded: Guarded, store: RedisStore) -> None:
    fill(store, b"a", stream="t")
    watcher = Watcher(store, "t")
    until(lambda: has_several_connections(store))
    until(lambda: guarded.master.client.wait(1, 100) == 1)
    until(lambda: ask_for_failover(guarded), FAILOVER)
    until(guarded.replica.is_master, FAILOVER)
    # As Sentinel does some seconds later, but without ending the connections of its clients.
    guarded.master.client.replicaof("127.0.0.1", guarded.replica.port)
    until(guarded.master.is_synced, FAILOVER)
    guarded.master, guarded.replica = guarded.replica, guarded.master
    other = open_store(guarded.url, WIDE)
    until(lambda: works(other), FAILOVER)
    other.close()
    gevent.joinall([gevent.spawn(store.renew_lease, "w") for _ in range(40)], raise_error=True)
    watcher.sees(lambda: store.append("w", [entry(2, stream="t")]))
    assert found(store, "t").last == 2


def has_several_connections(store: RedisStore) -> bool:
    """Ask much at once, and return whether that took more than one connection: an answer may come too soon for it."""
    gevent.joinall([gevent.spawn(store.find, "t") for _ in range(40)], raise_error=True)
    return len(store._pool._free) > 1


def ask_for_failover(guarded: Guarded) -> bool:
    try:
        return bool(guarded.clients[0].execute_command("SENTINEL", "FAILOVER", "answers"))
    except redis.ResponseError:  # it has not seen yet that the replica is a good one
        return False


def test_past_a_master_that_falls_silent_streams_go_on_and_watches_wake(
    guarded: Guarded, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last test of this file: there is no replica after it."""
    monkeypatch.setattr(pubsub, "IDLE_TIMEOUT", 60)
    fill(store, b"a", b"b", stream="u")
    until(lambda: guarded.master.client.wait(1, 100) == 1)
    watcher = Watcher(store, "u")
    guarded.master.pause()
    with gevent.Timeout(5), pytest.raises(StoreUnavailable):
        store.append("w", [entry(3, stream="u")])
    until(lambda: works(store), FAILOVER)
    assert guarded.replica.is_master()
    watcher.sees(lambda: store.append("w", [entry(3, stream="u")]), limit=10)
    assert payloads(store.read("u", 0, 99)) == [b"a", b"b", b"x"]
    assert store.claim(claim("new")) is None
