"""Cursors of readers that have more events than the store, or other ones."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from flask_headrace.streaming.resume import stored_reader
from flask_headrace.streaming.stores.base import StoreLimits
from flask_headrace.streaming.stores.memory import MemoryStore
from tests.streaming.resume.workers import QUIET, Worker, is_finished, is_stored
from tests.streaming.stage import DONE, Source, text
from tests.support.event_loop import until

pytestmark = pytest.mark.usefixtures("short_times")

ID = "an-id-of-the-clients"


def evict(store: MemoryStore) -> None:
    del store._streams[ID].batches[-1]


def damage(store: MemoryStore) -> None:
    entries = store._streams[ID].batches
    entries[-1] = msgspec.structs.replace(entries[-1], payload=b"\xc1")


@pytest.mark.parametrize("lose", [evict, damage])
def test_ahead_of_a_stream_whose_end_is_lost_is_told_so(lose: Callable[[MemoryStore], None]) -> None:
    store = MemoryStore(StoreLimits())
    worker, other, source = Worker(store), Worker(store), Source(text("a"))
    reading = worker.begin(source, ID)
    until(lambda: is_stored(worker, ID, 2))
    reading.reader.session.detach_store()
    source.give(text("b", "c", "d"))
    until(lambda: reading.last == 5)
    until(lambda: is_finished(store, ID))
    lose(store)
    back = other.follow(ID, 5)
    assert [event.code for event in back.read()] == ["not_resumable"]
    assert back.numbers == [6]


def test_at_the_end_of_a_stream_whose_end_is_lost_has_all_of_it() -> None:
    store = MemoryStore(StoreLimits())
    worker, other = Worker(store), Worker(store)
    last = len(worker.begin(Source(text("a"), [DONE]), ID).read())
    until(lambda: is_finished(store, ID))
    damage(store)
    assert other.resumable_streams.resume(ID, "", last) is None


class TestStoreThatIsAnOlderCopyOfItself:
    def test_ends_the_reading_with_a_hole(self) -> None:
        store = MemoryStore(StoreLimits())
        worker, other, source = Worker(store), Worker(store), Source(text("a"))
        worker.begin(source, ID)
        until(lambda: is_stored(worker, ID, 2))
        reading = other.follow(ID)
        source.give(text("b"))
        until(lambda: reading.last == 3)
        stream = store._streams[ID]
        stream.batches.pop()
        stream.last = 2
        assert reading.read()[-1].code == "not_resumable"
        source.give([DONE])

    def test_does_not_let_a_reader_wait_for_an_end_that_is_lost(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(stored_reader, "STORE_OUTAGE_TIMEOUT", 0.2)
        store = MemoryStore(StoreLimits())
        limits = msgspec.structs.replace(QUIET, duration=0.3)
        worker, other = Worker(store), Worker(store, limits)
        worker.begin(Source(text("a"), [DONE]), ID).read()
        until(lambda: is_finished(store, ID))
        stream = store._streams[ID]
        stream.last, stream.is_finished = stream.batches.pop().first - 1, False
        assert [event.code for event in other.follow(ID).read()] == ["not_resumable"]
