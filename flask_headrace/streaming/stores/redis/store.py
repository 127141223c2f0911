"""A store in Redis or Valkey: for all workers of all machines.

Every method runs one script, so it is one atomic step and one round trip. `keys` describes the layout of the keys. All
expiry uses the TTLs of keys and the clock of the Redis server.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ....core.errors import StoreUnavailable
from ..base import (
    LEASE_DURATION,
    MAX_ORPHANS,
    RESERVED_TERMINAL_BYTES,
    EventBatch,
    StoreLimits,
    StreamClaim,
    StreamRecord,
)
from . import scripts
from .compatibility import check_server
from .connection import RedisConnectionPool
from .keys import PREFIX
from .pubsub import PubSubListener

UNFINISHED_TTL = 3600.0
"""Seconds, beyond the retention, after which an unfinished stream expires if no worker extends or sweeps it."""

SWEEP_BATCH = 250
"""Streams that one step of a sweep checks: a few milliseconds of the server."""


def to_milliseconds(seconds: float) -> int:
    """Convert seconds to whole milliseconds, at least 1."""
    return max(1, round(seconds * 1000))


class RedisStore:
    """A store for the streams of all machines. Implements `Store`.

    Args:
        url: The URL of the server: `redis://`, `rediss://`, `valkey://` or `unix://`; with `+cluster` or `+sentinel`
            for a cluster, or for a server that Sentinel knows.
        limits: How much the store keeps, and for how long.

    Raises:
        ConfigurationError: the URL cannot be parsed.
    """

    window = 0.002  # a round trip costs much more than a batch

    def __init__(self, url: str, limits: StoreLimits) -> None:
        self._limits = limits
        self._retention = to_milliseconds(limits.retention)
        self._life = to_milliseconds(limits.retention + UNFINISHED_TTL)
        self._pool = RedisConnectionPool(url)
        self._listener = PubSubListener(self._pool)

    def __repr__(self) -> str:
        return f"<RedisStore {self._pool}>"

    def claim(self, claim: StreamClaim, name: str | None = None) -> StreamRecord | None:
        """Begin a stream unless one of that id exists; see `Store.claim`."""
        arguments = (
            claim.id,
            claim.worker,
            claim.owner,
            claim.request_digest,
            claim.metadata,
            self._limits.total_bytes,
            self._life,
        )
        answer = self._pool.run(scripts.CLAIM, *arguments, *(() if name is None else (name,)))
        if answer == b"full":
            raise StoreUnavailable(
                f"The streams in {self._pool} have the {self._limits.total_bytes} bytes that they may have.",
                retry_after=self._limits.retention,
            )
        return None if answer is None else to_record(claim.id, answer)

    def append(self, worker: str, batches: Sequence[EventBatch]) -> set[str]:
        """Append batches to their streams; return the ids of the streams whose batches were refused."""
        if not batches:
            return set()
        # Two arguments for all batches: an argument for each field would cost several times as much here.
        heads = msgspec.msgpack.encode([(b.id, b.first, b.count, len(b.payload), b.is_last) for b in batches])
        payloads = b"".join([batch.payload for batch in batches])
        bounds = (
            self._limits.stream_bytes,
            self._limits.total_bytes,
            self._life,
            self._retention,
            RESERVED_TERMINAL_BYTES,
        )
        return {stream.decode() for stream in self._pool.run(scripts.APPEND, worker, *bounds, heads, payloads)}

    def withdraw(self, id: str, worker: str) -> None:  # noqa: A002
        """Withdraw the claim of a worker before any event was written."""
        self._pool.run(scripts.WITHDRAW, id, worker)

    def delete(self, id: str) -> None:  # noqa: A002
        """Delete a stream, finished or not."""
        self._pool.run(scripts.DELETE, id)

    def find(self, id: str) -> StreamRecord | None:  # noqa: A002
        """Return the record of a stream; None if there is none, or if its retention is over."""
        answer = self._pool.run(scripts.FIND, id)
        return None if answer[0] is None else to_record(id, answer)

    def find_by_name(self, name: str) -> StreamRecord | None:
        """Return the record of the stream that was last begun by a name; None if there is none any more."""
        answer = self._pool.run(scripts.FIND_BY_NAME, name)
        return None if answer is None else to_record(answer[0].decode(), answer[1])

    def clear_name(self, name: str, id: str) -> None:  # noqa: A002
        """Remove the name of a stream. Does nothing if another stream was begun by that name since."""
        self._pool.run(scripts.CLEAR_NAME, name, id)

    def read(self, id: str, after: int, max_bytes: int) -> list[EventBatch]:  # noqa: A002
        """Return the batches with events after number `after`, up to `max_bytes` bytes but at least one batch."""
        answer = self._pool.run(scripts.READ, id, after, max_bytes)
        return [EventBatch(id, *answer[start : start + 3]) for start in range(0, len(answer), 3)]

    def request_stop(self, id: str) -> None:  # noqa: A002
        """Request that the worker of a stream stops it. Does nothing if it has ended."""
        self._pool.run(scripts.REQUEST_STOP, id)

    def add_reader(self, id: str, reader: str, seconds: float) -> None:  # noqa: A002
        """Record that a reader reads a stream, for the next `seconds` seconds."""
        self._pool.run(scripts.ADD_READER, id, reader, to_milliseconds(seconds))

    def remove_reader(self, id: str, reader: str) -> None:  # noqa: A002
        """Record that a reader has left. Idempotent."""
        self._pool.run(scripts.REMOVE_READER, id, reader)

    def has_stream_readers(self, id: str) -> bool:  # noqa: A002
        """Whether a stream has any reader that has neither left nor expired."""
        return bool(self._pool.run(scripts.HAS_STREAM_READERS, id))

    def has_readers(self, worker: str) -> bool:
        """Whether any stream that a worker fills has readers, or had one a moment ago."""
        return bool(self._pool.run(scripts.HAS_READERS, worker))

    def add_ticket(self, name: str, seconds: float) -> None:
        """Add a ticket that can be taken once, within the next `seconds` seconds."""
        self._pool.run(scripts.ADD_TICKET, name, to_milliseconds(seconds))

    def take_ticket(self, name: str) -> bool:
        """Take a ticket; return whether it was there."""
        return bool(self._pool.run(scripts.TAKE_TICKET, name))

    def renew_lease(self, worker: str) -> None:
        """Record that a worker is alive, for the next `LEASE_DURATION` seconds."""
        self._pool.run(scripts.RENEW_LEASE, worker, to_milliseconds(LEASE_DURATION))

    def is_alive(self, worker: str) -> bool:
        """Whether the lease of a worker has not expired."""
        return bool(self._pool.run(scripts.IS_ALIVE, worker))

    def orphans(self) -> list[StreamRecord]:
        """Return the records of unfinished streams whose workers' leases have expired."""
        found = self._pool.run(scripts.ORPHANS, MAX_ORPHANS)
        return [to_record(id_.decode(), answer) for id_, answer in found]

    def acquire(self, id: str, dead: str, worker: str) -> bool:  # noqa: A002
        """Make a worker the one that fills an unfinished stream of a dead worker; return whether it is."""
        return bool(self._pool.run(scripts.ACQUIRE, id, dead, worker))

    def watch(self, id: str, callback: Callable[[], object]) -> Callable[[], None]:  # noqa: A002
        """Call `callback` after each change of a stream; return a function that ends the watch."""
        return self._listener.add(f"{PREFIX}c:{id}", callback)

    def watch_stop(self, id: str, callback: Callable[[], object]) -> Callable[[], None]:  # noqa: A002
        """Call `callback` after a stop request for a stream; return a function that ends the watch."""
        return self._listener.add(f"{PREFIX}x:{id}", callback)

    def delete_expired(self) -> None:
        """Delete expired streams in small steps, between which others are served; see `Store.delete_expired`."""
        horizon, skipped, is_more = 0, 0, True
        while is_more:
            step = self._pool.run(scripts.DELETE_EXPIRED, self._retention, self._life, SWEEP_BATCH, horizon, skipped)
            is_more, horizon, skipped = step
        self._pool.run(scripts.RECOUNT_IF_DUE)

    def check(self) -> str | None:
        """Check whether the server can be used; return a warning if it may lose events; see `Store.check`."""
        return check_server(self._pool)

    def close(self) -> None:
        """Close the connections. Idempotent."""
        self._listener.close()
        self._pool.close()


def to_record(stream: str, answer: list[Any]) -> StreamRecord:
    """Convert the reply of a script that returns a record.

    Args:
        stream: The stream's id.
        answer: The reply, see `record` in `keys.COMMON`.
    """
    worker, owner, question, about, last, is_finished, is_stopping = answer
    claim = StreamClaim(stream, worker.decode(), owner.decode(), question.decode(), about)
    return StreamRecord(claim, int(last), is_finished == b"1", is_stopping == b"1")
