"""Append, follow, drop, resume, stop, death and expiry in any order, over two workers, against what must hold for all.

Every reader, over all its comings and goings, has 1, 2, 3, … and one end; also who had more of a stream than its dead
worker could write.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gevent
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_headrace.core.errors import StoreUnavailable, StreamNotFound
from flask_headrace.core.events import Completed, Event, TextDelta, Usage
from flask_headrace.streaming.resume import cursor, lease, store_writer, stored_reader
from flask_headrace.streaming.stores import memory
from flask_headrace.streaming.stores.base import Store, StoreLimits
from flask_headrace.streaming.stores.memory import MemoryStore
from flask_headrace.streaming.stores.sqlite import leases as sqlite_leases
from flask_headrace.streaming.stores.sqlite.store import SqliteStore
from tests.streaming.resume.workers import Away, Reading, Worker
from tests.streaming.stage import DONE, Source, is_terminal, text
from tests.support.event_loop import until

pytestmark = pytest.mark.slow

ID = "the-stream-of-this-test"

WORKER, READER = st.integers(0, 1), st.integers(0, 7)
STEP = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 4)),
    st.tuples(st.just("follow"), WORKER),
    st.tuples(st.just("drop"), READER),
    st.tuples(st.just("resume"), READER, WORKER),
    st.tuples(st.just("pause"), st.sampled_from([0, 0.001, 0.03])),
)
END = st.sampled_from(["done", "failed", "stopped here", "stopped there", "death"])


class Reader:
    """One who reads the stream in several sittings."""

    def __init__(self) -> None:
        self.got: list[tuple[int, Event]] = []
        self.sitting: Reading | None = None
        self.place: Worker | None = None

    def sit(self, worker: Worker) -> None:
        """Resume the stream; again, as a client does, if a busy machine is late to notice the death of a worker."""
        with gevent.Timeout(30):
            while True:
                try:
                    reader = worker.resumable_streams.resume(ID, "", self.last)
                    break
                except StoreUnavailable:
                    gevent.sleep(0.1)
        if reader is not None:
            self.sitting, self.place = Reading(reader), worker

    @property
    def last(self) -> int:
        return self.got[-1][0] if self.got else 0

    @property
    def is_at_its_end(self) -> bool:
        return bool(self.got) and is_terminal(self.got[-1][1])

    def drop(self) -> None:
        if self.sitting is not None:
            self.sitting.leave()
            self.got += self.sitting.numbered
            self.sitting = None

    def read_on(self, worker: Worker) -> None:
        """Read to the end, here or where it sits already."""
        if self.sitting is None and not self.is_at_its_end:
            self.sit(worker)
        if self.sitting is not None:
            self.sitting.greenlet.join(30)
            assert self.sitting.greenlet.dead, self.sitting.numbered[-3:]
            self.drop()

    def health_check(self, words: list[str]) -> None:
        numbers = [number for number, _ in self.got]
        events = [event for _, event in self.got]
        assert [event for event in events if is_terminal(event)] == events[-1:], self.got
        assert sum(isinstance(event, Usage) for event in events) == 1
        texts = [event.text for event in events if isinstance(event, TextDelta)]
        assert texts == words[: len(texts)]
        if isinstance(events[-1], Completed):
            assert texts == words
        assert numbers == list(range(1, len(numbers) + 1))


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (memory, sqlite_leases, lease):
        monkeypatch.setattr(module, "LEASE_DURATION", 0.8)
    for module in (store_writer, lease):
        monkeypatch.setattr(module, "LEASE_RENEWAL_INTERVAL", 0.1)
    monkeypatch.setattr(stored_reader, "POLL_INTERVAL", 0.1)
    monkeypatch.setattr(cursor, "CATCH_UP_TIMEOUT", 1.5)


@pytest.fixture(params=["memory", "sqlite"])
def open_stores(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], list[Store]]:
    count = 0

    def open_all() -> list[Store]:
        nonlocal count
        count += 1
        if request.param == "memory":
            return [MemoryStore(StoreLimits())] * 2
        return [SqliteStore(tmp_path / f"{count}.db", StoreLimits()) for _ in range(2)]

    return open_all


@given(steps=st.lists(STEP, max_size=25), end=END, stays=st.booleans())
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_every_reader_has_each_number_once_and_one_end(
    open_stores: Callable[[], list[Store]], steps: list[tuple], end: str, stays: bool
) -> None:
    stores = open_stores()
    workers, source, words = [Worker(Away(store)) for store in stores], Source(text("0")), ["0"]
    first = Reader()
    first.sitting, first.place = workers[0].begin(source, ID), workers[0]
    readers = [first]
    for step in steps:
        match step:
            case "append", count:
                source.give(text(*[str(len(words) + n) for n in range(count)]))
                words += [str(len(words) + n) for n in range(count)]
            case "follow", place:
                readers.append(Reader())
                readers[-1].sit(workers[place])
            case "drop", number:
                readers[number % len(readers)].drop()
            case "resume", number, place:
                reader = readers[number % len(readers)]
                reader.drop()
                reader.sit(workers[place])
            case "pause", seconds:
                gevent.sleep(seconds)
    finish(end, workers, source, readers)
    for reader in readers:
        if not stays:
            reader.drop()
        reader.read_on(workers[1])
        reader.health_check(words)
    check_expiry(workers[1], stores)
    for store in stores:
        store.close()


def finish(end: str, workers: list[Worker], source: Source, readers: list[Reader]) -> None:
    """Let the stream end; where its worker dies, its readers there are lost."""
    match end:
        case "done":
            source.give([DONE])
        case "failed":
            source.give(ValueError("broken"))
        case "stopped here":
            workers[0].resumable_streams.stop(ID, "")
        case "stopped there":
            workers[1].resumable_streams.stop(ID, "")
        case _:
            workers[0].die()
            for reader in readers:
                if reader.place is workers[0]:
                    reader.drop()


def check_expiry(worker: Worker, stores: list[Store]) -> None:
    """Check that a stream is gone after its retention, and that nothing is begun anew by who asks for it."""
    until(lambda: (record := worker.store.find(ID)) is not None and record.is_finished, 30)
    until(lambda: worker.streams.get(ID) is None, 30)
    if isinstance(stores[0], MemoryStore):
        stores[0]._streams[ID].touched -= 10**6
    else:
        stores[0]._writes.run(lambda db: db.execute("UPDATE streams SET touched = touched - 1e6"))
    with pytest.raises(StreamNotFound):
        worker.follow(ID)
