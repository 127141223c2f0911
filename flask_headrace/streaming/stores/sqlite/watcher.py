"""Polling of an SQLite file for changes by any process.

SQLite does not notify of changes, but a connection can cheaply read whether another connection has committed anything.
So this module reads that every few milliseconds while anything is watched, and compares the watched streams after a
change.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeAlias

import gevent
from gevent.event import Event as Flag

from ....core.errors import HeadraceError
from ..notifier import Callback, ChangeNotifier
from .connection import SqliteConnection
from .queries import StreamState, read_states, read_stopping

POLL_INTERVAL = 0.008
"""Seconds between two polls while any stream is watched for changes: each poll costs two thread switches."""

IDLE_POLL_INTERVAL = 0.04
"""Seconds between two polls while streams are watched for stop requests only."""

RETRY_DELAY = 0.25
"""Seconds until the next poll while the file cannot be used."""

Version: TypeAlias = tuple[int, int]
"""The number of the connection, and SQLite's data_version, which can only be compared within one connection."""

Snapshot: TypeAlias = tuple[dict[str, StreamState], set[str]]
"""The states of the watched streams, and the ids of the unfinished streams that have a stop request."""


class SqliteWatcher:
    """The watches of one process on one file.

    Args:
        connection: The connection that polls. It does not see its own changes.
    """

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self._changes = ChangeNotifier(on_first=self._start_now)
        self._stop_requests = ChangeNotifier(on_first=self._start)
        self._snapshot: Snapshot = ({}, set())
        self._is_outdated = False
        self._version: Version | None = None
        self._polling: gevent.Greenlet | None = None
        self._poll_now = Flag()

    def add(self, stream: str, callback: Callback) -> Callable[[], None]:
        """Call `callback` after each change of a stream; return a function that ends the watch."""
        return self._changes.add(stream, callback)

    def add_stop(self, stream: str, callback: Callback) -> Callable[[], None]:
        """Call `callback` after a stop request for a stream; return a function that ends the watch."""
        return self._stop_requests.add(stream, callback)

    def _start_now(self, stream: str) -> None:
        self._start(stream)
        self._poll_now.set()

    def _start(self, stream: str) -> None:
        # The snapshot does not have this stream, or not as it is now.
        self._is_outdated = True
        self._snapshot[1].discard(stream)
        if self._polling is None:
            self._polling = gevent.spawn(self._poll_while_watched)

    def _poll_while_watched(self) -> None:
        try:
            while self._changes or self._stop_requests:
                self._poll()
                self._poll_now.clear()
                self._poll_now.wait(POLL_INTERVAL if self._changes else IDLE_POLL_INTERVAL)
        finally:
            self._polling = None

    def _poll(self) -> None:
        version = None if self._is_outdated else self._version
        self._is_outdated = False
        try:
            self._version, snapshot = self._connection.run(self._read_changes, version, self._changes.ids)
        except HeadraceError:
            # The callers of the store get the error. The next snapshot shows what has changed meanwhile.
            self._is_outdated = True
            gevent.sleep(RETRY_DELAY)
            return
        if snapshot is not None:
            self._compare(*snapshot)

    def _read_changes(
        self, db: sqlite3.Connection, version: Version | None, streams: list[str]
    ) -> tuple[Version, Snapshot | None]:
        """Return the version of the file, and a snapshot unless it still has `version`. Runs in the thread."""
        (number,) = db.execute("PRAGMA data_version").fetchone()
        current = self._connection.openings, number
        if current == version:
            return current, None
        return current, (read_states(db, streams) if streams else {}, read_stopping(db))

    def _compare(self, states: dict[str, StreamState], stopping: set[str]) -> None:
        (states_before, stopping_before), self._snapshot = self._snapshot, (states, stopping)
        streams = states_before.keys() | states.keys()
        self._changes.notify(stream for stream in streams if states_before.get(stream) != states.get(stream))
        self._stop_requests.notify(stopping - stopping_before)

    def close(self) -> None:
        """Stop polling. Idempotent."""
        polling, self._polling = self._polling, None
        if polling is not None:
            polling.kill()
