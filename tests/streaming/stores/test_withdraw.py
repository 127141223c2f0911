"""A claim that is withdrawn because its stream could not be opened."""

from __future__ import annotations

from flask_headrace.streaming.stores.base import Store
from tests.streaming.stores.stage import Watcher, claim, entry, fill, found


def test_a_claim_that_is_taken_back_is_free_for_everybody(store: Store) -> None:
    store.claim(claim(), "chat")
    store.withdraw("s", "w")
    assert (store.find("s"), store.find_by_name("chat")) == (None, None)
    assert store.claim(claim(worker="other", question="another")) is None
    assert found(store).claim.worker == "other"


def test_the_name_of_a_later_stream_stays(store: Store) -> None:
    store.claim(claim("first"), "chat")
    store.claim(claim("second"), "chat")
    store.withdraw("first", "w")
    record = store.find_by_name("chat")
    assert record is not None
    assert record.claim.id == "second"


def test_those_who_watch_are_told(store: Store) -> None:
    store.claim(claim())
    watcher = Watcher(store)
    watcher.sees(lambda: store.withdraw("s", "w"))


def test_one_with_an_event_stays(store: Store) -> None:
    fill(store, b"a")
    store.withdraw("s", "w")
    assert found(store).last == 1
    assert store.append("w", [entry(2, is_last=True)]) == set()
    store.withdraw("s", "w")
    assert found(store).is_finished


def test_another_workers_stays(store: Store) -> None:
    store.claim(claim(worker="w"))
    store.withdraw("s", "other")
    assert found(store).claim.worker == "w"


def test_one_that_is_not_there_is_no_trouble(store: Store) -> None:
    store.withdraw("s", "w")
    assert store.find("s") is None
