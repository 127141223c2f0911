"""What a sweep of the SQLite store deletes and what it keeps, with other processes at work."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import gevent
import pytest

from flask_headrace.streaming.stores.base import StoreLimits
from flask_headrace.streaming.stores.sqlite import expiry
from flask_headrace.streaming.stores.sqlite.store import SqliteStore
from tests.streaming.stores.stage import WIDE, claim, entry, fill, found
from tests.support.event_loop import until


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "streams.db"


def test_a_sweep_gives_space_back(file: Path) -> None:
    store = SqliteStore(file, StoreLimits(retention=0.05))
    for number in range(10):
        fill(store, bytes(200_000), stream=str(number), ends=True)
    size = total_size(file)

    def is_small() -> bool:
        store.delete_expired()
        store._writes.run(lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
        return total_size(file) < size / 4

    until(is_small, 60)
    store.close()


def test_a_sweep_that_waits_for_its_turn_spares_what_is_written_meanwhile(file: Path) -> None:
    store = SqliteStore(file, WIDE)
    fill(store, b"a", ends=True)
    with closing(sqlite3.connect(file, isolation_level=None)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        sweeping = gevent.spawn(store.delete_expired)
        gevent.sleep(0.2)
        busy.execute("UPDATE streams SET touched = ?", (time.monotonic(),))
        busy.execute("COMMIT")
    sweeping.get()
    assert found(store).is_finished
    store.close()


def test_two_sweeps_at_once_remove_what_is_old_and_nothing_else(file: Path) -> None:
    bounds = StoreLimits(retention=0.05)
    store, other = SqliteStore(file, bounds), SqliteStore(file, bounds)
    for number in range(20):
        fill(store, b"a", stream=f"old {number}", ends=True)
    until(lambda: store.find("old 19") is None)
    condemned = [each._writes.run(expiry.mark_expired, 0.05) for each in (store, other)]
    assert condemned[0] == condemned[1] != []
    for key in condemned[0]:
        assert store._writes.run(expiry.remove_batch, key)
    fill(store, b"a", stream="new")
    for key in condemned[1]:
        assert other._writes.run(expiry.remove_batch, key)
    assert store.append("w", [entry(2, stream="new")]) == set()
    store.close()
    other.close()


def test_a_sweep_leaves_nothing_of_a_long_stream(file: Path) -> None:
    store = SqliteStore(file, StoreLimits(retention=0.05))
    fill(store, *[b"x"] * 1700, ends=True)
    until(lambda: store.find("s") is None)
    store.delete_expired()
    rows = [f"SELECT count(*) FROM {table}" for table in ("streams", "claims", "entries")]
    rows.append("SELECT bytes FROM total")
    assert [store._reads.run(lambda db, sql=sql: db.execute(sql).fetchone()) for sql in rows] == [(0,)] * 4
    store.close()


def test_a_sweep_that_comes_second_spares_a_new_stream_in_the_place_of_the_old(file: Path) -> None:
    store = SqliteStore(file, StoreLimits(retention=0.01))
    fill(store, b"a", ends=True)
    until(lambda: store.find("s") is None)
    (key,) = store._writes.run(expiry.mark_expired, 0.01)
    assert store._writes.run(expiry.remove_batch, key)
    fill(store, b"b")
    assert store._writes.run(expiry.remove_batch, key)
    assert found(store).last == len(store.read("s", 0, 99)) == 1
    store.close()


def test_many_sweeps_and_appends_at_once(file: Path) -> None:
    store = SqliteStore(file, StoreLimits(retention=0.01))
    store.renew_lease("w")
    for number in range(10):
        fill(store, *[b"x"] * 600, stream=f"old {number}", ends=True)
    store.claim(claim())
    sweeps = [gevent.spawn(store.delete_expired) for _ in range(3)]
    for number in range(1, 100):
        assert store.append("w", [entry(number)]) == set()
    gevent.joinall(sweeps, timeout=10, raise_error=True)
    assert len(store.read("s", 0, 999)) == 99


def total_size(file: Path) -> int:
    return sum(path.stat().st_size for path in file.parent.iterdir())


def test_forgets_tickets_that_nobody_takes_without_a_sweep(file: Path) -> None:
    with closing(SqliteStore(file, WIDE)) as store:
        for number in range(100):
            store.add_ticket(f"t{number}", 0.01)
        gevent.sleep(0.02)
        store.add_ticket("the last", 60)
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT reader FROM readers").fetchall() == [("the last",)]
