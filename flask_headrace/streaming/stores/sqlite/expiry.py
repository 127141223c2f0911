"""The deletion of streams from the SQLite store: expired ones, and those that somebody deletes.

It runs in small transactions: no other connection can write during one, and must not wait for long.

Each function takes a connection and runs in the thread of the connection.
"""

from __future__ import annotations

import sqlite3
import time

from .database import transaction
from .leases import delete_expired_leases
from .queries import CHAIN, remove

SWEEP_BATCH = 500
"""Rows that are deleted in one transaction: a few milliseconds."""

VACUUM_PAGES = 1000
"""Free pages that are returned to the file system in one transaction."""

EXPIRED_AT = -1e12
"""The value of `touched` that marks a stream as expired: older than any retention."""


def mark_expired(db: sqlite3.Connection, retention: float) -> list[int]:
    """Mark the expired streams, so that nobody finds or extends them; return their keys.

    Args:
        db: The connection.
        retention: Seconds for which a finished stream can be read, and for which a dead worker's stream is kept.
    """
    with transaction(db):
        # Not before the transaction: others may have written while this waited, which would lie in the future.
        now = time.monotonic()
        times = {"now": now, "oldest": now - retention, "expired": EXPIRED_AT}
        delete_expired_leases(db)
        db.execute(
            "UPDATE streams SET touched = :now WHERE NOT is_finished AND worker IN (SELECT worker FROM leases)", times
        )
        db.execute(
            "UPDATE streams SET touched = :expired, is_finished = 1 WHERE touched NOT BETWEEN :oldest AND :now",
            times,
        )
        expired = db.execute("SELECT key FROM streams WHERE is_finished AND touched = ?", (EXPIRED_AT,)).fetchall()
        return [key for (key,) in expired]


def mark_deleted(db: sqlite3.Connection, stream: str) -> list[int]:
    """Mark the stream of an id as expired, so that nobody finds or extends it; return its key, if there is one."""
    with transaction(db):
        db.execute("UPDATE streams SET touched = ?, is_finished = 1 WHERE id = ?", (EXPIRED_AT, stream))
        return [key for (key,) in db.execute("SELECT key FROM streams WHERE id = ?", (stream,)).fetchall()]


def remove_batch(db: sqlite3.Connection, key: int) -> bool:
    """Delete an expired stream if it has at most `SWEEP_BATCH` entries, else its last ones.

    Args:
        db: The connection.
        key: The key of a stream that `mark_expired` or `mark_deleted` has returned.

    Returns:
        Whether the stream is gone.
    """
    batch = {"key": key, "batch": SWEEP_BATCH, "others": SWEEP_BATCH - 1}
    with transaction(db):
        # Another worker may have deleted the stream, and a new stream may have the key by now.
        if db.execute("SELECT 1 FROM streams WHERE key = ? AND touched = ?", (key, EXPIRED_AT)).fetchone() is None:
            return True
        rest = db.execute(
            f"{CHAIN} SELECT previous FROM chain JOIN entries USING (number) LIMIT 1 OFFSET :others",  # noqa: S608
            batch,
        ).fetchone()
        if rest is None:
            remove(db, key)
            return True
        db.execute(f"{CHAIN} DELETE FROM entries WHERE number IN (SELECT number FROM chain LIMIT :batch)", batch)  # noqa: S608
        db.execute("UPDATE streams SET tail = ? WHERE key = ?", (*rest, key))
        return False


def release_free_pages(db: sqlite3.Connection) -> None:
    """Return at most `VACUUM_PAGES` free pages to the file system."""
    db.execute(f"PRAGMA incremental_vacuum({VACUUM_PAGES})").fetchall()
