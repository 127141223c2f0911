"""The grace time of a resumable stream without readers."""

from __future__ import annotations

import time

import gevent
import msgspec
import pytest

from flask_headrace.core.events import Cancelled
from flask_headrace.streaming import disconnect_grace
from flask_headrace.streaming.stores.base import StoreLimits
from flask_headrace.streaming.stores.memory import MemoryStore
from tests.streaming.resume.workers import QUIET, Away, Worker
from tests.streaming.stage import DONE, Source, text
from tests.support.event_loop import settle, until

SHORT = msgspec.structs.replace(QUIET, grace=0.3)


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disconnect_grace, "POLL_INTERVAL", 0.05)


def test_is_over_when_nobody_has_come_back() -> None:
    worker, source = Worker(limits=SHORT), Source(text("a"))
    reading = worker.begin(source)
    until(lambda: reading.last == 2)
    session = reading.reader.session
    reading.leave()
    left_at = time.monotonic()
    settle()
    assert session.terminal is None
    until(lambda: session.terminal)
    assert session.terminal == Cancelled("reader_left")
    assert 0.2 < time.monotonic() - left_at < 3
    until(lambda: source.closed)


def test_ends_when_a_reader_comes_back() -> None:
    worker, source = Worker(limits=SHORT), Source(text("a"))
    reading = worker.begin(source)
    until(lambda: reading.last == 2)
    reading.leave()
    gevent.sleep(0.15)
    back = worker.follow(reading.id, 2)
    gevent.sleep(0.5)
    source.give(text("b"), [DONE])
    assert [type(event).__name__ for event in back.read()] == ["TextDelta", "Usage", "Completed"]


def test_that_ends_in_the_turn_in_which_a_reader_comes_back_does_not_end_the_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker, source = Worker(limits=SHORT), Source(text("a"))
    reading = worker.begin(source)
    until(lambda: reading.last == 2)
    reading.leave()
    left_at, backs = time.monotonic(), []

    def come_back_in_the_last_look(_: object) -> bool:
        if time.monotonic() - left_at > SHORT.grace - 0.01 and not backs:
            backs.append(worker.follow(reading.id, 2))
        return False

    monkeypatch.setattr(worker.store_writer, "has_remote_readers", come_back_in_the_last_look)
    until(lambda: backs)
    source.give(text("b"), [DONE])
    assert backs[0].read()[-1] == DONE


def test_begins_anew_each_time_and_not_before_the_last_has_left() -> None:
    worker, source = Worker(limits=SHORT), Source(text("a"))
    first = worker.begin(source)
    second = worker.follow(first.id)
    first.leave()
    gevent.sleep(0.5)
    session = second.reader.session
    assert session.terminal is None
    for _ in range(3):
        second.leave()
        gevent.sleep(0.2)
        assert session.terminal is None
        second = worker.follow(first.id)
    second.leave()
    until(lambda: session.terminal == Cancelled("reader_left"))


def test_does_not_run_while_another_worker_has_a_reader() -> None:
    store = MemoryStore(StoreLimits())
    here, there, source = Worker(store, SHORT), Worker(store, SHORT), Source(text("a"))
    reading = here.begin(source)
    until(lambda: reading.last == 2)
    elsewhere = there.follow(reading.id)
    until(lambda: elsewhere.last == 2)
    session = reading.reader.session
    reading.leave()
    gevent.sleep(0.8)
    assert session.terminal is None
    elsewhere.leave()
    until(lambda: session.terminal == Cancelled("reader_left"))


def test_runs_also_while_the_store_is_away() -> None:
    store = Away(MemoryStore(StoreLimits()))
    worker, source = Worker(store, SHORT), Source(text("a"))
    reading = worker.begin(source)
    until(lambda: reading.last == 2)
    session = reading.reader.session
    store.is_away = True
    reading.leave()
    until(lambda: session.terminal == Cancelled("reader_left"))


def test_is_of_no_matter_after_the_end() -> None:
    worker = Worker(limits=SHORT)
    reading = worker.begin(Source(text("a"), [DONE]))
    session = reading.reader.session
    reading.read()
    reading.leave()
    gevent.sleep(0.5)
    assert session.terminal == DONE
