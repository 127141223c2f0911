"""The SQLite file of a store: its schema and version, and how it is created and opened.

It does not know what is read and written.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ....core.errors import ConfigurationError

SCHEMA_VERSION = 2
"""The version of the schema; increased with every change."""

APPLICATION_ID = 0x48_52_41_43
"""Marks a file as a Headrace store (SQLite's application_id)."""

BUSY_TIMEOUT = 2.0
"""Seconds for which a call waits for its turn in this process, and again for a process that has the file locked."""

SCHEMA = """
CREATE TABLE streams (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    worker TEXT NOT NULL,
    last INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    tail INTEGER NOT NULL DEFAULT 0,
    is_finished INTEGER NOT NULL DEFAULT 0,
    is_stopping INTEGER NOT NULL DEFAULT 0,
    touched REAL NOT NULL
);
CREATE INDEX finished ON streams (touched) WHERE is_finished;
CREATE INDEX stopping ON streams (id) WHERE is_stopping;
CREATE TABLE claims (stream INTEGER PRIMARY KEY, owner TEXT NOT NULL, question TEXT NOT NULL, about BLOB NOT NULL);
CREATE TABLE names (name TEXT PRIMARY KEY, stream INTEGER NOT NULL UNIQUE) WITHOUT ROWID;
CREATE TABLE entries (
    number INTEGER PRIMARY KEY,
    previous INTEGER NOT NULL,
    first INTEGER NOT NULL,
    count INTEGER NOT NULL,
    payload BLOB NOT NULL
);
CREATE TABLE readers (
    id TEXT NOT NULL,
    reader TEXT NOT NULL,
    until REAL NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (id, reader)
) WITHOUT ROWID;
CREATE TABLE leases (worker TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE total (bytes INTEGER NOT NULL);
INSERT INTO total VALUES (0);
"""


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Run the body as one transaction: all of it is committed or nothing, and nobody else writes meanwhile."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def read_header(db: sqlite3.Connection) -> tuple[int, int, int]:
    """Return the schema's version, the application id and the number of tables, as of one moment."""
    is_inside = db.in_transaction
    if not is_inside:
        db.execute("BEGIN")
    statements = ("PRAGMA user_version", "PRAGMA application_id", "SELECT count(*) FROM sqlite_master")
    (version,), (application,), (tables,) = (db.execute(statement).fetchone() for statement in statements)
    if not is_inside:
        db.execute("COMMIT")
    return version, application, tables


def check_version(db: sqlite3.Connection, path: Path) -> bool:
    """Check that a file is empty or has this version's schema; return whether it is empty.

    Raises:
        ConfigurationError: the file has another version of the schema, or tables of another application.
    """
    version, application, tables = read_header(db)
    if (version, application) == (SCHEMA_VERSION, APPLICATION_ID):
        return False
    if application == APPLICATION_ID:
        raise ConfigurationError(
            f"The store {path} has version {version} of the schema and this Headrace writes version {SCHEMA_VERSION}: "
            "name another file in HEADRACE_STORE, or stop all that use this one and remove it."
        )
    if tables:
        raise ConfigurationError(f"The file {path} holds tables of something else: name another in HEADRACE_STORE.")
    return True


def clock() -> float:
    """Return the time in seconds of the monotonic clock, which all processes of the machine share."""
    return time.monotonic()


def create_tables(db: sqlite3.Connection, path: Path) -> None:
    """Create the tables in an empty file, unless another process is faster.

    It is one transaction: of many processes that find the file empty, one creates the tables, and the others wait and
    then find them. With a transaction per step, many processes would not all finish within `BUSY_TIMEOUT`.
    """
    db.execute("BEGIN")
    try:
        # This must come before the first table. It takes the write lock: from here on nobody else writes.
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        if check_version(db, path):
            for statement in SCHEMA.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def enable_write_ahead_log(db: sqlite3.Connection) -> None:
    """Switch the file to a write-ahead log, and wait for other connections that write.

    SQLite does not wait here itself: while another connection writes, the statement fails at once with "database is
    locked". A transaction does wait, so an empty one comes before the next attempt.

    Raises:
        sqlite3.OperationalError: the file is busy for longer than `BUSY_TIMEOUT`.
    """
    until = clock() + BUSY_TIMEOUT
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if clock() > until:
                raise
        with transaction(db):
            pass


def open_database(path: Path) -> sqlite3.Connection:
    """Open the file; create it if it does not exist.

    Raises:
        sqlite3.DatabaseError: the file cannot be opened, or is busy for longer than `BUSY_TIMEOUT`.
        ConfigurationError: see `check_version`.
    """
    db = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    try:
        db.create_function("clock", 0, clock)
        if check_version(db, path):
            create_tables(db, path)
        enable_write_ahead_log(db)
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA journal_size_limit = {16 * 1024 * 1024}")
    except BaseException:
        db.close()
        raise
    return db


def check_database(path: Path) -> None:
    """Check that a file, if it exists, is a store of this version. Leaves nothing open.

    Raises:
        ConfigurationError: it is not.
    """
    try:
        if path.exists():
            with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)) as db:
                check_version(db, path)
    except sqlite3.DatabaseError as error:
        if str(error) == "file is not a database":
            raise ConfigurationError(f"{path} is no SQLite file: name another in HEADRACE_STORE.") from error
