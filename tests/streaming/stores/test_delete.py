"""A stream that is deleted: nobody finds it, its id and its bytes are free."""

from __future__ import annotations

import pytest

from flask_headrace.streaming.stores.base import Store
from flask_headrace.streaming.stores.sqlite import expiry
from tests.streaming.stores.stage import Storage, Watcher, claim, entry, fill, found, payloads


@pytest.mark.parametrize("ends", [True, False], ids=["finished", "running"])
class TestDelete:
    def test_leaves_nothing_to_find(self, storage: Storage, ends: bool) -> None:
        store = storage.open()
        fill(store, b"a", b"b", ends=ends, name="chat")
        store.delete("s")
        for other in (store, storage.open()):
            assert (other.find("s"), other.find_by_name("chat"), other.read("s", 0, 99)) == (None, None, [])

    def test_leaves_the_id_to_a_stream_that_begins_anew(self, store: Store, ends: bool) -> None:
        fill(store, b"old", b"old", ends=ends)
        store.delete("s")
        assert store.claim(claim(worker="other", question="another")) is None
        assert store.append("other", [entry(1, payload=b"new")]) == set()
        assert (found(store).claim.worker, found(store).last) == ("other", 1)
        assert payloads(store.read("s", 0, 99)) == [b"new"]

    def test_gives_its_bytes_back(self, storage: Storage, ends: bool) -> None:
        store = storage.open(total_bytes=100)
        for _ in range(3):
            fill(store, b"x" * 60, b"x" * 40, ends=ends)
            store.delete("s")
        fill(store, b"x" * 100, stream="whole")
        assert store.append("w", [entry(2, payload=b"x", stream="whole")]) == {"whole"}

    def test_twice_counts_its_bytes_once(self, storage: Storage, ends: bool) -> None:
        store = storage.open(total_bytes=100)
        fill(store, b"x" * 50, stream="stays")
        fill(store, b"x" * 50, ends=ends)
        store.delete("s")
        store.delete("s")
        fill(store, b"x" * 50, stream="next")
        assert store.append("w", [entry(2, payload=b"x", stream="next")]) == {"next"}

    def test_refuses_what_its_worker_appends_later(self, store: Store, ends: bool) -> None:
        fill(store, b"a", ends=ends)
        store.delete("s")
        assert store.append("w", [entry(2, is_last=True)]) == {"s"}
        assert store.find("s") is None

    def test_tells_those_who_watch(self, store: Store, ends: bool) -> None:
        fill(store, b"a", ends=ends)
        watcher = Watcher(store)
        watcher.sees(lambda: store.delete("s"))

    def test_leaves_other_streams_and_the_name_of_a_later_one(self, store: Store, ends: bool) -> None:
        fill(store, b"a", ends=ends, name="chat")
        fill(store, b"b", stream="later", name="chat")
        store.delete("s")
        record = store.find_by_name("chat")
        assert record is not None
        assert (record.claim.id, payloads(store.read("later", 0, 99))) == ("later", [b"b"])


def test_deletes_one_that_was_claimed_and_has_no_event(store: Store) -> None:
    store.claim(claim())
    store.delete("s")
    assert store.find("s") is None
    assert store.claim(claim()) is None


def test_deletes_one_of_more_batches_than_a_step_of_it_has(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "SWEEP_BATCH", 3)
    store = storage.open(total_bytes=100)
    fill(store, *[b"x" * 10] * 10)
    store.delete("s")
    fill(store, b"x" * 100)
    assert found(store).last == 1


def test_of_no_stream_does_nothing(storage: Storage) -> None:
    store = storage.open(total_bytes=100)
    store.delete("no such")
    fill(store, b"x" * 100)
    assert store.append("w", [entry(2, payload=b"x")]) == {"s"}
