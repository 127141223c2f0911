"""The store in memory: it counts the memory that it uses, and no operation is slower with many streams."""

from __future__ import annotations

import gc
import tracemalloc

import gevent
import pytest

from flask_headrace.core.events import Completed, Event, TextDelta, Usage
from flask_headrace.streaming.resume.event_codec import encode
from flask_headrace.streaming.stores import memory
from flask_headrace.streaming.stores.base import EventBatch, StoreLimits, StreamClaim
from flask_headrace.streaming.stores.memory import MemoryStore
from tests.streaming.stores.stage import claim, entry


@pytest.fixture
def payloads_alone() -> None:
    """Count all, unlike the tests of what every store does."""


def filled(store: MemoryStore, streams: int, deltas: int, text: str, *, ends: bool = True) -> None:
    for number in range(streams):
        id_ = f"a-stream-of-many-{number:08}"
        store.claim(StreamClaim(id_, "a-worker-of-one", "an-owner-of-many", "0" * 64 + str(number), b"about" * 40))
        for first in range(1, deltas + 1):
            events: list[Event] = [TextDelta(text)]
            store.append("a-worker-of-one", [EventBatch(id_, first, 1, encode(events))])
        if ends:
            last: list[Event] = [Usage(9, 2), Completed("stop")]
            store.append("a-worker-of-one", [EventBatch(id_, deltas + 1, 2, encode(last), is_last=True)])


@pytest.mark.parametrize(
    ("streams", "deltas", "text"), [(40, 500, "x"), (60, 60, "x" * 100), (1500, 1, "x"), (60, 20, "x" * 5000)]
)
def test_counts_what_it_holds(streams: int, deltas: int, text: str) -> None:
    store = MemoryStore(StoreLimits())
    gc.collect()
    tracemalloc.start()
    try:
        filled(store, streams, deltas, text)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert store._size / 1.5 < held < store._size * 1.5


def test_has_no_more_finished_streams_than_fit() -> None:
    store = MemoryStore(StoreLimits(total_bytes=100 * memory.STREAM_OVERHEAD_BYTES))
    filled(store, 1000, 1, "x")
    assert 20 < len(store._streams) < 100
    assert store._size <= 100 * memory.STREAM_OVERHEAD_BYTES
    assert store.find("a-stream-of-many-00000999") is not None


def test_is_empty_again_after_its_streams() -> None:
    store = MemoryStore(StoreLimits(retention=0.0))
    filled(store, 20, 3, "x")
    filled(store, 1, 3, "x", ends=False)
    store.add_reader("a-stream-of-many-00000003", "r", 0.0)
    store.remove_reader("a-stream-of-many-00000003", "r")
    store.delete_expired()
    assert (store._size, store._streams, store._running, store._finished, store._readers) == (0, {}, set(), {}, {})


class Counted(dict):  # type: ignore[type-arg]
    """A dictionary that counts how many of its values are looked at one after another."""

    looks = 0

    def values(self):
        return [self._seen(value) for value in super().values()]

    def items(self):
        return [(key, self._seen(value)) for key, value in super().items()]

    def _seen(self, value: object) -> object:
        Counted.looks += 1
        return value


def test_looks_at_no_stream_that_an_operation_is_not_about() -> None:
    store = MemoryStore(StoreLimits(total_bytes=3000 * memory.STREAM_OVERHEAD_BYTES))
    filled(store, 2000, 1, "x")
    store._streams = Counted(store._streams)
    Counted.looks = 0
    store.claim(claim("new"))
    store.append("w", [entry(1, stream="new", payload=b"x" * 1000)])
    store.add_reader("new", "reader", 5.0)
    assert store.has_readers("w")
    store.renew_lease("w")
    store.delete_expired()
    assert Counted.looks == 0


def test_forgets_tickets_that_nobody_takes_without_a_sweep() -> None:
    store = MemoryStore(StoreLimits())
    for number in range(100):
        store.add_ticket(f"t{number}", 0.01)
    gevent.sleep(0.02)
    store.add_ticket("the last", 60)
    assert list(store._tickets) == ["the last"]
