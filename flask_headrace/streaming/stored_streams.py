"""Resumable streams as they are at a moment, and their deletion, for clients that do not follow them.

Like `ResumableStreams`, this works at every worker. Nothing here waits for a model.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import gevent

from ..core.errors import ResumptionLost
from ..core.events import TERMINAL_EVENTS, Event, TerminalEvent
from .context import StreamContext
from .resumable_streams import ResumableStreams
from .resume import cursor
from .resume.orphans import finish_orphaned
from .resume.store_outage import retry_while_away
from .resume.store_writer import StoreWriter
from .resume.stored_events import MAX_READ_BYTES, decode_context, events_after
from .resume.stored_reader import stream_not_found
from .stores.base import StreamRecord

STOP_TIMEOUT = 5.0
"""Seconds for which the end of a stopped stream is awaited: another worker may fill it."""

FLUSH_TIMEOUT = 1.0
"""Seconds for which this worker's own events are given to be written."""

POLL_INTERVAL = 0.02
"""Seconds between two looks at a stream whose end or next events are awaited."""

_ALL = 10**15
"""Greater than the number of any event."""


class StreamSnapshot(NamedTuple):
    """A stream as it is at a moment.

    Args:
        id: The stream's id.
        context: The context of the stream.
        events: The events so far, from the one that was asked for.
        is_behind: Whether readers at the worker that fills the stream may have more events by now.
    """

    id: str
    context: StreamContext
    events: list[Event]
    is_behind: bool

    @property
    def terminal(self) -> TerminalEvent | None:
        """The last event of the stream; None if the stream goes on."""
        last = self.events[-1] if self.events else None
        return last if isinstance(last, TERMINAL_EVENTS) else None


class StoredStreams:
    """The resumable streams that this worker can reach, as they are.

    Args:
        resumable_streams: The same streams, to be followed and stopped.
        store_writer: This worker's access to the store.
    """

    def __init__(self, resumable_streams: ResumableStreams, store_writer: StoreWriter) -> None:
        self._resumable_streams, self._lookup = resumable_streams, resumable_streams.lookup
        self._store_writer, self._store = store_writer, store_writer.store

    def context(self, id: str, owner: str) -> StreamContext:  # noqa: A002
        """Return the context of a stream; raises like `snapshot`."""
        return self.snapshot(id, owner, after=_ALL).context

    def snapshot(self, id: str, owner: str, after: int = 0) -> StreamSnapshot:  # noqa: A002
        """Return a stream as it is now.

        Args:
            id: The stream's id.
            owner: The owner that the request is authorized for; empty for anybody.
            after: The number of the last event that is not wanted.

        Raises:
            StreamNotFound: the owner has no such stream, or its retention is over; 404.
            ResumptionLost: the store has lost a part of the stream; 503.
            StoreUnavailable: the store is away; 503.
        """
        session = self._lookup.session(id)
        if session is not None:
            if session.context.owner != owner:
                raise stream_not_found(id)
            return StreamSnapshot(id, session.context, session.events()[after:], is_behind=False)
        # The last events of a stream that has just ended here may still be in the queue.
        self._store_writer.flush_stream(id, FLUSH_TIMEOUT)
        record = retry_while_away(self._store_writer, lambda: self._find(id, owner))
        events = self._read(record, after)
        return StreamSnapshot(id, decode_context(record.claim), events, is_behind=not record.is_finished)

    def read_until(self, id: str, owner: str, is_enough: Callable[[StreamSnapshot], bool]) -> StreamSnapshot:  # noqa: A002
        """Read a stream from its beginning, and give the store a moment to catch up with the stream.

        Args:
            id: The stream's id.
            owner: The owner that the request is authorized for; empty for anybody.
            is_enough: Called with the stream and its next events; returns whether they are enough.

        Returns:
            The last snapshot, when the events are enough, when there are no more at this moment, or when the store
            has not caught up for `cursor.CATCH_UP_TIMEOUT`.

        Raises:
            HeadraceError: see `snapshot`.
        """
        until, count = time.monotonic() + cursor.CATCH_UP_TIMEOUT, 0
        while True:
            snapshot = self.snapshot(id, owner, after=count)
            count += len(snapshot.events)
            if is_enough(snapshot) or not snapshot.is_behind or time.monotonic() > until:
                return snapshot
            gevent.sleep(POLL_INTERVAL)

    def stop(self, id: str, owner: str) -> None:  # noqa: A002
        """Stop a stream, and wait for its end for at most `STOP_TIMEOUT`.

        Args:
            id: The stream's id.
            owner: The owner that the request is authorized for; empty for anybody.

        Raises:
            StreamNotFound: the owner has no such stream; 404.
            StoreUnavailable: the store is away; 503.
        """
        self._resumable_streams.stop(id, owner)
        until = time.monotonic() + STOP_TIMEOUT
        while not self._has_ended(id, owner) and time.monotonic() < until:
            gevent.sleep(POLL_INTERVAL)
        # Other workers must not see the stream run after this.
        self._store_writer.flush_stream(id, FLUSH_TIMEOUT)

    def delete(self, id: str, owner: str) -> None:  # noqa: A002
        """Stop a stream if it runs, and delete it: its id is free at every worker.

        Args:
            id: The stream's id.
            owner: The owner that the request is authorized for; empty for anybody.

        Raises:
            StreamNotFound: the owner has no such stream; 404.
            StoreUnavailable: the store is away; 503.
        """
        self.stop(id, owner)
        with self._store_writer.pending.lock(id):
            record = self._store.find(id)
            if record is not None and record.claim.owner == owner:
                self._store.delete(id)
            self._store_writer.pending.discard(id)
            session = self._lookup.session(id)
            if session is not None:
                session.detach_store()

    def _has_ended(self, id_: str, owner: str) -> bool:
        session = self._lookup.session(id_)
        # The usage is known when the last events are published.
        return self._find(id_, owner).is_finished if session is None else session.usage is not None

    def _find(self, id_: str, owner: str) -> StreamRecord:
        """Return the record of a stream, which has ended if its worker is dead."""
        record = self._lookup.record(id_, owner)
        if not record.is_finished and self._store_writer.lease.is_worker_dead(record.claim.worker):
            finish_orphaned(self._store_writer, record)
            record = self._lookup.record(id_, owner)
        return record

    def _read(self, record: StreamRecord, after: int) -> list[Event]:
        id_, incarnation = record.claim.id, decode_context(record.claim).incarnation
        events: list[Event] = []
        while after + len(events) < record.last:
            batches = self._store.read(id_, after + len(events), MAX_READ_BYTES)
            if not batches:
                self._lookup.record(id_, record.claim.owner)  # it may have been deleted meanwhile
                raise ResumptionLost
            for batch in batches:
                events += events_after(batch, after + len(events), incarnation)
        return events
