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
from gevent.event import Event as Flag

from ...core.errors import HeadraceError, ResumptionLost, StoreUnavailable, StreamNotFound, WorkerLost
from ...core.events import TERMINAL_EVENTS, AnswerRestarted, CancelReason, Event, ResponseStarted, TerminalEvent, Usage
from ...core.usage import estimate_usage, with_attempt
from ..buffer import text_size
from ..context import StreamLimits
from ..deadlines import Deadline, TimeoutScheduler
from ..readable import Reader
from ..stores.base import Store, StreamRecord
from ..waiter import GreenletWaiter
from .store_writer import StoreWriter, ended_by
from .stored_events import events_beyond, last_number, target_of
from .unread_events import Inbox

LOOK = 0.75
"""Seconds without news after which to see whether the worker is alive: with its lease, less than 5."""

ATTENDANCE = 5.0
"""Seconds for which a reader counts as there; renewed in time."""

MOST_READ = 65536
"""Bytes that are read from the store at once."""

PATIENCE = 60.0
"""Seconds for which the store may be away; its reader has heartbeats meanwhile."""


class StoredStreamReader:
    """A reading of a stream in the store.

    Args:
        journal: This worker's way to the store.
        record: The stream, as it was found.
        after: The number of the last event that is not to be read.
        limits: The bounds of streams here.
        ahead: By how much the reader's numbers are ahead of the store's from the event after `ahead_from` on: what it
            has had of a dead worker was never written, and no number may come to it twice.
        ahead_from: See `ahead`.
        missing: Returns why there is nothing to be read where the stream is gone before its first event was read.

    Attributes:
        error: Why there is nothing to be read any more, where that is known.
    """

    is_stored = True
    is_reported = True
    first_event_at = 0.0  # a failure that it tells of is an event, and none of its own

    def __init__(  # noqa: PLR0913  # by name
        self,
        journal: StoreWriter,
        record: StreamRecord,
        after: int,
        limits: StreamLimits,
        *,
        ahead: int = 0,
        ahead_from: int = 0,
        missing: Callable[[str], HeadraceError] | None = None,
    ) -> None:
        self.id = record.claim.id
        self.context = target_of(record.claim)
        self._about = record.claim.about
        self.limits = limits
        self.terminal: TerminalEvent | None = None
        self.error: HeadraceError | None = None
        self.usage: Usage | None = None
        self._journal, self._store = journal, journal.store
        self._reader = secrets.token_urlsafe(8)
        self._begun_after = self._read_to = after
        self._ahead, self._ahead_from = ahead, ahead_from
        self._missing = missing or stream_not_found
        self._heard_at = time.monotonic()
        self._inbox = Inbox()
        self._follower: Reader | None = None
        self._news, self._room = Flag(), GreenletWaiter()
        self._deadlines = TimeoutScheduler(self._dues, limits.shortest_wait())
        self.on_close: Callable[[StoredStreamReader], None] | None = None
        self._filling = gevent.spawn(self._fill)
        self._attending = gevent.spawn(self._attend_on)

    def __repr__(self) -> str:
        return f"<Replica of {self.id[:6]}…, {self._read_to} events>"

    # What its follower calls

    def add_reader(self, reader: Reader) -> None:
        """Have a reader; there is only one."""
        self._follower = reader
        self._deadlines.start()

    def take_events(self, reader: Reader) -> list[Event]:
        """Hand out the next events that have come since the last call."""
        events, last = self._inbox.take()
        if events:
            reader.position = last
        self._room.wake()
        return events

    def drop_reader(self, reader: Reader) -> None:
        """Let go of a reader that accepts nothing."""
        reader.close()

    def remove_reader(self, _follower: Reader) -> None:
        """End the reading."""
        self.close()

    def close(self) -> None:
        """End the reading. May be called twice."""
        self._follower = None
        self._deadlines.stop()
        self._filling.kill(block=False)
        self._attending.kill(block=False)
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

    def _dues(self) -> Iterator[Deadline]:
        if self._follower is not None:
            yield from self._follower.deadlines()

    # What fills it

    def _attend_on(self) -> None:
        # By itself: a reader that is slow, and a store that is busy, do not make it one that has left.
        try:
            while True:
                with suppress(StoreUnavailable):
                    self._store.add_reader(self.id, self._reader, ATTENDANCE)
                gevent.sleep(ATTENDANCE / 2)
        finally:
            # In a greenlet of its own: this one is about to be killed.
            gevent.spawn(self._leave_store)

    def _leave_store(self) -> None:
        with suppress(StoreUnavailable):  # its attendance runs out by itself
            self._store.remove_reader(self.id, self._reader)

    def _fill(self) -> None:
        unwatch = self._store.watch(self.id, self._news.set)
        try:
            self._read_on()
        except ResumptionLost as lost:
            if self._read_to > self._begun_after or not self._is_replaced():
                self._end_as_lost(lost)
            else:
                self.error = self._missing(self.id)
        finally:
            unwatch()
            if self.terminal is None:
                self.cut()

    def _read_on(self) -> None:
        away_since: float | None = None
        while self.terminal is None:
            self._news.clear()
            try:
                if not self._read() and not self._news.wait(LOOK):
                    self._look()
                away_since = None
            except StoreUnavailable:
                self._journal.lease.doubt()
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > PATIENCE:
                    return
                gevent.sleep(LOOK / 2)

    def _read(self) -> bool:
        entries = self._store.read(self.id, self._read_to, MOST_READ)
        for entry in entries:
            events = events_beyond(entry, self._read_to, self.context.incarnation)
            if events:
                self._take_in(events)
        return bool(entries)

    def _take_in(self, events: list[Event]) -> None:
        first = self._read_to + 1
        self._read_to += len(events)
        self._heard_at = time.monotonic()
        self._inbox.add(first + (self._ahead if first > self._ahead_from else 0), events)
        if isinstance(events[-1], TERMINAL_EVENTS):
            self.terminal = events[-1]
        for event in events[-2:]:
            if isinstance(event, Usage):
                self.usage = event
        if self._follower is not None:
            self._follower.waiter.wake()
        while self._inbox.size > self.limits.max_buffer_bytes:
            self._room.wait()

    def _look(self) -> None:
        record = self._store.find(self.id)
        if record is None or record.claim.about != self._about:
            if self._read_to > self._begun_after:
                raise ResumptionLost
            # Its retention has ended since it was found, or it was never begun; its id may be another stream's by now.
            self.error = self._missing(self.id)
            self.cut()
        elif record.last < self._read_to or self._has_waited_for_nothing():
            # The store is an older copy of itself; the one that filled the stream may have long ended it.
            raise ResumptionLost
        elif record.last > self._read_to or record.is_finished:
            # Unless it has come in this moment, what should be there is not.
            if not self._read():
                raise ResumptionLost
        elif self._journal.lease.has_lost(record.claim.worker):
            bury(self._journal, record)

    def _is_replaced(self) -> bool:
        """Whether the store has another stream of this id by now."""
        with suppress(StoreUnavailable):
            record = self._store.find(self.id)
            return record is not None and record.claim.about != self._about
        return False

    def _has_waited_for_nothing(self) -> bool:
        """Whether nothing has come for longer than any stream may last, and the store may be away."""
        longest = self.limits.duration
        return longest is not None and time.monotonic() - self._heard_at > longest + PATIENCE

    def _end_as_lost(self, lost: ResumptionLost) -> None:
        # The store has lost a part of it: its reader is told, in the place where that part should stand.
        self._take_in(ended_by(lost)())


