"""Streams in a real Redis Cluster: wherever their slot is, and after the death of the server that has it."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import gevent.socket
import pytest
from gevent.server import StreamServer

from flask_headrace.core.errors import StoreUnavailable
from flask_headrace.streaming.stores.factory import open_store
from flask_headrace.streaming.stores.redis.store import RedisStore
from tests.conftest import require
from tests.streaming.stores.redis.clusters import FAILOVER, OURS, Cluster
from tests.streaming.stores.stage import WIDE, Watcher, claim, entry, fill, found, payloads
from tests.support.event_loop import until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    program = require("redis-server", "apt-get install redis-server")
    running = Cluster(program, tmp_path_factory.mktemp("cluster"))
    yield running
    running.close()


@pytest.fixture
def store(cluster: Cluster) -> Iterator[RedisStore]:
    """Return a store that was told of a server that has not our slot."""
    cluster.owner.forget_everything()
    opened = open_store(cluster.url(cluster.others[0]), WIDE)
    yield opened
    opened.close()


def works(store: RedisStore) -> bool:
    try:
        return store.find("no such") is None
    except StoreUnavailable:
        return False


def test_all_that_a_store_does_is_done_at_the_server_that_has_the_slot(cluster: Cluster, store: RedisStore) -> None:
    store.renew_lease("w")
    fill(store, b"a", b"b", name="chat")
    watcher, stops = Watcher(store), Watcher(store, stop=True)
    watcher.sees(lambda: store.append("w", [entry(3)]))
    stops.sees(lambda: store.request_stop("s"))
    store.add_reader("s", "r", 5)
    assert (store.has_stream_readers("s"), store.is_alive("w"), store.has_readers("w")) == (True, True, True)
    assert store.append("w", [entry(4, is_last=True)]) == set()
    assert payloads(store.read("s", 0, 99)) == [b"a", b"b", b"x", b"x"]
    assert store.find_by_name("chat") == store.find("s")
    store.delete_expired()
    store.clear_name("chat", "s")
    assert all(cluster.owner.client.cluster("KEYSLOT", name) == OURS for name in cluster.owner.names())
    assert cluster.owner.names()


def test_any_of_the_servers_that_are_named_may_be_dead(cluster: Cluster) -> None:
    dead = "redis+cluster://127.0.0.1:1,127.0.0.1:2," + cluster.url(cluster.others[1]).removeprefix("redis+cluster://")
    store = open_store(dead, WIDE)
    assert store.check() is None
    store.close()


def test_a_server_that_says_who_has_the_slot_is_believed_before_one_that_lags_behind(cluster: Cluster) -> None:
    table = b"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n" % cluster.others[0].port

    def answer(client: gevent.socket.socket, _: object) -> None:
        while asked := client.recv(4096):
            client.sendall(table if b"SLOTS" in asked else b"+OK\r\n" * asked.count(b"*"))

    late = StreamServer(("127.0.0.1", 0), answer)
    late.start()
    store = open_store(f"redis+cluster://127.0.0.1:{late.server_port}", WIDE)
    assert works(store)
    store.close()
    late.close()


def test_many_that_look_for_it_at_once_ask_once(cluster: Cluster, store: RedisStore) -> None:
    before = calls(cluster)
    gevent.joinall([gevent.spawn(store.find, "s") for _ in range(100)], raise_error=True)
    assert calls(cluster) - before == 1


def calls(cluster: Cluster) -> int:
    stats = [node.client.info("commandstats").get("cmdstat_cluster|slots", {"calls": 0}) for node in cluster.nodes]
    return sum(stat["calls"] for stat in stats)


def test_while_the_slot_moves_nothing_is_taken_for_missing_and_after_it_all_is_there(
    cluster: Cluster, store: RedisStore
) -> None:
    fill(store, b"a")
    fill(store, b"a", stream="t")
    watcher = Watcher(store)
    outdated_store = open_store(cluster.url(cluster.others[1]), WIDE)
    assert found(outdated_store).last == 1
    for _ in cluster.move_slot(cluster.owner, cluster.others[0]):
        for stream in ("s", "t"):
            assert asked(store, stream) in {1, "being moved"}
    assert found(outdated_store).last == found(store).last == found(store, "t").last == 1
    watcher.sees(lambda: store.append("w", [entry(2)]))
    for _ in cluster.move_slot(cluster.others[0], cluster.owner):
        pass
    assert found(store).last == 2
    watcher.sees(lambda: store.append("w", [entry(3)]))
    outdated_store.close()


def asked(store: RedisStore, stream: str) -> int | str:
    """Return the number of a stream's last event, or how the store tells that it is not to be had now."""
    try:
        return found(store, stream).last
    except StoreUnavailable as error:
        return "being moved" if "its part of the cluster is being moved" in error.message else error.message


def test_through_the_death_of_its_server_streams_go_on_and_watches_wake(cluster: Cluster, store: RedisStore) -> None:
    """The last test of this file: the cluster is not as before."""
    fill(store, b"a", b"b")
    until(lambda: cluster.owner.client.wait(1, 100) == 1)
    watcher = Watcher(store)
    other = open_store(cluster.url(cluster.owner, *cluster.others), WIDE)
    assert found(other).last == 2
    cluster.owner.kill()
    with gevent.Timeout(5), pytest.raises(StoreUnavailable):
        store.append("w", [entry(3)])
    until(lambda: works(store) and works(other), FAILOVER)
    assert cluster.replica.is_master()
    assert found(store).last == 2
    watcher.sees(lambda: other.append("w", [entry(3)]), limit=10)
    assert payloads(store.read("s", 0, 99)) == [b"a", b"b", b"x"]
    assert store.claim(claim("new")) is None
    cluster.owner.start()
    until(cluster.owner.is_synced, FAILOVER)
    watcher.sees(lambda: store.append("w", [entry(4, is_last=True)]))
    other.close()
