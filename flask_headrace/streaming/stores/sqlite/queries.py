"""The reads and writes of the SQLite store, as functions that run SQL on a connection.

Each function runs in the thread of its connection, where every row and statement costs a switch to the event loop's
thread. So each uses as few statements as possible, one for all streams of a call. They know nothing of threads.

A batch is a row of the table `entries`. The rows are in the order in which they were written, so that the rows of one
call share a few pages (a page for each stream would cost four times as much). Each row has the number of the previous
row of its stream, and the stream has the number of its last row.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec

from ..base import (
    LEASE_DURATION,
    MAX_ORPHANS,
    RESERVED_TERMINAL_BYTES,
    EventBatch,
    StoreLimits,
    StreamClaim,
    StreamRecord,
)
from .database import transaction
from .leases import is_alive

StreamState: TypeAlias = tuple[int, int, int]
"""What can change in a stream: the number of its last event, is_finished, is_stopping."""


class StoreFull(Exception):
    """All streams together have reached `StoreLimits.total_bytes`, and no finished one is left to be removed."""


class _AppendTarget(msgspec.Struct):
    """A stream to which a call of `append` adds rows."""

    key: int
    last: int
    size: int
    tail: int
    is_finished: bool = False
    is_changed: bool = False

    def add(self, batch: EventBatch, number: int, max_bytes: int) -> bool:
        """Make a batch of at most `max_bytes` bytes the last row, by this number; return whether it is accepted."""
        size = len(batch.payload)
        has_room = size <= max_bytes or (batch.is_last and size <= RESERVED_TERMINAL_BYTES)
        if self.is_finished or batch.first != self.last + 1 or not has_room:
            return False
        self.last += batch.count
        self.size += size
        self.tail = number
        self.is_finished, self.is_changed = batch.is_last, True
        return True


READABLE = "NOT (is_finished AND touched NOT BETWEEN clock() - :retention AND clock())"
"""Whether the retention of a stream is not over. A moment in the future was written before the machine restarted.

So the SQL must read the clock itself: with a time from before the statement, rows written in between would lie in the
future.
"""

CHAIN = """
WITH RECURSIVE chain (number) AS (
    SELECT tail FROM streams WHERE key = :key
    UNION ALL SELECT previous FROM chain JOIN entries USING (number)
)
"""
"""The rows of a stream, the last one first."""

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
    """Return the record of a stream; None if there is none, or if its retention of `retention` seconds is over."""
    return _record(db.execute(f"{RECORD} AND id = :id", {"id": stream, "retention": retention}))


def find_by_name(db: sqlite3.Connection, name: str, retention: float) -> StreamRecord | None:
    """Return the record of the stream that was last begun by a name; None if there is none any more."""
    found = f"{RECORD} AND key = (SELECT stream FROM names WHERE name = :name)"  # noqa: S608
    return _record(db.execute(found, {"name": name, "retention": retention}))


def clear_name(db: sqlite3.Connection, name: str, stream: str) -> None:
    """Remove the name of a stream, unless another stream was begun by that name since."""
    db.execute("DELETE FROM names WHERE name = ? AND stream = (SELECT key FROM streams WHERE id = ?)", (name, stream))


def orphans(db: sqlite3.Connection) -> list[StreamRecord]:
    """Return the records of unfinished streams whose workers' leases have expired, at most `MAX_ORPHANS`."""
    found = db.execute(
        f"{RECORD} AND NOT is_finished "  # noqa: S608
        "AND worker NOT IN (SELECT worker FROM leases WHERE until > clock() AND until <= clock() + :lease) LIMIT :most",
        {"retention": 0, "lease": LEASE_DURATION, "most": MAX_ORPHANS},
    )
    return [_to_record(row) for row in found.fetchall()]


def _record(found: sqlite3.Cursor) -> StreamRecord | None:
    row = found.fetchone()
    return None if row is None else _to_record(row)


def _to_record(row: tuple[Any, ...]) -> StreamRecord:
    *claim, last, is_finished, is_stopping = row
    return StreamRecord(StreamClaim(*claim), last, bool(is_finished), bool(is_stopping))


def read(db: sqlite3.Connection, stream: str, after: int, max_bytes: int, retention: float) -> list[EventBatch]:
    """Return the batches with events after number `after`, up to `max_bytes` bytes but at least one batch."""
    rows = db.execute(READ, {"id": stream, "after": after, "retention": retention})
    found: list[EventBatch] = []
    for first, count, payload in rows:
        max_bytes -= len(payload)
        if found and max_bytes < 0:
            break
        found.append(EventBatch(stream, first, count, payload))
    # A statement that is not read to its end would keep its snapshot, so that the write-ahead log could not shrink.
    rows.close()
    return found


def read_states(db: sqlite3.Connection, streams: list[str]) -> dict[str, StreamState]:
    """Return the states of streams by their ids, without those that are gone."""
    (rows,) = db.execute(
        f"WITH wanted (n, id) AS (VALUES {_numbered(len(streams))}) "  # noqa: S608  # numbers and question marks
        "SELECT json_group_array(json_array(n, last, is_finished, is_stopping)) FROM wanted JOIN streams USING (id)",
        streams,
    ).fetchone()
    return {
        streams[n]: (last, is_finished, is_stopping) for n, last, is_finished, is_stopping in msgspec.json.decode(rows)
    }


