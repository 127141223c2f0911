"""Notices what any process has changed in an SQLite file.

SQLite tells nobody of a change, but a connection can be asked cheaply whether another has committed anything. So it is
asked every few milliseconds, as long as anything is watched, and after a change what is watched is compared.
"""

from __future__ import annotations

import sqlite3
from typing import TypeAlias

import gevent
from gevent.event import Event as Flag

from ....core.errors import HeadraceError
from ..notifier import Callback, ChangeNotifier
from .connection import SqliteConnection
from .queries import StreamState, read_states, read_stopping

POLL_INTERVAL = 0.008
"""Seconds between two looks where somebody waits for changes: each costs two changes of hands between threads."""

IDLE_POLL_INTERVAL = 0.04
"""Seconds between two looks for wishes to stop."""

RETRY_DELAY = 0.25
"""Seconds until the next look while the file cannot be used."""

Version: TypeAlias = tuple[int, int]
"""Which connection it is, and SQLite's data_version, which only compares within one."""

View: TypeAlias = tuple[dict[str, StreamState], set[str]]
"""The watched streams as they are, and those whose end somebody has asked for."""


class SqliteWatcher:
    """The watches of one process on one file.

    Args:
        file: The connection that looks; its own changes would not be seen.
    """

    def __init__(self, file: SqliteConnection) -> None:
        self._file = file
        self._changes = ChangeNotifier(on_first=self._begin_soon)
        self._stops = ChangeNotifier(on_first=self._begin)
        self._view: View = ({}, set())
        self._is_new = False
        self._seen: Version | None = None
        self._looking: gevent.Greenlet | None = None
        self._hurry = Flag()

    def add(self, stream: str, wake: Callback) -> Callback:
        """Call `wake` after each change of a stream; return what ends that."""
        return self._changes.add(stream, wake)

    def add_stop(self, stream: str, wake: Callback) -> Callback:
        """Call `wake` after a wish to stop a stream; return what ends that."""
        return self._stops.add(stream, wake)

    def _begin_soon(self, stream: str) -> None:
        self._begin(stream)
        self._hurry.set()

    def _begin(self, stream: str) -> None:
        # What has happened to this one since the last look is not known.
        self._is_new = True
        self._view[1].discard(stream)
        if self._looking is None:
            self._looking = gevent.spawn(self._look_on)

    def _look_on(self) -> None:
        try:
            while self._changes or self._stops:
                self._look_once()
                self._hurry.clear()
                self._hurry.wait(POLL_INTERVAL if self._changes else IDLE_POLL_INTERVAL)
        finally:
            self._looking = None

    def _look_once(self) -> None:
        seen = None if self._is_new else self._seen
        self._is_new = False
        try:
            self._seen, view = self._file.run(self._look, seen, self._changes.ids)
        except HeadraceError:
            # Whoever uses the store is told; what is missed meanwhile is found by comparison.
            self._is_new = True
            gevent.sleep(RETRY_DELAY)
            return
        if view is not None:
            self._compare(*view)

    def _look(self, db: sqlite3.Connection, seen: Version | None, streams: list[str]) -> tuple[Version, View | None]:
        """Return the file's version, and what is watched where it was not that when last seen. Runs in the thread."""
        (number,) = db.execute("PRAGMA data_version").fetchone()
        version = self._file.openings, number
        if version == seen:
            return version, None
        return version, (read_states(db, streams) if streams else {}, read_stopping(db))

    def _compare(self, states: dict[str, StreamState], stopping: set[str]) -> None:
        (states_before, stopping_before), self._view = self._view, (states, stopping)
        streams = states_before.keys() | states.keys()
        self._changes.notify(stream for stream in streams if states_before.get(stream) != states.get(stream))
        self._stops.notify(stopping - stopping_before)

    def close(self) -> None:
        """Look no more. May be called twice."""
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.kill()
