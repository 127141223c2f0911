"""One connection to an SQLite file, in a thread of its own.

It opens the file at first use, so never before a fork, and again after trouble, and turns SQLite's errors into ours.
What the file is, it does not know, nor what is read and written.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec
from gevent.threadpool import ThreadPool

from ....core.errors import StoreUnavailable
from . import database

RETRY_AFTER = 2.0

ADVICE = {
    "database is locked": "Another process holds its lock.",
    "database or disk is full": "Free some space, or name a file on another disk.",
    "unable to open database file": "See to it that its folder exists and can be written to.",
    "attempt to write a readonly database": "See to it that the file and its folder can be written to.",
}

P = ParamSpec("P")
T = TypeVar("T")


class _Failure(msgspec.Struct):
    """What a thread returns instead of raising: gevent would print it, though whoever asked is told."""

    error: Exception


class SqliteConnection:
    """A connection that is used in one thread, in the order of the calls.

    Attributes:
        openings: How many connections there have been.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pool: Any = None
        self._db: sqlite3.Connection | None = None
        self._place: tuple[int, int] | None = None
        self._is_closed = False
        self.openings = 0

    def run(
        self, job: Callable[Concatenate[sqlite3.Connection, P], T], /, *arguments: P.args, **options: P.kwargs
    ) -> T:
        """Run `job` in the thread, with the connection; other greenlets run meanwhile.

        Raises:
            StoreUnavailable: the file cannot be used, or is busy for longer than `PATIENCE`.
        """
        if self._is_closed:
            raise StoreUnavailable(f"The store {self._path} is closed.")
        if self._pool is None:
            self._pool = ThreadPool(1)
        outcome: T | _Failure = self._pool.spawn(self._try, time.monotonic(), job, arguments, options).get()
        if isinstance(outcome, _Failure):
            raise outcome.error
        return outcome

    def _try(
        self, asked: float, job: Callable[..., T], arguments: Sequence[Any], options: dict[str, Any]
    ) -> T | _Failure:
        if time.monotonic() - asked > database.BUSY_TIMEOUT:
            return _Failure(StoreUnavailable(f"The store {self._path} is too busy.", retry_after=RETRY_AFTER))
        try:
            return job(self._connection(), *arguments, **options)
        except sqlite3.DatabaseError as error:
            self._let_go()
            return _Failure(self._trouble(error))
        except Exception as error:  # noqa: BLE001  # it is raised in the greenlet that asked
            return _Failure(error)

    def _trouble(self, error: sqlite3.DatabaseError) -> StoreUnavailable:
        said = str(error)
        message = f"The store {self._path} cannot be used: {said}. {ADVICE.get(said, '')}".rstrip()
        trouble = StoreUnavailable(message, retry_after=RETRY_AFTER)
        trouble.__cause__ = error
        return trouble

    def _connection(self) -> sqlite3.Connection:
        """Return the connection to the file that is there now: the one that was opened may have been removed."""
        if self._db is None or self._place != self._look():
            self._let_go()
            self._db = database.open_database(self._path)
            self.openings += 1
            self._place = self._look()
        return self._db

    def _look(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _let_go(self) -> None:
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
        self._db = None

    def close(self) -> None:
        """Close the connection, after all that is under way. May be called twice."""
        self._is_closed = True
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.spawn(self._let_go).get()
            pool.kill()