def read_stopping(db: sqlite3.Connection) -> set[str]:
    """Return the ids of the unfinished streams that have a stop request."""
    return {stream for (stream,) in db.execute("SELECT id FROM streams WHERE is_stopping AND NOT is_finished")}


def claim(db: sqlite3.Connection, wanted: StreamClaim, name: str | None, limits: StoreLimits) -> StreamRecord | None:
    """Begin a stream unless one of that id exists; return None, or the record of the existing stream.

    Raises:
        StoreFull: no stream can be begun now.
    """
    with transaction(db):
        if record := find(db, wanted.id, limits.retention):
            return record
        for (key,) in db.execute("SELECT key FROM streams WHERE id = ?", (wanted.id,)).fetchall():
            remove(db, key)
        (total,) = db.execute("SELECT bytes FROM total").fetchone()
        if _make_room(db, total, 1, limits) < 1:
            raise StoreFull
        row = (wanted.id, wanted.worker, time.monotonic())
        key = db.execute("INSERT INTO streams (id, worker, touched) VALUES (?, ?, ?)", row).lastrowid
        db.execute(
            "INSERT INTO claims VALUES (?, ?, ?, ?)", (key, wanted.owner, wanted.request_digest, wanted.metadata)
        )
        if name is not None:
            db.execute("INSERT OR REPLACE INTO names VALUES (?, ?)", (name, key))
        return None


def check(db: sqlite3.Connection) -> None:
    """Write to the file, and change nothing.

    Raises:
        sqlite3.DatabaseError: the file cannot be written to.
    """
    with transaction(db):
        db.execute("UPDATE total SET bytes = bytes")


def withdraw(db: sqlite3.Connection, stream: str, worker: str) -> None:
    """Withdraw the claim of a worker before any event was written."""
    with transaction(db):
        unused = "SELECT key FROM streams WHERE id = ? AND worker = ? AND last = 0 AND NOT is_finished"
        for (key,) in db.execute(unused, (stream, worker)).fetchall():
            remove(db, key)


def append(db: sqlite3.Connection, worker: str, batches: Sequence[EventBatch], limits: StoreLimits) -> set[str]:
    """Append batches to their streams; return the ids of the streams whose batches were refused."""
    rows: list[object] = []
    refused: set[str] = set()
    with transaction(db):
        targets, total, number = _find_targets(db, worker, list({batch.id for batch in batches}))
        room = _make_room(db, total, sum(len(batch.payload) for batch in batches), limits)
        for batch in batches:
            target = targets.get(batch.id)
            previous = target.tail if target is not None else 0
            if target is not None and target.add(batch, number + 1, min(room, limits.stream_bytes - target.size)):
                number += 1
                room -= len(batch.payload)
                rows += (number, previous, batch.first, batch.count, batch.payload)
            else:
                refused.add(batch.id)
        if rows:
            _write(db, rows, [target for target in targets.values() if target.is_changed])
    return refused


def _find_targets(db: sqlite3.Connection, worker: str, streams: list[str]) -> tuple[dict[str, _AppendTarget], int, int]:
    """Return the streams that this worker may append to, the bytes of all streams, and the number of the last row."""
    rows, total, number = db.execute(
        f"WITH wanted (n, id) AS (VALUES {_numbered(len(streams))}) "  # noqa: S608
        "SELECT json_group_array(json_array(n, key, last, streams.bytes, tail)), (SELECT bytes FROM total), "
        "(SELECT coalesce(max(number), 0) FROM entries) "
        "FROM wanted JOIN streams USING (id) WHERE worker = ? AND NOT is_finished",
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


def _make_room(db: sqlite3.Connection, total: int, size: int, limits: StoreLimits) -> int:
    """Delete finished streams, the oldest first, until `size` more bytes fit; return how many bytes fit."""
    while total + size > limits.total_bytes:
        oldest = db.execute("SELECT key, bytes FROM streams WHERE is_finished ORDER BY touched LIMIT 1").fetchone()
        if oldest is None:
            break
        remove(db, oldest[0])
        total -= oldest[1]
    return limits.total_bytes - total


def remove(db: sqlite3.Connection, key: int) -> None:
    """Delete a stream and its rows. Only inside a transaction."""
    db.execute(f"{CHAIN} DELETE FROM entries WHERE number IN chain", {"key": key})  # noqa: S608
    db.execute("UPDATE total SET bytes = bytes - (SELECT bytes FROM streams WHERE key = ?)", (key,))
    db.execute("DELETE FROM streams WHERE key = ?", (key,))
    db.execute("DELETE FROM claims WHERE stream = ?", (key,))
    db.execute("DELETE FROM names WHERE stream = ?", (key,))


def request_stop(db: sqlite3.Connection, stream: str) -> None:
    """Record a stop request for a stream, unless it has ended."""
    db.execute("UPDATE streams SET is_stopping = 1 WHERE id = ? AND NOT is_finished", (stream,))


def acquire(db: sqlite3.Connection, stream: str, dead: str, worker: str) -> bool:
    """Make a worker the one that fills an unfinished stream of a dead worker; return whether it is."""
    with transaction(db):
        if is_alive(db, dead):
            return False
        changed = db.execute(
            "UPDATE streams SET worker = ? WHERE id = ? AND worker = ? AND NOT is_finished", (worker, stream, dead)
        )
        return changed.rowcount == 1
