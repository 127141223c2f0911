"""Workers in one process that share a store, and readers that record the numbers of their events."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gevent

from flask_headrace.core.errors import StoreUnavailable
from flask_headrace.core.events import Event
from flask_headrace.streaming.context import StreamLimits
from flask_headrace.streaming.reader import StreamReader
from flask_headrace.streaming.registry import StreamRegistry
from flask_headrace.streaming.resumable_streams import ResumableStreams
from flask_headrace.streaming.resume.store_writer import StoreWriter
from flask_headrace.streaming.resume.stored_events import decode_context, events_after
from flask_headrace.streaming.session import StreamSession
from flask_headrace.streaming.stores.base import Store, StoreLimits
from flask_headrace.streaming.stores.memory import MemoryStore
from flask_headrace.streaming.stores.sqlite.database import transaction
from flask_headrace.streaming.stores.sqlite.queries import remove
from flask_headrace.streaming.stores.sqlite.store import SqliteStore
from tests.streaming.stage import CONTEXT, Source, is_terminal

QUIET = StreamLimits(heartbeat=None, first_token=None, stall=None, duration=None, client=None, grace=30.0)


class Away:
    """A store that raises from every call while `is_away` is set, before or after the call was executed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_away = False
        self.fails_after_execution = False
        self.calls: list[str] = []

    def lose(self, id_: str) -> None:
        """Delete a stream, as if the server had restarted without data."""
        if isinstance(self._store, MemoryStore):
            self._store._remove(id_)
        else:
            self._store._writes.run(_forget, id_)  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name in {"window", "watch", "watch_stop", "close"}:
            return found

        def call(*arguments: Any) -> Any:
            self.calls.append(name)
            if self.is_away and not self.fails_after_execution:
                raise StoreUnavailable("The store is away.", retry_after=2)
            done = found(*arguments)
            if self.is_away:
                raise StoreUnavailable("The store is away.", retry_after=2)
            return done

        return call


def _forget(db: sqlite3.Connection, id_: str) -> None:
    with transaction(db):
        for (key,) in db.execute("SELECT key FROM streams WHERE id = ?", (id_,)).fetchall():
            remove(db, key)


class Worker:
    """The streams of one worker, and its access to those of others."""

    def __init__(self, store: Any = None, limits: StreamLimits = QUIET, most: int = 100) -> None:
        self.store = store or MemoryStore(StoreLimits())
        self.store_writer = StoreWriter(self.store)
        self.ended: list[StreamSession] = []
        self.streams = StreamRegistry(limits, most, lambda _: None, self.ended.append, self.store_writer)
        self.resumable_streams = ResumableStreams(self.streams, self.store_writer)

    def begin(self, source: Source, id_: str | None = None, question: str = "q", chat: str | None = None) -> Reading:
        """Open a stream and read it."""
        return Reading(self.resumable_streams.open(id_ or secrets.token_urlsafe(16), question, CONTEXT, source, chat))

    def follow(self, id_: str, after: int = 0, incarnation: str = "") -> Reading:
        reader = self.resumable_streams.resume(id_, "", after, incarnation=incarnation)
        assert reader is not None
        return Reading(reader)

    def die(self) -> None:
        """Renew no lease and write no event any more, like a worker that was killed."""
        self.store_writer.lease._renewing.kill()
        self.store.append = lambda *_: (_ for _ in ()).throw(StoreUnavailable("dead"))


@contextmanager
def shared(kind: str, folder: Path, bounds: StoreLimits, count: int) -> Iterator[list[Away]]:
    """Open a store in memory or SQLite `count` times, once for each worker."""
    if kind == "memory":
        kept: list[Store] = [MemoryStore(bounds)] * count
    else:
        kept = [SqliteStore(folder / "streams.db", bounds) for _ in range(count)]
    yield [Away(store) for store in kept]
    for store in kept:
        store.close()


def is_stored(worker: Worker, id_: str, last: int) -> bool:
    """Whether the store of a worker has exactly `last` events of a stream."""
    record = worker.store.find(id_)
    return record is not None and record.last == last


def stored_events(store: Store | Away, id_: str) -> list[Event]:
    record = store.find(id_)
    incarnation = "" if record is None else decode_context(record.claim).incarnation
    entries = store.read(id_, 0, 10**9)
    return [event for entry in entries for event in events_after(entry, entry.first - 1, incarnation)]


def is_finished(store: Store | Away, id_: str) -> bool:
    record = store.find(id_)
    return record is not None and record.is_finished


class Reading:
    """Reads a stream in a greenlet, and records the events with their numbers."""

    def __init__(self, reader: StreamReader, on_batch: Callable[[], object] = lambda: None) -> None:
        self.reader = reader
        self.numbered: list[tuple[int, Event]] = []
        self._on_batch = on_batch
        self.greenlet = gevent.spawn(self._read)

    def _read(self) -> None:
        for events in self.reader:
            first = self.reader.position - len(events) + 1
            self.numbered += list(enumerate(events, first))
            self._on_batch()

    @property
    def id(self) -> str:
        return self.reader.session.id

    @property
    def incarnation(self) -> str:
        return self.reader.session.context.incarnation

    @property
    def numbers(self) -> list[int]:
        return [number for number, _ in self.numbered]

    @property
    def events(self) -> list[Event]:
        return [event for _, event in self.numbered]

    @property
    def last(self) -> int:
        return self.numbers[-1] if self.numbered else 0

    def leave(self) -> None:
        self.reader.close()
        self.greenlet.join(5)

    def read(self) -> list[Event]:
        """Wait for the end and check that it is one, and that no number is missing or comes twice."""
        self.greenlet.join(30)
        assert self.greenlet.dead, f"the stream has not ended: {self.numbered[-3:]}"
        assert self.numbers == list(range(self.numbers[0], self.numbers[0] + len(self.numbers)))
        assert [event for event in self.events if is_terminal(event)] == self.events[-1:]
        return self.events
