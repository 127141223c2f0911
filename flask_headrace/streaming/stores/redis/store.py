"""Streams in Redis or Valkey: for all workers of all machines.

Every method is one script, so one atomic step and one journey; the scripts say how streams are laid out. Whatever has
an end by time has it by the server's clock, and goes without anyone asking.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ....core.errors import StoreUnavailable
from ..base import LEASE_DURATION, RESERVED_TERMINAL_BYTES, EventBatch, StoreLimits, StreamClaim, StreamRecord
from . import scripts
from .compatibility import check_server
from .connection import RedisConnectionPool
from .keys import PREFIX
from .pubsub import PubSubListener

UNFINISHED_TTL = 3600.0
"""Seconds, beyond the retention, for which an unfinished stream lives when nobody adds to it and nobody sweeps."""

SWEEP_BATCH = 250
"""Streams that one step of a sweep looks at: a few milliseconds of the server."""


def to_milliseconds(seconds: float) -> int:
    """Return so many seconds as the scripts count them, one at least."""
    return max(1, round(seconds * 1000))


class RedisStore:
    """A store for the streams of all machines.

    Args:
        url: Where the server is: `redis://`, `rediss://`, `valkey://` or `unix://`; with `+cluster` or `+sentinel`
            where one of several is to be found.
        bounds: How much is kept, and for how long.

    Raises:
        ConfigurationError: the URL cannot be understood.
    """

    window = 0.002  # a journey costs much more than an entry

    def __init__(self, url: str, bounds: StoreLimits) -> None:
        self._bounds = bounds
        self._retention = to_milliseconds(bounds.retention)
        self._life = to_milliseconds(bounds.retention + UNFINISHED_TTL)
        self._link = RedisConnectionPool(url)
        self._watch = PubSubListener(self._link)

    def __repr__(self) -> str:
        return f"<RedisStore {self._link}>"

    def claim(self, claim: StreamClaim, name: str | None = None) -> StreamRecord | None:
        """Begin a stream, if there is none of that id."""
        asked = (
            claim.id,
            claim.worker,
            claim.owner,
            claim.request_digest,
            claim.metadata,
            self._bounds.total_bytes,
            self._life,
        )
        answer = self._link.run(scripts.CLAIM, *asked, *(() if name is None else (name,)))
        if answer == b"full":
            raise StoreUnavailable(
                f"The streams in {self._link} have the {self._bounds.total_bytes} bytes that they may have.",
                retry_after=self._bounds.retention,
            )
        return None if answer is None else to_record(claim.id, answer)

    def append(self, worker: str, entries: Sequence[EventBatch]) -> set[str]:
        """Add events to streams; return the ids of those that were refused."""
        if not entries:
            return set()
        # Two arguments for all of them: one for each field would cost several times as much here.
        heads = msgspec.msgpack.encode([(e.id, e.first, e.count, len(e.payload), e.is_last) for e in entries])
        payloads = b"".join([entry.payload for entry in entries])
        limits = (
            self._bounds.stream_bytes,
            self._bounds.total_bytes,
            self._life,
            self._retention,
            RESERVED_TERMINAL_BYTES,
        )
        return {stream.decode() for stream in self._link.run(scripts.APPEND, worker, *limits, heads, payloads)}

    def withdraw(self, id: str, worker: str) -> None:  # noqa: A002
        """Take back a claim of this worker's of which no event was written."""
        self._link.run(scripts.WITHDRAW, id, worker)

    def find(self, id: str) -> StreamRecord | None:  # noqa: A002
        """Return the record of a stream, or None."""
        answer = self._link.run(scripts.FIND, id)
        return None if answer[0] is None else to_record(id, answer)

    def find_by_name(self, name: str) -> StreamRecord | None:
        """Return the record of the stream that was last begun by a name, or None."""
        answer = self._link.run(scripts.FIND_BY_NAME, name)
        return None if answer is None else to_record(answer[0].decode(), answer[1])

    def clear_name(self, name: str, id: str) -> None:  # noqa: A002
        """Let a stream not be found by a name any more."""
        self._link.run(scripts.CLEAR_NAME, name, id)

    def read(self, id: str, after: int, most: int) -> list[EventBatch]:  # noqa: A002
        """Return the entries that hold events beyond number `after`, up to `most` bytes, one at least."""
        answer = self._link.run(scripts.READ, id, after, most)
        return [EventBatch(id, *answer[start : start + 3]) for start in range(0, len(answer), 3)]

    def request_stop(self, id: str) -> None:  # noqa: A002
        """Ask whoever fills a stream to end it."""
        self._link.run(scripts.REQUEST_STOP, id)

    def add_reader(self, id: str, reader: str, seconds: float) -> None:  # noqa: A002
        """Note that a reader follows a stream, for so many seconds from now."""
        self._link.run(scripts.ADD_READER, id, reader, to_milliseconds(seconds))

    def remove_reader(self, id: str, reader: str) -> None:  # noqa: A002
        """Note that a reader has left."""
        self._link.run(scripts.REMOVE_READER, id, reader)

    def has_stream_readers(self, id: str) -> bool:  # noqa: A002
        """Whether any reader that attends the stream has neither left nor run out of its time."""
        return bool(self._link.run(scripts.HAS_STREAM_READERS, id))

    def has_readers(self, worker: str) -> bool:
        """Whether anybody attends any stream that a worker fills."""
        return bool(self._link.run(scripts.HAS_READERS, worker))

    def renew_lease(self, worker: str) -> None:
        """Note that a worker is alive."""
        self._link.run(scripts.RENEW_LEASE, worker, to_milliseconds(LEASE_DURATION))

    def is_alive(self, worker: str) -> bool:
        """Whether a worker has renewed its lease in time."""
        return bool(self._link.run(scripts.IS_ALIVE, worker))

    def acquire(self, id: str, dead: str, worker: str) -> bool:  # noqa: A002
        """Make an unfinished stream of a dead worker this worker's."""
        return bool(self._link.run(scripts.ACQUIRE, id, dead, worker))

    def watch(self, id: str, wake: Callable[[], None]) -> Callable[[], None]:  # noqa: A002
        """Call `wake` after each change of a stream."""
        return self._watch.add(f"{PREFIX}c:{id}", wake)

    def watch_stop(self, id: str, wake: Callable[[], None]) -> Callable[[], None]:  # noqa: A002
        """Call `wake` after somebody has asked for a stream's end."""
        return self._watch.add(f"{PREFIX}x:{id}", wake)

    def delete_expired(self) -> None:
        """Remove what is too old to be read, in small steps, between which others are served."""
        horizon, kept, is_more = 0, 0, True
        while is_more:
            step = self._link.run(scripts.DELETE_EXPIRED, self._retention, self._life, SWEEP_BATCH, horizon, kept)
            is_more, horizon, kept = step
        self._link.run(scripts.RECOUNT_IF_DUE)

    def check(self) -> str | None:
        """Look whether the server can be used; return a warning where it can, and may lose streams."""
        return check_server(self._link)

    def close(self) -> None:
        """Let go of the connections."""
        self._watch.close()
        self._link.close()


def to_record(stream: str, answer: list[Any]) -> StreamRecord:
    """Return what a script says of a stream."""
    worker, owner, question, about, last, is_finished, is_stopping = answer
    claim = StreamClaim(stream, worker.decode(), owner.decode(), question.decode(), about)
    return StreamRecord(claim, int(last), is_finished == b"1", is_stopping == b"1")
