"""What is read from and written to the store's tables, in SQL.

Each function takes a connection and is called in a thread, where every row and every statement costs a change of hands
with the event loop: so as few as possible, each for all streams that a call is about. It knows nothing of threads.

Entries lie in the order in which they came, so that those of a call share a few pages (a page for each stream would
cost four times as much); each names the one before it of its stream, and the stream the last.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from ..base import RESERVED_TERMINAL_BYTES, EventBatch, StoreLimits, StreamClaim, StreamRecord
from .database import transaction
from .leases import is_alive

StreamState: TypeAlias = tuple[int, int, int]
"""What can change in a stream: its last number, is_finished, is_stopping."""


class StoreFull(Exception):
    """All streams together have the bytes that they may have."""


class _AppendTarget(msgspec.Struct):
    """A stream that a call of `append` adds to."""

    key: int
    last: int
    size: int
    tail: int
    is_finished: bool = False
    is_changed: bool = False

    def add(self, entry: EventBatch, number: int, most: int) -> bool:
        """Make an entry of at most so many bytes the last one, by this number; return whether it may be added."""
        size = len(entry.payload)
        has_room = size <= most or (entry.is_last and size <= RESERVED_TERMINAL_BYTES)
        if self.is_finished or entry.first != self.last + 1 or not has_room:
            return False
        self.last += entry.count
        self.size += size
        self.tail = number
        self.is_finished, self.is_changed = entry.is_last, True
        return True


READABLE = "NOT (is_finished AND touched NOT BETWEEN clock() - :retention AND clock())"
"""Whether a stream's retention runs. A moment in the future was one before the machine was started again.

