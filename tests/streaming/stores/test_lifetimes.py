"""How long streams, leases and watches last, in every store."""

from __future__ import annotations

import gevent
import pytest

from flask_headrace.streaming.stores import memory
from flask_headrace.streaming.stores.base import EventBatch, Store
from flask_headrace.streaming.stores.redis import store as redis_store
from flask_headrace.streaming.stores.sqlite import leases as sqlite_leases
from tests.streaming.stores.stage import Storage, Watcher, claim, entry, fill, found
from tests.support.event_loop import settle, until


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (memory, redis_store, sqlite_leases):
        monkeypatch.setattr(module, "LEASE_DURATION", 0.4)


class TestRetention:
    def test_a_finished_stream_is_gone_after_it(self, storage: Storage) -> None:
        store = storage.open(retention=0.3)
        fill(store, b"a", ends=True)
        assert found(store).is_finished
        until(lambda: store.find("s") is None)
        assert store.read("s", 0, 99) == []

    def test_a_stream_that_is_gone_can_be_claimed_again(self, storage: Storage) -> None:
        store = storage.open(retention=0.05)
        fill(store, b"a", ends=True)
        until(lambda: store.find("s") is None)
        fill(store, b"b")
        assert found(store).last == 1
        assert [e.payload for e in store.read("s", 0, 99)] == [b"b"]

    def test_a_sweep_leaves_what_can_be_read_and_what_is_being_filled(self, storage: Storage) -> None:
        store = storage.open(retention=60)
        fill(store, b"a", stream="finished", ends=True)
        fill(store, b"a", stream="running")
        store.delete_expired()
        assert found(store, "finished").last == found(store, "running").last == 1

    def test_a_running_stream_outlives_it_while_its_worker_lives(self, storage: Storage) -> None:
        store = storage.open(retention=0.05)
        store.renew_lease("w")
        fill(store, b"a")
        gevent.sleep(0.2)
        store.delete_expired()
        assert store.append("w", [entry(2)]) == set()

    def test_a_dead_workers_stream_is_removed_after_it(self, storage: Storage, short_leases: None) -> None:
        store = storage.open(retention=0.1)
        store.renew_lease("w")
        fill(store, b"a")

        def is_gone() -> bool:
            store.delete_expired()
            return store.find("s") is None

        until(is_gone)
        assert store.append("w", [entry(2)]) == {"s"}

    def test_a_sweep_removes_long_streams_whole(self, storage: Storage) -> None:
        store = storage.open(retention=0.1)
        fill(store, *[b"x"] * 1700, ends=True)
        until(lambda: store.find("s") is None)
        store.delete_expired()
        fill(store, b"new")
        assert len(store.read("s", 0, 10**6)) == 1


class TestLease:
    def test_lasts_for_its_time(self, store: Store, short_leases: None) -> None:
        assert not store.is_alive("w")
        store.renew_lease("w")
        assert store.is_alive("w")
        until(lambda: not store.is_alive("w"))
        store.renew_lease("w")
        assert store.is_alive("w")

    def test_of_a_living_worker_protects_its_streams(self, store: Store) -> None:
        store.renew_lease("w")
        fill(store, b"a")
        assert not store.acquire("s", "w", "heir")
        assert store.append("w", [entry(2)]) == set()


class TestTakeOver:
    def test_of_a_dead_workers_stream_shuts_that_worker_out(self, store: Store) -> None:
        fill(store, b"a")
        assert store.acquire("s", "w", "heir")
        assert found(store).claim == claim(worker="heir")
        assert store.append("w", [entry(2)]) == {"s"}
        assert store.append("heir", [entry(2, is_last=True)]) == set()

    def test_is_done_once(self, storage: Storage) -> None:
        fill(storage.open(), b"a")
        stores = [storage.open() for _ in range(3)]
        tries = [gevent.spawn(stores[n % 3].acquire, "s", "w", f"heir{n}") for n in range(12)]
        assert [one.get() for one in tries].count(True) == 1

    def test_of_what_has_ended_or_is_not_there_is_refused(self, store: Store) -> None:
        fill(store, b"a", ends=True)
        assert not store.acquire("s", "w", "heir")
        assert not store.acquire("no such", "w", "heir")


