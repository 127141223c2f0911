"""The Redis store with faults: suspended, killed and restarted, out of memory; and the keys that it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
import redis

from flask_headrace.core.errors import ConfigurationError, StoreUnavailable
from flask_headrace.streaming.stores.base import StoreLimits
from flask_headrace.streaming.stores.redis import connection as redis_connection
from flask_headrace.streaming.stores.redis import keys as redis_keys
from flask_headrace.streaming.stores.redis import pubsub
from flask_headrace.streaming.stores.redis import store as redis_store
from flask_headrace.streaming.stores.redis.store import RedisStore
from tests.conftest import require
from tests.streaming.stores.redis.server import RedisServer
from tests.streaming.stores.stage import WIDE, Watcher, claim, entry, fill, found, ticking
from tests.support.event_loop import until
from tests.support.service import free_port


@pytest.fixture
def store(server: RedisServer) -> Iterator[RedisStore]:
    opened = RedisStore(server.url, WIDE)
    yield opened
    opened.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (redis_connection, pubsub):
        monkeypatch.setattr(module, "CALL_TIMEOUT", 0.7)
    monkeypatch.setattr(pubsub, "IDLE_TIMEOUT", 0.3)


def works(store: RedisStore) -> bool:
    try:
        return store.find("no such") is None
    except StoreUnavailable:
        return False


class TestStopped:
    def test_calls_fail_and_all_is_well_after_it(self, impatient: None, server: RedisServer) -> None:
        store = RedisStore(server.url, WIDE)
        fill(store, b"a")
        server.pause()
        try:
            calls = [gevent.spawn(store.append, "w", [entry(2)]) for _ in range(40)]
            gevent.joinall(calls, timeout=20)
        finally:
            server.go_on()
        assert {type(call.exception) for call in calls} == {StoreUnavailable}
        assert "does not answer" in calls[0].exception.message
        assert calls[0].exception.retry_after
        until(lambda: works(store))
        # One call's entry may have got through, though its answer did not.
        assert found(store).last in {1, 2}
        store.close()

    def test_the_loop_goes_on_while_calls_wait(self, monkeypatch: pytest.MonkeyPatch, server: RedisServer) -> None:
        monkeypatch.setattr(redis_connection, "CALL_TIMEOUT", 30)
        store = RedisStore(server.url, WIDE)
        server.pause()
        try:
            calls = [gevent.spawn(store.find, "s") for _ in range(40)]
            with ticking() as ticks:
                until(lambda: len(ticks) >= 5, 20)
            assert not any(call.dead for call in calls)
        finally:
            server.go_on()
        gevent.joinall(calls, timeout=20, raise_error=True)
        assert {call.value for call in calls} == {None}
        store.close()

    def test_after_a_call_without_answer_others_do_not_wait_for_one(
        self, impatient: None, monkeypatch: pytest.MonkeyPatch, server: RedisServer
    ) -> None:
        monkeypatch.setattr(redis_connection, "PAUSE_AFTER_TIMEOUT", 60)
        store = RedisStore(server.url, WIDE)
        server.pause()
        try:
            with pytest.raises(StoreUnavailable, match="does not answer") as waited:
                store.find("s")
            with pytest.raises(StoreUnavailable, match="does not answer") as refused:
                store.find("s")
        finally:
            server.go_on()
        assert isinstance(waited.value.__cause__, redis.TimeoutError)
        assert refused.value.__cause__ is None
        store.close()

    def test_a_watch_finds_out_and_wakes_when_it_is_over(self, impatient: None, server: RedisServer) -> None:
        store = RedisStore(server.url, WIDE)
        fill(store, b"a")
        watcher = Watcher(store)
        until(lambda: watcher.calls)
        server.pause()
        until(lambda: store._listener._connection is None)
        server.go_on()
        until(lambda: store._listener._connection is not None)
        until(lambda: works(store))
        watcher.sees(lambda: store.append("w", [entry(2)]))
        store.close()

    def test_a_watch_in_which_nothing_happens_keeps_its_connection(
        self, monkeypatch: pytest.MonkeyPatch, server: RedisServer
    ) -> None:
        monkeypatch.setattr(pubsub, "IDLE_TIMEOUT", 0.3)
        store = RedisStore(server.url, WIDE)
        watcher = Watcher(store)
        connection = until(lambda: store._listener._connection)
        gevent.sleep(1.0)
        assert store._listener._connection is connection
        fill(store, b"a")
        watcher.sees(lambda: store.append("w", [entry(2)]))
        store.close()


class TestKilled:
    def test_calls_fail_and_work_again_with_the_next_server(self, server: RedisServer, store: RedisStore) -> None:
        fill(store, b"a")
        server.kill()
        for ask in (lambda: store.append("w", [entry(2)]), lambda: store.find("s"), lambda: store.renew_lease("w")):
            with pytest.raises(StoreUnavailable, match=r"redis\.sock cannot be used: no connection"):
                ask()
        server.start()
        assert store.append("w", [entry(2)]) == {"s"}
        fill(store, b"a")
        assert found(store).last == 1

    def test_connections_that_it_took_along_are_not_used_again(self, server: RedisServer, store: RedisStore) -> None:
        gevent.joinall([gevent.spawn(store.find, "s") for _ in range(8)], raise_error=True)
        server.kill()
        server.start()
        for _ in range(20):
            assert store.find("s") is None

    def test_a_watch_wakes_all_when_it_is_back(self, server: RedisServer, store: RedisStore) -> None:
        watchers = [Watcher(store, f"s{number}") for number in range(5)]
        server.kill()
        until(lambda: store._listener._connection is None)
        late = Watcher(store, "late", is_effective=False)
        woken = [watcher.calls for watcher in watchers]
        server.start()
        until(lambda: all(watcher.calls > before for watcher, before in zip(watchers, woken, strict=True)))
        until(lambda: late.calls)
        fill(store, b"a", stream="late")
        late.sees(lambda: store.append("w", [entry(2, stream="late")]))


class TestMessages:
    def test_no_password_is_shown(self) -> None:
        store = RedisStore("redis://user:s3cret@127.0.0.1:1/0?password=s3cret", WIDE)
        with pytest.raises(StoreUnavailable, match=r"redis://127\.0\.0\.1:1 cannot be used") as raised:
            store.find("s")
        shown = [raised.value.message, repr(store), str(raised.value.__cause__)]
        assert not any("s3cret" in text for text in shown)

    @pytest.mark.parametrize("url", ["redis://:s3cret@host:port/0", "redis://h/0?max_flowers=s3cret"])
    def test_a_url_that_cannot_be_understood_is_refused(self, url: str) -> None:
        with pytest.raises(ConfigurationError, match="cannot be understood") as raised:
            RedisStore(url, WIDE)
        assert "s3cret" not in raised.value.message

    def test_a_server_without_memory(self, server: RedisServer, store: RedisStore) -> None:
        fill(store, b"a")
        server.client.config_set("maxmemory", "1")
        try:
            with pytest.raises(StoreUnavailable, match="no memory left"):
                store.append("w", [entry(2)])
        finally:
            server.client.config_set("maxmemory", "0")
        assert store.append("w", [entry(2)]) == set()

    def test_a_wrong_password(self, server: RedisServer) -> None:
        server.client.config_set("requirepass", "right")
        client = redis.Redis(unix_socket_path=str(server.socket), password="right")
        try:
            store = RedisStore(server.url.replace("unix://", "unix://:s3cret@"), WIDE)
            with pytest.raises(StoreUnavailable, match="refuses the user or password") as raised:
                store.find("s")
            assert "s3cret" not in raised.value.message
            rightly = RedisStore(server.url.replace("unix://", "unix://:right@"), WIDE)
            assert rightly.find("s") is None
            rightly.close()
        finally:
            client.config_set("requirepass", "")
            client.close()


class TestGreenlets:
    def test_one_that_is_killed_in_a_call_leaves_no_answer_to_the_next(
        self, server: RedisServer, store: RedisStore
    ) -> None:
        fill(store, b"a")
        server.pause()
        calls = [gevent.spawn(store.read, "s", 0, 99) for _ in range(3)]
        gevent.sleep(0.05)
        gevent.killall(calls)
        server.go_on()
        assert [found(store).last for _ in range(5)] == [1] * 5

    def test_more_than_there_are_connections_take_turns(self, store: RedisStore) -> None:
        fill(store, b"a")
        calls = [gevent.spawn(store.find, "s") for _ in range(200)]
        gevent.joinall(calls, timeout=10, raise_error=True)
        assert len(store._pool._free) <= redis_connection.MAX_CONNECTIONS


class TestKeys:
    def test_all_of_them_go_by_themselves(self, server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(redis_store, "UNFINISHED_TTL", 0.2)
        store = RedisStore(server.url, StoreLimits(retention=0.2))
        store.add_reader("s", "r", 0.2)
        fill(store, b"a", stream="finished", ends=True, name="one")
        fill(store, b"a", stream="abandoned", name="another")
        until(lambda: not [name for name in server.names() if name.split(":")[2] in {"s", "e", "r", "n"}])
        store.delete_expired()
        assert server.names() <= {f"{redis_keys.PREFIX}total", f"{redis_keys.PREFIX}counted"}
        store.close()

    def test_a_stream_that_is_filled_does_not(self, server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(redis_store, "UNFINISHED_TTL", 0.8)
        store = RedisStore(server.url, StoreLimits(retention=0.8))
        store.claim(claim(), "chat")
        for number in range(1, 12):
            assert store.append("w", [entry(number)]) == set()
            gevent.sleep(0.1)
        assert len(store.read("s", 0, 99)) == 11
        assert store.find_by_name("chat") is not None
        store.close()

    def test_a_silent_stream_of_a_living_worker_lives_by_sweeps(
        self, server: RedisServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(redis_store, "UNFINISHED_TTL", 0.8)
        store = RedisStore(server.url, StoreLimits(retention=0.8))
        store.renew_lease("w")
        fill(store, b"a")
        for _ in range(12):
            store.delete_expired()
            gevent.sleep(0.1)
        assert store.append("w", [entry(2)]) == set()
        store.close()

    def test_the_total_cannot_drift_for_ever(self, server: RedisServer, store: RedisStore) -> None:
        fill(store, b"x" * 30)
        fill(store, b"x" * 12, stream="finished", ends=True)
        server.client.set(f"{redis_keys.PREFIX}total", 10**9)
        store.delete_expired()
        assert int(server.client.get(f"{redis_keys.PREFIX}total")) == 42

    def test_are_none_but_ours(self, server: RedisServer, store: RedisStore) -> None:
        store.add_reader("s", "r", 10)
        store.renew_lease("w")
        fill(store, b"a", ends=True, name="chat")
        assert all(name.startswith(redis_keys.PREFIX) for name in server.names())


def test_a_server_that_listens_on_a_port(tmp_path: Path) -> None:
    program = require("redis-server", "apt-get install redis-server")
    server = RedisServer(program, tmp_path)
    try:
        server.client.config_set("port", "0")
        port = free_port()
        server.client.config_set("port", str(port))
        for scheme in ("redis", "valkey"):
            store = RedisStore(f"{scheme}://127.0.0.1:{port}/0", WIDE)
            watcher = Watcher(store, scheme)
            store.claim(claim(scheme))
            watcher.sees(lambda s=store, n=scheme: s.append("w", [entry(1, stream=n)]))
            store.close()
    finally:
        server.close()
