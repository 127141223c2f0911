"""A connection to an SQLite file that is used in one thread of its own.

It opens the file at its first use, so never before a fork, and reopens it after an error. It turns SQLite's errors into
`StoreUnavailable`. It does not know the schema of the file, nor what is read and written.
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
"""Seconds after which a client may try again, in errors."""

ADVICE = {
    "database is locked": "Another process holds its lock.",
    "database or disk is full": "Free some space, or name a file on another disk.",
    "unable to open database file": "See to it that its folder exists and can be written to.",
    "attempt to write a readonly database": "See to it that the file and its folder can be written to.",
}
"""What to do about an error, by SQLite's message."""

P = ParamSpec("P")
T = TypeVar("T")


class _Failure(msgspec.Struct):
    """What the thread returns in place of raising: gevent would print the exception, though the caller gets it."""

    error: Exception


class SqliteConnection:
    """A connection that runs its calls in one thread, in their order.

    Args:
        path: The file.

    Attributes:
        openings: How often the file was opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pool: Any = None
        self._db: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None
        self._is_closed = False
        self.openings = 0

    def run(
        self, job: Callable[Concatenate[sqlite3.Connection, P], T], /, *arguments: P.args, **options: P.kwargs
    ) -> T:
        """Call `job` in the thread with the connection and return its result; other greenlets run meanwhile.

        Args:
            job: Takes the connection, then `arguments` and `options`.
            arguments: Further positional arguments.
            options: Keyword arguments.

        Raises:
            StoreUnavailable: the file cannot be used, or is busy for longer than `BUSY_TIMEOUT`.
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
        self, called_at: float, job: Callable[..., T], arguments: Sequence[Any], options: dict[str, Any]
    ) -> T | _Failure:
        if time.monotonic() - called_at > database.BUSY_TIMEOUT:
            return _Failure(StoreUnavailable(f"The store {self._path} is too busy.", retry_after=RETRY_AFTER))
        try:
            return job(self._connection(), *arguments, **options)
        except sqlite3.DatabaseError as error:
            self._disconnect()
            return _Failure(self._unavailable(error))
        except Exception as error:  # noqa: BLE001  # it is raised in the greenlet that called `run`
            return _Failure(error)

    def _unavailable(self, error: sqlite3.DatabaseError) -> StoreUnavailable:
        reason = str(error)
        message = f"The store {self._path} cannot be used: {reason}. {ADVICE.get(reason, '')}".rstrip()
        unavailable = StoreUnavailable(message, retry_after=RETRY_AFTER)
        unavailable.__cause__ = error
        return unavailable

    def _connection(self) -> sqlite3.Connection:
        """Return a connection to the file that is at the path now: the file that was opened may have been removed."""
        if self._db is None or self._inode != self._find_inode():
            self._disconnect()
            self._db = database.open_database(self._path)
            self.openings += 1
            self._inode = self._find_inode()
        return self._db

    def _find_inode(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _disconnect(self) -> None:
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
        self._db = None

    def close(self) -> None:
        """Close the connection, after all calls that are under way. Idempotent."""
        self._is_closed = True
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.spawn(self._disconnect).get()
            pool.kill()
