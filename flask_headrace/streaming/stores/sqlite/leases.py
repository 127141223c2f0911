"""Who is there: workers by their leases, readers by their attendance.

Both end at moments of the monotonic clock, which starts anew with the machine: a moment that lies further ahead than it
can have been set is one of before.
"""

from __future__ import annotations

import sqlite3
import time

from ..base import LEASE_DURATION


def add_reader(db: sqlite3.Connection, stream: str, reader: str, seconds: float) -> None:
    """Note a reader."""
    until = time.monotonic() + seconds
    db.execute("INSERT OR REPLACE INTO readers VALUES (?, ?, ?, ?)", (stream, reader, until, seconds))


def remove_reader(db: sqlite3.Connection, stream: str, reader: str) -> None:
    """Forget a reader."""
    db.execute("DELETE FROM readers WHERE id = ? AND reader = ?", (stream, reader))


def has_stream_readers(db: sqlite3.Connection, stream: str) -> bool:
    """Whether a reader's time is not over."""
    found = db.execute(
        "SELECT 1 FROM readers WHERE id = ? AND until > clock() AND until <= clock() + seconds LIMIT 1", (stream,)
    ).fetchone()
    return found is not None


def has_readers(db: sqlite3.Connection, worker: str) -> bool:
    """Whether a worker's stream is attended."""
    found = db.execute(
        "SELECT 1 FROM readers JOIN streams USING (id) "
        "WHERE worker = ? AND until > clock() AND until <= clock() + seconds LIMIT 1",
        (worker,),
    ).fetchone()
    return found is not None


def renew_lease(db: sqlite3.Connection, worker: str) -> None:
    """Note that a worker is alive."""
    db.execute("INSERT OR REPLACE INTO leases VALUES (?, ?)", (worker, time.monotonic() + LEASE_DURATION))


def is_alive(db: sqlite3.Connection, worker: str) -> bool:
    """Whether a worker's lease runs."""
    found = db.execute(
        "SELECT 1 FROM leases WHERE worker = ? AND until > clock() AND until <= clock() + ?", (worker, LEASE_DURATION)
    ).fetchone()
    return found is not None


def delete_expired_leases(db: sqlite3.Connection) -> None:
    """Remove leases and attendances that are over."""
    db.execute("DELETE FROM leases WHERE until NOT BETWEEN clock() AND clock() + ?", (LEASE_DURATION,))
    db.execute("DELETE FROM readers WHERE until NOT BETWEEN clock() AND clock() + seconds")
