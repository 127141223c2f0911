"""A stream that another worker fills, or that has ended, read from the store for one reader here.

To its reader it is like the session itself. It never ends the stream: when its reader leaves, or the store is away for
long, only the reading is over.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import gevent
import msgspec
from gevent.event import Event as Flag

from .deadlines import Deadlines, Due
from .encoding import decode
from .errors import HeadraceError, StoreUnavailable, UnknownStream, WorkerLost
from .events import Cancelled, CancelReason, Done, Event, Failed, Restarted, Started, Terminal, Usage
from .follower import Follower
from .journal import Journal, ended_by
from .log import Log, size_of
from .parking import Parking
from .stores.base import Record, Store
from .terms import Limits, Target
from .usage import attributed, estimate

LOOK = 0.75
"""Seconds without news after which to see whether the worker is alive: with its lease, less than 5."""

ATTENDANCE = 5.0
"""Seconds for which a reader counts as there; renewed in time."""

MOST_READ = 65536
"""Bytes that are read from the store at once."""

PATIENCE = 60.0
"""Seconds for which the store may be away; its reader has heartbeats meanwhile."""


class Replica:
    """A reading of a stream in the store.

    Args:
        journal: This worker's way to the store.
        record: The stream, as it was found.
        after: The number of the last event that the reader has already.
        limits: The bounds of streams here.

    Attributes:
        error: Why there is nothing to be read any more, where that is known.
    """

    is_kept = True
    is_told = True
    first_event_at = 0.0  # a failure that it tells of is an event, and none of its own

    def __init__(self, journal: Journal, record: Record, after: int, limits: Limits) -> None:
        self.id = record.claim.id
        self.target = msgspec.msgpack.decode(record.claim.about, type=Target)
        self.limits = limits
        self.terminal: Terminal | None = None
        self.error: HeadraceError | None = None
        self.usage: Usage | None = None
        self._journal, self._store = journal, journal.store
        self._reader = secrets.token_urlsafe(8)
        self._read_to = after
        self._log = Log()
        self._log.last = after
        self._follower: Follower | None = None
        self._news, self._room = Flag(), Parking()
        self._deadlines = Deadlines(self._dues, limits.shortest())
        self.on_close: Callable[[Replica], None] | None = None
        self._filling = gevent.spawn(self._fill)

    def __repr__(self) -> str:
        return f"<Replica of {self.id[:6]}…, {self._read_to} events>"

    # What its follower calls

    def join(self, follower: Follower) -> None:
        """Have a reader; there is only one."""
        self._follower = follower
        self._deadlines.start()

    def take(self, follower: Follower) -> list[Event]:
        """Hand out the events that have come since the last call."""
        events = self._log.take()
        follower.position += len(events)
        self._room.wake()
        return events

    def lose(self, follower: Follower) -> None:
        """Let go of a reader that accepts nothing."""
        follower.close()

    def leave(self, _follower: Follower) -> None:
        """End the reading."""
        self.close()

    def close(self) -> None:
        """End the reading. May be called twice."""
        self._follower = None
        self._deadlines.stop()
        self._filling.kill(block=False)
        if self.on_close is not None:
            self.on_close(self)

    def cancel(self, _reason: CancelReason) -> None:
        """End the reading."""
        self.cut()

    def fail(self, _error: HeadraceError) -> None:
        """End the reading."""
        self.cut()

    def cut(self) -> None:
        """End the reading without the stream's end, so that its reader comes back for the rest."""
        if self._follower is not None:
            self._follower.close()

    def _dues(self) -> Iterator[Due]:
        if self._follower is not None:
            yield from self._follower.dues()

    # What fills it

    def _fill(self) -> None:
        unwatch = self._store.watch(self.id, self._news.set)
        try:
            self._read_on()
        finally:
            # In a greenlet of its own: this one may be about to be killed.
            gevent.spawn(self._leave_store)
            unwatch()
            if self.terminal is None:
                self.cut()

    def _leave_store(self) -> None:
        with suppress(StoreUnavailable):  # its attendance runs out by itself
            self._store.leave(self.id, self._reader)

    def _read_on(self) -> None:
        away_since: float | None = None
        attended_until = 0.0
        while self.terminal is None:
            self._news.clear()
            try:
                if time.monotonic() > attended_until - ATTENDANCE / 2:
                    self._store.attend(self.id, self._reader, ATTENDANCE)
                    attended_until = time.monotonic() + ATTENDANCE
                if not self._read() and not self._news.wait(LOOK):
                    self._look()
                away_since = None
            except StoreUnavailable:
                self._journal.doubt()
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > PATIENCE:
                    return
                gevent.sleep(LOOK / 2)

    def _read(self) -> bool:
        entries = self._store.read(self.id, self._read_to, MOST_READ)
        for entry in entries:
            events = decode(entry.payload)[max(0, self._read_to + 1 - entry.first) :]
            self._read_to = entry.first + entry.count - 1
            if events:
                self._take_in(events)
        return bool(entries)

    def _take_in(self, events: list[Event]) -> None:
        self._log.add(events, size_of(events))
        if isinstance(events[-1], (Done, Failed, Cancelled)):
            self.terminal = events[-1]
        for event in events[-2:]:
            if isinstance(event, Usage):
                self.usage = event
        if self._follower is not None:
            self._follower.parking.wake()
        while self._log.size > self.limits.buffer:
            self._room.wait()

    def _look(self) -> None:
        record = self._store.find(self.id)
        if record is None:
            # Its retention has ended since it was found.
            self.error = unknown(self.id)
            self.cut()
        elif not record.is_finished and self._journal.has_lost(record.claim.worker):
            bury(self._journal, record)


def unknown(id_: str) -> UnknownStream:
    """Return the error for a stream that is not there, or not the asker's."""
    return UnknownStream(f"There is no stream {id_!r:.100} of yours that can be followed, or not any more.")


def bury(journal: Journal, record: Record) -> None:
    """End the stream of a dead worker, with what is known of its tokens."""
    if journal.store.take_over(record.claim.id, record.claim.worker, journal.worker):
        journal.conclude(record.claim.id, lambda: _last_words(journal.store, record))


def _last_words(store: Store, record: Record) -> list[Event]:
    target = msgspec.msgpack.decode(record.claim.about, type=Target)
    answer_bytes, model = _seen(store, record.claim.id)
    usage = estimate(target.name, target.price_list, prompt_bytes=target.prompt_bytes, answer_bytes=answer_bytes)
    return [attributed(usage, model or target.model), *ended_by(WorkerLost())()]


def _seen(store: Store, id_: str) -> tuple[int, str]:
    """Return the bytes of the answer, and the model that has given it."""
    size, after, model = 0, 0, ""
    while entries := store.read(id_, after, MOST_READ):
        for entry in entries:
            events = decode(entry.payload)
            size += size_of(events)
            after = entry.first + entry.count - 1
            model = next((event.model for event in reversed(events) if isinstance(event, (Started, Restarted))), model)
    return size, model
