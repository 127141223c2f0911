"""The SQLite store with faults: locked, full, removed, of another version; and the file after a sweep."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Barrier, local

import gevent
import pytest

from flask_headrace.core.errors import ConfigurationError, StoreUnavailable
from flask_headrace.streaming.stores.sqlite import database
from flask_headrace.streaming.stores.sqlite.store import SqliteStore
from tests.streaming.stores.stage import WIDE, Watcher, claim, entry, fill, found, ticking
from tests.support.event_loop import until

HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "streams.db"


@pytest.fixture
def store(file: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(file, WIDE)
    yield opened
    opened.close()


class Holder:
    """Another process that holds the file's write lock."""

    def __init__(self, file: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.process.stdout.readline()

    def detach(self) -> None:
        self.process.communicate()


class TestLocked:
    @pytest.fixture
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(database, "BUSY_TIMEOUT", 2.0)

    def test_writes_fail_and_reads_work(self, impatient: None, store: SqliteStore, file: Path) -> None:
        fill(store, b"a")
        holder = Holder(file)
        writes = [gevent.spawn(store.append, "w", [entry(2)]), gevent.spawn(store.claim, claim("t"))]
        assert found(store).last == 1
        gevent.joinall(writes, timeout=20)
        errors = [write.exception for write in writes]
        holder.detach()
        assert [type(error) for error in errors] == [StoreUnavailable] * 2
        assert "streams.db" in errors[0].message
        assert "locked" in errors[0].message
        assert errors[0].retry_after
        assert store.append("w", [entry(2)]) == set()

    def test_the_loop_goes_on_while_writes_wait(self, monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
        monkeypatch.setattr(database, "BUSY_TIMEOUT", 30)
        with closing(SqliteStore(file, WIDE)) as store:
            fill(store, b"a")
            holder = Holder(file)
            writes = [gevent.spawn(store.append, "w", [entry(2)]), gevent.spawn(store.claim, claim("t"))]
            with ticking() as ticks:
                until(lambda: len(ticks) >= 5, 20)
            assert not any(write.dead for write in writes)
            holder.detach()
            gevent.joinall(writes, timeout=20, raise_error=True)
            assert found(store).last == 2

    def test_for_a_moment_is_waited_for(self, store: SqliteStore, file: Path) -> None:
        fill(store, b"a")
        holder = Holder(file)
        gevent.spawn_later(0.2, holder.detach)
        assert store.append("w", [entry(2)]) == set()

    def test_a_watch_survives_it(self, impatient: None, store: SqliteStore, file: Path) -> None:
        fill(store, b"a")
        watcher = Watcher(store)
        holder = Holder(file)
        with pytest.raises(StoreUnavailable):
            store.append("w", [entry(2)])
        holder.detach()
        watcher.sees(lambda: store.append("w", [entry(2)]))


class TestFull:
    @pytest.fixture
    def disk(self, tmp_path: Path) -> Iterator[Path]:
        """Return a folder on a disk of a megabyte."""
        folder = tmp_path / "disk"
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
        if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("a disk that is full needs the right to mount one: run the tests as root")
        yield folder
        subprocess.run(["umount", "-l", str(folder)], check=True)

    def test_is_said_and_over_when_there_is_space(self, disk: Path) -> None:
        store = SqliteStore(disk / "streams.db", WIDE)
        fill(store, b"a")
        (disk / "ballast").write_bytes(bytes(disk_left(disk) - 8192))
        with pytest.raises(StoreUnavailable, match="full") as raised:
            store.append("w", [entry(2, payload=os.urandom(100_000))])
        assert raised.value.retry_after
        assert found(store).last == 1
        (disk / "ballast").unlink()
        assert store.append("w", [entry(2, payload=os.urandom(100_000))]) == set()
        assert found(store).last == 2
        store.close()

    def test_of_pages_is_said_and_over_when_there_may_be_more(self, store: SqliteStore) -> None:
        fill(store, b"a")
        store._writes.run(lambda db: db.execute("PRAGMA max_page_count = 20").fetchall())
        with pytest.raises(StoreUnavailable, match="full"):
            store.append("w", [entry(2, payload=bytes(500_000))])
        assert store.append("w", [entry(2, payload=bytes(500_000))]) == set()


def disk_left(folder: Path) -> int:
    return shutil.disk_usage(folder).free


class TestRemoved:
    def test_a_file_is_made_anew(self, store: SqliteStore, file: Path) -> None:
        fill(store, b"a")
        for path in file.parent.iterdir():
            path.unlink()
        assert store.append("w", [entry(2)]) == {"s"}
        fill(store, b"a")
        assert found(store).last == 1

    def test_a_folder_is_missed_and_used_when_it_is_back(self, tmp_path: Path) -> None:
        folder = tmp_path / "here"
        folder.mkdir()
        store = SqliteStore(folder / "streams.db", WIDE)
        fill(store, b"a")
        watcher = Watcher(store)
        shutil.rmtree(folder)
        for ask in (lambda: store.append("w", [entry(2)]), lambda: store.find("s")):
            with pytest.raises(StoreUnavailable, match="folder exists"):
                ask()
        folder.mkdir()
        fill(store, b"a")
        watcher.sees(lambda: store.append("w", [entry(2)]))
        store.close()

    def test_a_file_that_is_no_store_any_more_is_said(self, store: SqliteStore, file: Path) -> None:
        fill(store, b"a")
        for path in file.parent.iterdir():
            path.unlink()
        file.write_bytes(b"no database" * 100)
        with pytest.raises(StoreUnavailable, match="not a database"):
            store.find("s")
        file.unlink()
        assert store.find("s") is None


class TestVersion:
    def test_another_is_refused_with_what_to_do(self, store: SqliteStore, file: Path) -> None:
        fill(store, b"a")
        store.close()
        with closing(sqlite3.connect(file)) as db:
            db.execute("PRAGMA user_version = 99")
        with pytest.raises(ConfigurationError, match=r"streams\.db has version 99 .* writes version 2: .*remove it"):
            SqliteStore(file, WIDE)

    def test_another_that_appears_later_is_refused_too(self, store: SqliteStore, file: Path) -> None:
        with closing(sqlite3.connect(file)) as db:
            db.execute(f"PRAGMA application_id = {database.APPLICATION_ID}")
            db.execute("PRAGMA user_version = 99")
        with pytest.raises(ConfigurationError, match="version 99"):
            store.find("s")

    def test_an_applications_own_database_is_refused(self, file: Path) -> None:
        with closing(sqlite3.connect(file)) as db:
            db.execute("CREATE TABLE invoices (id)")
        with pytest.raises(ConfigurationError, match="something else"):
            SqliteStore(file, WIDE)

    def test_a_file_of_another_kind_is_refused(self, file: Path) -> None:
        file.write_text("no database\n" * 100)
        with pytest.raises(ConfigurationError, match=r"no SQLite file"):
            SqliteStore(file, WIDE)


class TestFile:
    def test_a_start_of_the_machine_ends_leases_readers_and_streams(
        self, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = time.monotonic()
        monkeypatch.setattr("time.monotonic", lambda: now + 10_000_000)
        store.renew_lease("w")
        store.add_reader("s", "r", 60)
        fill(store, b"a", ends=True)
        fill(store, b"a", stream="t")
        assert (store.is_alive("w"), store.has_stream_readers("s")) == (True, True)
        monkeypatch.undo()
        assert (store.is_alive("w"), store.has_stream_readers("s")) == (False, False)
        assert store.find("s") is None
        store.delete_expired()
        assert store.find("t") is None

    def test_what_is_finished_while_somebody_looks_is_found(self, file: Path) -> None:
        store, other = SqliteStore(file, WIDE), SqliteStore(file, WIDE)
        for number in range(300):
            fill(store, b"a", stream=f"s{number}")
            last = [entry(2, stream=f"s{number}", is_last=True)]
            looking = gevent.spawn(lambda n=number: [other.find(f"s{n}") for _ in range(8)])
            store.append("w", last)
            assert None not in looking.get()
        store.close()
        other.close()

    def test_a_connection_is_made_at_first_use(self, file: Path) -> None:
        store = SqliteStore(file, WIDE)
        assert not file.exists()
        assert store.find("s") is None
        store.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            store.find("s")

    def test_many_connections_that_find_no_file_make_one_store(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "BUSY_TIMEOUT", 20)  # who is refused at once does not wait for it
        for number in range(8):
            stores = [SqliteStore(tmp_path / f"{number}.db", WIDE) for _ in range(8)]
            gevent.joinall([gevent.spawn(store.find, "s") for store in stores], timeout=40, raise_error=True)
            fill(stores[0], b"a")
            assert found(stores[-1]).last == 1
            for store in stores:
                store.close()

    def test_of_many_that_find_it_empty_at_once_one_writes_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        count, look, thread = 16, database.check_version, local()
        all_have_looked = Barrier(count)

        def look_together(db: sqlite3.Connection, path: Path) -> bool:
            is_empty = look(db, path)
            if not hasattr(thread, "has_looked"):
                thread.has_looked = True
                all_have_looked.wait(30)
            return is_empty

        alone, shared = tmp_path / "alone.db", tmp_path / "shared.db"
        with ExitStack() as opened:
            opened.enter_context(closing(database.open_database(alone)))
            monkeypatch.setattr(database, "check_version", look_together)
            with ThreadPoolExecutor(count) as threads:
                made = list(threads.map(database.open_database, [shared] * count))
            for db in made:
                opened.enter_context(closing(db))
            # Where each writes it, the last of many on a busy machine waits longer than it may.
            assert writes(shared) == writes(alone)
            asked = ("PRAGMA journal_mode", "PRAGMA auto_vacuum", "SELECT count(*) FROM total")
            assert {tuple(db.execute(each).fetchone()[0] for each in asked) for db in made} == {("wal", 2, 1)}


def writes(file: Path) -> tuple[int, int]:
    """Return how many transactions have written the file itself, as its head counts them, and the bytes of its log."""
    log = file.with_name(file.name + "-wal")
    return int.from_bytes(file.read_bytes()[24:28], "big"), log.stat().st_size if log.exists() else 0
