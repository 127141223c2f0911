"""A stream that another worker fills, or that has ended, read from the store for one reader at this worker.

To its reader it behaves like the session itself. It never ends the stream: when the reader leaves, or the store is away
for long, only the reading ends.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import gevent
from gevent.event import Event as Flag

from ...core.errors import HeadraceError, ResumptionLost, StoreUnavailable, StreamNotFound
from ...core.events import TERMINAL_EVENTS, CancelReason, Event, TerminalEvent, Usage
from ..context import StreamLimits
from ..deadlines import Deadline, TimeoutScheduler
from ..readable import Reader
from ..stores.base import StreamRecord
from ..waiter import GreenletWaiter
from .orphans import finish_orphaned
from .store_writer import StoreWriter, failure_events
from .stored_events import MAX_READ_BYTES, decode_context, events_after
from .unread_events import UnreadEvents

POLL_INTERVAL = 0.75
"""Seconds without new events after which to check whether the worker is alive. With its lease: less than 5."""

READER_TTL = 5.0
"""Seconds for which the store counts a reader as present; renewed in time."""

STORE_OUTAGE_TIMEOUT = 60.0
"""Seconds for which the store may be away before the reading ends. The reader gets heartbeats meanwhile."""


class StoredStreamReader:
    """A stream as the store has it, for one reader. Implements `ReadableStream`.

    Args:
        store_writer: This worker's access to the store.
        record: The record of the stream, as found before.
        after: The number of the last event that is not to be read.
        limits: The limits of streams at this worker.
        offset: By how much the reader's numbers are greater than the store's for events after `offset_from`. The reader
            has events of a dead worker that were never written, and must not get the same number twice.
        offset_from: See `offset`.
        not_found: Returns the error for a stream that is gone before its first event was read, given its id; None for
            `stream_not_found`.

    Attributes:
        error: Why there is nothing to be read; None if there is, or if the reason is not known.
        on_close: Called with this object when the reading ends; None for nothing.
    """

    is_stored = True
    is_reported = True
    pending_terminal = None
    first_event_at = 0.0  # each failure that its reader gets is an event of the stream, and never one of its own

    def __init__(  # noqa: PLR0913  # by name
        self,
        store_writer: StoreWriter,
        record: StreamRecord,
        after: int,
        limits: StreamLimits,
        *,
        offset: int = 0,
        offset_from: int = 0,
        not_found: Callable[[str], HeadraceError] | None = None,
    ) -> None:
        self.id = record.claim.id
        self.context = decode_context(record.claim)
        self._metadata = record.claim.metadata
        self.limits = limits
        self.terminal: TerminalEvent | None = None
        self.error: HeadraceError | None = None
        self.usage: Usage | None = None
        self._store_writer, self._store = store_writer, store_writer.store
        self._reader_id = secrets.token_urlsafe(8)
        self._start = self._position = after
        self._offset, self._offset_from = offset, offset_from
        self._not_found = not_found or stream_not_found
        self._last_read_at = time.monotonic()
        self._unread = UnreadEvents()
        self._reader: Reader | None = None
        self._changed, self._space_waiter = Flag(), GreenletWaiter()
        self._deadlines = TimeoutScheduler(self._current_deadlines, limits.shortest_wait())
        self.on_close: Callable[[StoredStreamReader], None] | None = None
        self._reading = gevent.spawn(self._run)
        self._renewing = gevent.spawn(self._renew_presence)

    def __repr__(self) -> str:
        return f"<StoredStreamReader of {self.id[:6]}…, {self._position} events>"

    # Called by the reader

    def add_reader(self, reader: Reader) -> None:
        """Set the reader; there is only one."""
        self._reader = reader
        self._deadlines.start()

    def take_events(self, reader: Reader) -> list[Event]:
        """Return the next unread events, and move `reader.position` to the last of them; empty if there are none."""
        events, last = self._unread.take()
        if events:
            reader.position = last
        self._space_waiter.wake()
        return events

    def drop_reader(self, reader: Reader) -> None:
        """Close a reader that does not accept events."""
        reader.close()

    def remove_reader(self, reader: Reader) -> None:
        """End the reading."""
        self.close()

    def close(self) -> None:
        """End the reading. Idempotent."""
        self._reader = None
        self._deadlines.stop()
        self._reading.kill(block=False)
        self._renewing.kill(block=False)
        if self.on_close is not None:
            self.on_close(self)

    def cancel(self, reason: CancelReason) -> None:
        """End the reading; the stream continues."""
        self.stop_reading()

    def fail(self, error: HeadraceError) -> None:
        """End the reading; the stream continues."""
        self.stop_reading()

    def stop_reading(self) -> None:
        """Close the reader without a terminal event, so that the client reconnects for the rest."""
        if self._reader is not None:
            self._reader.close()

    def _current_deadlines(self) -> Iterator[Deadline]:
        if self._reader is not None:
            yield from self._reader.deadlines()

    # The greenlets

    def _renew_presence(self) -> None:
        # In a greenlet of its own: a slow reader or a busy store must not make the reader count as gone.
        try:
            while True:
                with suppress(StoreUnavailable):
                    self._store.add_reader(self.id, self._reader_id, READER_TTL)
                gevent.sleep(READER_TTL / 2)
        finally:
            # In a greenlet of its own: this one is about to be killed.
            gevent.spawn(self._remove_presence)

    def _remove_presence(self) -> None:
        with suppress(StoreUnavailable):  # the presence expires by itself
            self._store.remove_reader(self.id, self._reader_id)

    def _run(self) -> None:
        unwatch = self._store.watch(self.id, self._changed.set)
        try:
            self._read_until_end()
        except ResumptionLost as lost:
            if self._position > self._start or not self._is_replaced():
                self._end_with(lost)
            else:
                self.error = self._not_found(self.id)
        finally:
            unwatch()
            if self.terminal is None:
                self.stop_reading()

    def _read_until_end(self) -> None:
        away_since: float | None = None
        while self.terminal is None:
            self._changed.clear()
            try:
                if not self._read() and not self._changed.wait(POLL_INTERVAL):
                    self._check_record()
                away_since = None
            except StoreUnavailable:
                self._store_writer.lease.pause_failure_detection()
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > STORE_OUTAGE_TIMEOUT:
                    return
                gevent.sleep(POLL_INTERVAL / 2)

    def _read(self) -> bool:
        """Read the next batches; return whether there were any."""
        batches = self._store.read(self.id, self._position, MAX_READ_BYTES)
        for batch in batches:
            events = events_after(batch, self._position, self.context.incarnation)
            if events:
                self._add(events)
        return bool(batches)

    def _add(self, events: list[Event]) -> None:
        """Queue events for the reader, and wait while it has too many unread."""
        first = self._position + 1
        self._position += len(events)
        self._last_read_at = time.monotonic()
        self._unread.add(first + (self._offset if first > self._offset_from else 0), events)
        if isinstance(events[-1], TERMINAL_EVENTS):
            self.terminal = events[-1]
        for event in events[-2:]:
            if isinstance(event, Usage):
                self.usage = event
        if self._reader is not None:
            self._reader.waiter.wake()
        while self._unread.size > self.limits.max_buffer_bytes:
            self._space_waiter.wait()

    def _check_record(self) -> None:
        """Check, after a time without events, whether the stream is still there and its worker alive."""
        record = self._store.find(self.id)
        if record is None or record.claim.metadata != self._metadata:
            if self._position > self._start:
                raise ResumptionLost
            # Its retention has ended since it was found, or it was never begun. Another stream may have the id by now.
            self.error = self._not_found(self.id)
            self.stop_reading()
        elif record.last < self._position or self._has_waited_too_long():
            # The store is an older copy of itself; the worker that filled the stream may have long ended it.
            raise ResumptionLost
        elif record.last > self._position or record.is_finished:
            # Unless the events have come in this moment, they are lost.
            if not self._read():
                raise ResumptionLost
        elif self._store_writer.lease.is_worker_dead(record.claim.worker):
            finish_orphaned(self._store_writer, record)

    def _is_replaced(self) -> bool:
        """Whether the store has another stream of this id by now."""
        with suppress(StoreUnavailable):
            record = self._store.find(self.id)
            return record is not None and record.claim.metadata != self._metadata
        return False

    def _has_waited_too_long(self) -> bool:
        """Whether no event has come for longer than any stream may last, plus the time that the store may be away."""
        max_duration = self.limits.duration
        return max_duration is not None and time.monotonic() - self._last_read_at > max_duration + STORE_OUTAGE_TIMEOUT

    def _end_with(self, lost: ResumptionLost) -> None:
        # The store has lost a part of the stream: the reader gets an error in place of that part.
        self._add(failure_events(lost)())


def stream_not_found(id_: str) -> StreamNotFound:
    """Return the error for a stream that is not there, or belongs to another owner."""
    return StreamNotFound(f"There is no stream {id_!r:.100} of yours that can be followed, or not any more.")