def stream_not_found(id_: str) -> StreamNotFound:
    """Return the error for a stream that is not there, or not the asker's."""
    return StreamNotFound(f"There is no stream {id_!r:.100} of yours that can be followed, or not any more.")


def bury(journal: StoreWriter, record: StreamRecord) -> None:
    """End the stream of a dead worker, with what is known of its tokens."""
    with journal.owed.alone(record.claim.id):
        journal.take_over(record, lambda: _last_words(journal.store, record))


def _last_words(store: Store, record: StreamRecord) -> list[Event]:
    target = target_of(record.claim)
    answer_bytes, model = _seen(store, record.claim.id, target.incarnation)
    usage = estimate_usage(
        target.name, target.pricing_provider, prompt_bytes=target.prompt_bytes, answer_bytes=answer_bytes
    )
    return [with_attempt(usage, model or target.model), *ended_by(WorkerLost())()]


def _seen(store: Store, id_: str, incarnation: str) -> tuple[int, str]:
    """Return the bytes of the answer, and the model that has given it, as far as they can be read."""
    size, after, model = 0, 0, ""
    with suppress(ResumptionLost):
        while entries := store.read(id_, after, MOST_READ):
            for entry in entries:
                events = events_beyond(entry, after, incarnation)
                size += text_size(events)
                after = last_number(entry)
                told = (
                    event.model for event in reversed(events) if isinstance(event, (ResponseStarted, AnswerRestarted))
                )
                model = next(told, model)
    return size, model