class TestOrphans:
    def test_are_the_unfinished_streams_of_dead_workers(self, store: Store) -> None:
        store.renew_lease("alive")
        for stream, worker, ends in (("a", "dead", False), ("b", "alive", False), ("c", "dead", True)):
            store.claim(claim(stream, worker))
            store.append(worker, [EventBatch(stream, 1, 2, b"xy", is_last=ends)])
        (orphan,) = store.orphans()
        assert (orphan.claim, orphan.last) == (claim("a", "dead"), 2)
        assert store.acquire("a", "dead", "alive")
        assert store.orphans() == []

    def test_are_found_when_the_lease_has_expired(self, store: Store, short_leases: None) -> None:
        store.renew_lease("w")
        fill(store, b"a")
        assert store.orphans() == []
        until(lambda: [orphan.claim.id for orphan in store.orphans()] == ["s"])


class TestWatch:
    def test_wakes_at_each_kind_of_change(self, storage: Storage) -> None:
        store, other = storage.open(), storage.open()
        other.claim(claim())
        watcher = Watcher(store)
        watcher.sees(lambda: other.append("w", [entry(1)]))
        watcher.sees(lambda: other.request_stop("s"))
        watcher.sees(lambda: other.append("w", [entry(2, is_last=True)]))

    def test_wakes_at_changes_of_the_same_store(self, store: Store) -> None:
        fill(store, b"a")
        watcher = Watcher(store)
        watcher.sees(lambda: store.append("w", [entry(2)]))
        watcher.sees(lambda: store.request_stop("s"))

    def test_wakes_all_that_watch(self, store: Store) -> None:
        fill(store, b"a")
        watchers = [Watcher(store) for _ in range(3)]
        store.append("w", [entry(2)])
        until(lambda: all(watcher.calls for watcher in watchers))

    def test_wakes_only_those_whose_stream_has_changed(self, store: Store) -> None:
        fill(store, b"a")
        fill(store, b"a", stream="t")
        watcher, bystander = Watcher(store), Watcher(store, "t")
        before = bystander.calls
        for number in range(2, 6):
            watcher.sees(lambda n=number: store.append("w", [entry(n)]))
        assert bystander.calls == before

    def test_ends(self, store: Store) -> None:
        fill(store, b"a")
        ended, other = Watcher(store), Watcher(store)
        ended.end()
        ended.end()
        before = ended.calls
        other.sees(lambda: store.append("w", [entry(2)]))
        settle()
        assert ended.calls == before

    def test_can_begin_again(self, store: Store) -> None:
        fill(store, b"a")
        for number in range(2, 6):
            watcher = Watcher(store)
            watcher.sees(lambda n=number: store.append("w", [entry(n)]))
            watcher.end()
            settle()

    def test_misses_nothing_when_it_begins_and_one_looks_at_once(self, storage: Storage) -> None:
        store, other = storage.open(), storage.open()
        other.claim(claim())
        for number in range(1, 40):
            seen: list[int] = []
            end = store.watch("s", lambda seen=seen: seen.append(1))
            gevent.spawn(other.append, "w", [entry(number)])
            if found(store).last < number:
                until(lambda seen=seen, n=number: seen and found(store).last == n)
            end()


class TestWatchStop:
    def test_wakes_at_a_wish_to_stop_and_at_nothing_else(self, storage: Storage) -> None:
        store, other = storage.open(), storage.open()
        fill(store, b"a")
        watcher, everything = Watcher(store, stop=True), Watcher(store)
        before = watcher.calls
        for number in range(2, 5):
            everything.sees(lambda n=number: other.append("w", [entry(n)]))
        assert watcher.calls == before
        watcher.sees(lambda: other.request_stop("s"))
        before = watcher.calls
        everything.sees(lambda: other.append("w", [entry(5)]))
        assert watcher.calls == before

    def test_wakes_for_each_stream_of_its_own(self, storage: Storage) -> None:
        store, other = storage.open(), storage.open()
        fill(store, b"a")
        fill(store, b"a", stream="t")
        first, second = Watcher(store, stop=True), Watcher(store, "t", stop=True)
        before = second.calls
        first.sees(lambda: other.request_stop("s"))
        assert second.calls == before
        second.sees(lambda: other.request_stop("t"))

    def test_ends_and_can_begin_again(self, store: Store) -> None:
        fill(store, b"a")
        ended = Watcher(store, stop=True)
        ended.end()
        before = ended.calls
        Watcher(store, stop=True).sees(lambda: store.request_stop("s"))
        settle()
        assert ended.calls == before
