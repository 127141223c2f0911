"""Adding a watch succeeds or has no effect, and does not wait for the store."""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent
import pytest

from flask_headrace.streaming.stores.notifier import ChangeNotifier
from flask_headrace.streaming.stores.redis.store import RedisStore
from tests.streaming.stores.redis.server import RedisServer
from tests.streaming.stores.stage import WIDE, Storage, Watcher, entry, fill
from tests.support.event_loop import until


def channels(server: RedisServer) -> int:
    return len(server.client.pubsub_channels())


def switches(act: Callable[[], object]) -> int:
    """Return how often other greenlets ran while one did something."""
    turns: list[None] = []

    def count() -> None:
        while True:
            turns.append(None)
            gevent.sleep(0)

    counting = gevent.spawn(count)
    gevent.sleep(0)
    before = len(turns)
    act()
    after = len(turns)
    counting.kill()
    return after - before


def test_where_what_follows_fails_nothing_is_left() -> None:
    def fail(_: str) -> None:
        raise gevent.GreenletExit

    notifier = ChangeNotifier(on_first=fail)
    with pytest.raises(gevent.GreenletExit):
        notifier.add("s", lambda: None)
    assert len(notifier) == 0


def test_beginning_and_ending_one_gives_way_to_nobody_so_that_nobody_can_interrupt_it(storage: Storage) -> None:
    store = storage.open()
    first = store.watch("first", lambda: None)
    for begin in (store.watch, store.watch_stop):
        ends: list[Callable[[], None]] = []
        assert switches(lambda begin=begin, ends=ends: ends.append(begin("s", bool))) == 0
        assert switches(ends[0]) == 0
    assert switches(first) == 0


def test_also_while_the_server_takes_nothing_and_it_hears_of_what_is_watched_in_the_end(server: RedisServer) -> None:
    store = RedisStore(server.url, WIDE)
    Watcher(store)
    ends: list[Callable[[], None]] = []

    def begin_many() -> None:
        ends.extend(store.watch(f"{number:0300}", bool) for number in range(3000))

    server.pause()
    try:
        assert switches(begin_many) == 0
        gevent.sleep(0)
        assert switches(lambda: [end() for end in ends]) == 0
        assert len(store._listener._callbacks) == 1
    finally:
        server.go_on()
    until(lambda: channels(server) == 1, 10)
    store.close()


def test_one_that_is_ended_and_begun_again_at_once_hears_of_everything(server: RedisServer) -> None:
    store = RedisStore(server.url, WIDE)
    fill(store, b"a")
    for number in range(2, 30):
        store.watch("s", lambda: None)()
        watcher = Watcher(store)
        watcher.sees(lambda n=number: store.append("w", [entry(n)]))
        watcher.end()
        store.watch("s", lambda: None)()
    until(lambda: channels(server) == 0)
    store.close()


def test_a_user_who_may_not_listen_is_told_of_in_the_log_once(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    may = ["~*", "&other:*", "+@all"]
    server.client.execute_command("ACL", "SETUSER", "deaf", "reset", "on", ">s3cret", "resetchannels", *may)
    store = RedisStore(server.url.replace("://", "://deaf:s3cret@"), WIDE)
    try:
        with caplog.at_level(logging.WARNING, "flask_headrace"):
            woken: list[None] = []
            store.watch("s", lambda: woken.append(None))
            until(lambda: caplog.messages)
            server.client.execute_command("ACL", "SETUSER", "deaf", "&*")
            until(lambda: woken)
        assert len(caplog.messages) == 1
        assert "its user may not do all that is needed" in caplog.messages[0]
        assert "s3cret" not in caplog.messages[0]
    finally:
        store.close()
        server.client.execute_command("ACL", "DELUSER", "deaf")
