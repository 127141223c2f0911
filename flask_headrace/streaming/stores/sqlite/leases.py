"""The leases of workers and the presence of readers, in the tables of the SQLite store.

Both expire at moments of the monotonic clock, which starts anew with the machine. So a moment that lies further in the
future than it can have been set was written before the machine started, and counts as expired.

Each function takes a connection and runs in the thread of the connection.
"""

from __future__ import annotations

import sqlite3
import time

from ..base import LEASE_DURATION

TICKETS = ":tickets"
"""The stream, which no id can name, whose readers are the tickets: they expire alike."""


def add_reader(db: sqlite3.Connection, stream: str, reader: str, seconds: float) -> None:
    """Record that a reader reads a stream, for the next `seconds` seconds."""
    until = time.monotonic() + seconds
    db.execute("INSERT OR REPLACE INTO readers VALUES (?, ?, ?, ?)", (stream, reader, until, seconds))


def remove_reader(db: sqlite3.Connection, stream: str, reader: str) -> None:
    """Record that a reader has left."""
    db.execute("DELETE FROM readers WHERE id = ? AND reader = ?", (stream, reader))


def add_ticket(db: sqlite3.Connection, name: str, seconds: float) -> None:
    """Add a ticket that can be taken once, within the next `seconds` seconds, and delete expired ones.

    No sweep may ever come: a worker without resumable streams has none.
    """
    now = time.monotonic()
    db.execute("DELETE FROM readers WHERE id = ? AND until NOT BETWEEN ? AND ? + seconds", (TICKETS, now, now))
    add_reader(db, TICKETS, name, seconds)


def take_ticket(db: sqlite3.Connection, name: str) -> bool:
    """Take a ticket; return whether it was there."""
    taken = db.execute(
        "DELETE FROM readers WHERE id = ? AND reader = ? AND until > clock() AND until <= clock() + seconds",
        (TICKETS, name),
    )
    return taken.rowcount == 1


def has_stream_readers(db: sqlite3.Connection, stream: str) -> bool:
    """Whether a stream has any reader that has neither left nor expired."""
    found = db.execute(
        "SELECT 1 FROM readers WHERE id = ? AND until > clock() AND until <= clock() + seconds LIMIT 1", (stream,)
    ).fetchone()
    return found is not None


def has_readers(db: sqlite3.Connection, worker: str) -> bool:
    """Whether any stream that a worker fills has readers."""
    found = db.execute(
        "SELECT 1 FROM readers JOIN streams USING (id) "
        "WHERE worker = ? AND until > clock() AND until <= clock() + seconds LIMIT 1",
        (worker,),
    ).fetchone()
    return found is not None


def renew_lease(db: sqlite3.Connection, worker: str) -> None:
    """Record that a worker is alive, for the next `LEASE_DURATION` seconds."""
    db.execute("INSERT OR REPLACE INTO leases VALUES (?, ?)", (worker, time.monotonic() + LEASE_DURATION))


def is_alive(db: sqlite3.Connection, worker: str) -> bool:
    """Whether the lease of a worker has not expired."""
    found = db.execute(
        "SELECT 1 FROM leases WHERE worker = ? AND until > clock() AND until <= clock() + ?", (worker, LEASE_DURATION)
    ).fetchone()
    return found is not None


def delete_expired_leases(db: sqlite3.Connection) -> None:
    """Delete expired leases of workers and expired readers."""
    db.execute("DELETE FROM leases WHERE until NOT BETWEEN clock() AND clock() + ?", (LEASE_DURATION,))
    db.execute("DELETE FROM readers WHERE until NOT BETWEEN clock() AND clock() + seconds")
