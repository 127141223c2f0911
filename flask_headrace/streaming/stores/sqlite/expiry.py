"""The removal of streams that are too old to be read.

It is done in small transactions: nobody else writes meanwhile, and who wants to should not wait for long.
"""

from __future__ import annotations

import sqlite3
import time

from .database import transaction
from .leases import delete_expired_leases
from .queries import CHAIN, remove

SWEEP_BATCH = 500
"""Rows that a sweep removes in one transaction: a few milliseconds."""

VACUUM_PAGES = 1000
"""Pages that a sweep gives back to the file system in one transaction."""

EXPIRED_AT = -1e12
"""When a stream was touched that waits for its removal: too long ago for everything."""


def mark_expired(db: sqlite3.Connection, retention: float) -> list[int]:
    """Decide which streams are to be removed, so that nobody finds or adds to them; return their keys."""
    with transaction(db):
        # Not before: others may have written while this waited for its turn, and that would lie in the future.
        now = time.monotonic()
        times = {"now": now, "oldest": now - retention, "condemned": EXPIRED_AT}
        delete_expired_leases(db)
        db.execute(
            "UPDATE streams SET touched = :now WHERE NOT is_finished AND worker IN (SELECT worker FROM leases)", times
        )
        db.execute(
            "UPDATE streams SET touched = :condemned, is_finished = 1 WHERE touched NOT BETWEEN :oldest AND :now",
            times,
        )
        condemned = db.execute("SELECT key FROM streams WHERE is_finished AND touched = ?", (EXPIRED_AT,)).fetchall()
        return [key for (key,) in condemned]


def remove_batch(db: sqlite3.Connection, key: int) -> bool:
    """Remove a condemned stream, or the last of its entries; return whether it is gone."""
    batch = {"key": key, "batch": SWEEP_BATCH, "others": SWEEP_BATCH - 1}
    with transaction(db):
        # Another worker's sweep may have been faster, and a new stream have the key by now.
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
    """Give free pages back to the file system, some at a time."""
    db.execute(f"PRAGMA incremental_vacuum({VACUUM_PAGES})").fetchall()