So the present one must not be taken before the rows are: what was written in between would lie in the future.
"""

CHAIN = """
WITH RECURSIVE chain (number) AS (
    SELECT tail FROM streams WHERE key = :key
    UNION ALL SELECT previous FROM chain JOIN entries USING (number)
)
"""
"""The entries of a stream, the last one first."""

READ = f"""
WITH RECURSIVE chain (number, first, previous) AS (
    SELECT number, first, previous FROM entries
    WHERE number = (SELECT tail FROM streams WHERE id = :id AND {READABLE})
    UNION ALL SELECT e.number, e.first, e.previous FROM chain JOIN entries e ON e.number = chain.previous
    WHERE chain.first > :after + 1
)
-- sorted before they are read, since a sort of the payloads would copy them all (and LIMIT keeps SQLite to the order)
SELECT first, count, payload FROM (SELECT number FROM chain ORDER BY number LIMIT -1) CROSS JOIN entries USING (number)
WHERE first + count > :after + 1
"""  # noqa: S608


RECORD = f"""
SELECT id, worker, owner, question, about, last, is_finished, is_stopping
FROM streams JOIN claims ON stream = key WHERE {READABLE}
"""  # noqa: S608


def find(db: sqlite3.Connection, stream: str, retention: float) -> StreamRecord | None:
    """Return the record of a stream; None where there is none that can be read."""
    return _record(db.execute(f"{RECORD} AND id = :id", {"id": stream, "retention": retention}))


def find_by_name(db: sqlite3.Connection, name: str, retention: float) -> StreamRecord | None:
    """Return the record of the stream that was last begun by a name; None where there is none that can be read."""
    found = f"{RECORD} AND key = (SELECT stream FROM names WHERE name = :name)"  # noqa: S608
    return _record(db.execute(found, {"name": name, "retention": retention}))


def clear_name(db: sqlite3.Connection, name: str, stream: str) -> None:
    """Take a name from a stream."""
    db.execute("DELETE FROM names WHERE name = ? AND stream = (SELECT key FROM streams WHERE id = ?)", (name, stream))


def _record(found: sqlite3.Cursor) -> StreamRecord | None:
    row = found.fetchone()
    if row is None:
        return None
    *claimed, last, is_finished, is_stopping = row
    return StreamRecord(StreamClaim(*claimed), last, bool(is_finished), bool(is_stopping))


def read(db: sqlite3.Connection, stream: str, after: int, most: int, retention: float) -> list[EventBatch]:
    """Return entries that hold events beyond number `after`."""
    rows = db.execute(READ, {"id": stream, "after": after, "retention": retention})
    found: list[EventBatch] = []
    for first, count, payload in rows:
        most -= len(payload)
        if found and most < 0:
            break
        found.append(EventBatch(stream, first, count, payload))
    # A statement that was not read to its end would keep its snapshot, and the log from being emptied.
    rows.close()
    return found


def read_states(db: sqlite3.Connection, streams: list[str]) -> dict[str, StreamState]:
    """Return what can change in streams; nothing for one that is gone."""
    (rows,) = db.execute(
        f"WITH asked (n, id) AS (VALUES {_numbered(len(streams))}) "  # noqa: S608  # numbers and question marks
        "SELECT json_group_array(json_array(n, last, is_finished, is_stopping)) FROM asked JOIN streams USING (id)",
        streams,
    ).fetchone()
    return {
        streams[n]: (last, is_finished, is_stopping) for n, last, is_finished, is_stopping in msgspec.json.decode(rows)
    }


def read_stopping(db: sqlite3.Connection) -> set[str]:
    """Return the unfinished streams whose end somebody has asked for."""
    return {stream for (stream,) in db.execute("SELECT id FROM streams WHERE is_stopping AND NOT is_finished")}


def claim(db: sqlite3.Connection, wanted: StreamClaim, name: str | None, bounds: StoreLimits) -> StreamRecord | None:
    """Begin a stream, or return the one that is there.

    Raises:
        Full: there is no room.
    """
    with transaction(db):
        if record := find(db, wanted.id, bounds.retention):
            return record
        for (key,) in db.execute("SELECT key FROM streams WHERE id = ?", (wanted.id,)).fetchall():
            remove(db, key)
        (total,) = db.execute("SELECT bytes FROM total").fetchone()
        if _make_room(db, total, 1, bounds) < 1:
            raise StoreFull
        begun = (wanted.id, wanted.worker, time.monotonic())
        key = db.execute("INSERT INTO streams (id, worker, touched) VALUES (?, ?, ?)", begun).lastrowid
        db.execute(
            "INSERT INTO claims VALUES (?, ?, ?, ?)", (key, wanted.owner, wanted.request_digest, wanted.metadata)
        )
        if name is not None:
            db.execute("INSERT OR REPLACE INTO names VALUES (?, ?)", (name, key))
        return None


def check(db: sqlite3.Connection) -> None:
    """Return where the file can be written to now."""
    with transaction(db):
        db.execute("UPDATE total SET bytes = bytes")


def withdraw(db: sqlite3.Connection, stream: str, worker: str) -> None:
    """Take back a claim of which no event was written."""
    with transaction(db):
        unused = "SELECT key FROM streams WHERE id = ? AND worker = ? AND last = 0 AND NOT is_finished"
        for (key,) in db.execute(unused, (stream, worker)).fetchall():
            remove(db, key)


def append(db: sqlite3.Connection, worker: str, entries: Sequence[EventBatch], bounds: StoreLimits) -> set[str]:
    """Add the entries that may be added; return the ids of the streams of the others."""
    rows: list[object] = []
    refused: set[str] = set()
    with transaction(db):
        targets, total, number = _targets(db, worker, list({entry.id for entry in entries}))
        room = _make_room(db, total, sum(len(entry.payload) for entry in entries), bounds)
        for entry in entries:
            target = targets.get(entry.id)
            previous = target.tail if target is not None else 0
            if target is not None and target.add(entry, number + 1, min(room, bounds.stream_bytes - target.size)):
                number += 1
                room -= len(entry.payload)
                rows += (number, previous, entry.first, entry.count, entry.payload)
            else:
                refused.add(entry.id)
        if rows:
            _write(db, rows, [target for target in targets.values() if target.is_changed])
    return refused


def _targets(db: sqlite3.Connection, worker: str, streams: list[str]) -> tuple[dict[str, _AppendTarget], int, int]:
    """Return the streams that this worker may add to, the bytes of all streams, and the number of the last entry."""
    rows, total, number = db.execute(
        f"WITH asked (n, id) AS (VALUES {_numbered(len(streams))}) "  # noqa: S608
        "SELECT json_group_array(json_array(n, key, last, streams.bytes, tail)), (SELECT bytes FROM total), "
        "(SELECT coalesce(max(number), 0) FROM entries) "
        "FROM asked JOIN streams USING (id) WHERE worker = ? AND NOT is_finished",
        (*streams, worker),
    ).fetchone()
    return {streams[n]: _AppendTarget(*target) for n, *target in msgspec.json.decode(rows)}, total, number


def _write(db: sqlite3.Connection, rows: list[object], targets: list[_AppendTarget]) -> None:
    marks = ",".join(["(?,?,?,?,?)"] * (len(rows) // 5))
    db.execute(f"INSERT INTO entries VALUES {marks}", rows)  # noqa: S608
    size = sum(len(payload) for payload in rows[4::5])  # type: ignore[misc,arg-type]
    db.execute("UPDATE total SET bytes = bytes + ?", (size,))
    changes = [(target.key, target.last, target.size, target.tail, int(target.is_finished)) for target in targets]
    db.execute(
        "UPDATE streams SET last = json_extract(value, '$[1]'), bytes = json_extract(value, '$[2]'), "
        "tail = json_extract(value, '$[3]'), is_finished = json_extract(value, '$[4]'), touched = ? "
        "FROM json_each(?) WHERE streams.key = json_extract(value, '$[0]')",
        (time.monotonic(), msgspec.json.encode(changes).decode()),
    )


def _numbered(count: int) -> str:
    return ",".join([f"({number},?)" for number in range(count)])


def _make_room(db: sqlite3.Connection, total: int, size: int, bounds: StoreLimits) -> int:
    """Remove finished streams, the oldest first, until so many bytes fit; return how many do."""
    while total + size > bounds.total_bytes:
        oldest = db.execute("SELECT key, bytes FROM streams WHERE is_finished ORDER BY touched LIMIT 1").fetchone()
        if oldest is None:
            break
        remove(db, oldest[0])
        total -= oldest[1]
    return bounds.total_bytes - total


def remove(db: sqlite3.Connection, key: int) -> None:
    """Remove a stream and its entries, in the transaction that is open."""
    db.execute(f"{CHAIN} DELETE FROM entries WHERE number IN chain", {"key": key})  # noqa: S608
    db.execute("UPDATE total SET bytes = bytes - (SELECT bytes FROM streams WHERE key = ?)", (key,))
    db.execute("DELETE FROM streams WHERE key = ?", (key,))
    db.execute("DELETE FROM claims WHERE stream = ?", (key,))
    db.execute("DELETE FROM names WHERE stream = ?", (key,))


def request_stop(db: sqlite3.Connection, stream: str) -> None:
    """Note the wish."""
    db.execute("UPDATE streams SET is_stopping = 1 WHERE id = ? AND NOT is_finished", (stream,))


def acquire(db: sqlite3.Connection, stream: str, dead: str, worker: str) -> bool:
    """Make a dead worker's stream this worker's; return whether it is."""
    with transaction(db):
        if is_alive(db, dead):
            return False
        changed = db.execute(
            "UPDATE streams SET worker = ? WHERE id = ? AND worker = ? AND NOT is_finished", (worker, stream, dead)
        )
        return changed.rowcount == 1
