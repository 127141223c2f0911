"""The open streams of one worker: their limits, and their end when the worker shuts down."""

from __future__ import annotations

from collections.abc import Callable

import gevent
from gevent.event import Event as Flag

from ..core.errors import LimitError, ShuttingDown, StoreUnavailable, StreamLimitExceeded
from . import producer
from .context import StreamContext, StreamLimits
from .owner_limits import OwnerLimits
from .producer import Source
from .recording import Recording
from .resume.store_writer import StoreWriter
from .resume.stored_reader import StoredStreamReader
from .session import StreamSession

FLUSH_TIMEOUT = 2.0
"""Seconds that a worker which shuts down waits for its last events to be written into the store."""

REPORT_POLL_INTERVAL = 0.001
"""Seconds between two looks whether all ended streams are reported."""


class StreamRegistry:
    """All streams that are open on this worker.

    Args:
        limits: The limits of each stream.
        max_streams: How many streams may be open at once.
        on_start: Called when a stream is opened, before its source is called.
        on_end: Called once for each stream after its end, in a greenlet of its own; must not wait for long.
        store_writer: Writes the events of resumable streams; None if there is no store.
        max_streams_per_owner: How many streams one owner may have open; None for a quarter of `max_streams`, and at
            least one.
        after_end: Called once for each stream after `on_end`, when the stream does not count as open any more; may
            block. A worker that shuts down waits for it.

    Attributes:
        max_streams: How many streams may be open at once.
        is_closing: Whether the worker is shutting down.
    """

    def __init__(  # noqa: PLR0913  # all but the first two by name
        self,
        limits: StreamLimits,
        max_streams: int,
        on_start: Callable[[StreamSession], None],
        on_end: Callable[[StreamSession], None],
        store_writer: StoreWriter | None = None,
        *,
        after_end: Callable[[StreamSession], None] = lambda _: None,
        max_streams_per_owner: int | None = None,
    ) -> None:
        self.limits = limits
        self._owner_limits = OwnerLimits(max_streams_per_owner or max(1, max_streams // 4))
        self._store_writer = store_writer
        self.max_streams = max_streams
        self._on_start = on_start
        self._on_end, self._after_end = on_end, after_end
        self._open: dict[str, StreamSession] = {}
        self._ending: set[StreamSession] = set()
        self._stored_readers: set[StoredStreamReader] = set()
        self._is_empty = Flag()
        self._is_empty.set()
        self.is_closing = False

    def __len__(self) -> int:
        return len(self._open) + len(self._stored_readers)

    def __repr__(self) -> str:
        return f"<StreamRegistry {len(self)} of {self.max_streams} open{', closing' if self.is_closing else ''}>"

    def get(self, id: str) -> StreamSession | None:  # noqa: A002
        """Return the open stream of an id; None if there is none."""
        return self._open.get(id)

    def check_capacity(self, owner: str) -> None:
        """Return if another stream may be opened.

        Args:
            owner: The owner of the stream; empty if the service has no API keys.

        Raises:
            StreamLimitExceeded: this worker has the maximum number of open streams, 503; or the owner has, 429.
            ShuttingDown: the worker is shutting down; 503.
        """
        if self.is_closing:
            raise ShuttingDown("This worker is shutting down. Try again in a moment.", retry_after=1)
        if len(self) >= self.max_streams:
            raise StreamLimitExceeded(
                f"All {self.max_streams} streams of this worker are in use. Try again soon.", retry_after=2
            )
        self._owner_limits.check(owner)

    def open(
        self,
        context: StreamContext,
        source: Source,
        *,
        stored_id: str | None = None,
        recording: Recording | None = None,
    ) -> StreamSession:
        """Open a stream. Its source is called when the current greenlet next waits.

        Args:
            context: The stream's context.
            source: Where its events come from.
            stored_id: The id that the store writer has claimed for a resumable stream; None for a plain stream.
            recording: See `StreamSession`.

        Raises:
            LimitError: see `check_capacity`.
            StoreUnavailable: an earlier stream of this id has not ended here yet; 503.
        """
        self.check_capacity(context.owner)
        if stored_id in self._open:
            raise StoreUnavailable(f"An earlier stream {stored_id!r} is about to end here. Try again.", retry_after=1)
        sink = None if stored_id is None else self._store_writer
        session = StreamSession(context, self.limits, id=stored_id, sink=sink, recording=recording)
        self._open[session.id] = session
        self._owner_limits.add(session, context.owner)
        self._is_empty.clear()
        try:
            if sink is not None:
                sink.attach(session)
            self._on_start(session)
        except BaseException:
            session.cancel("stopped")
            raise
        finally:
            # Also if `on_start` failed: only the producer ends a stream and reports its end.
            producer.start_producer(session, source, self._finish)
        return session

    def add_stored_reader(self, stored_reader: StoredStreamReader) -> None:
        """Count a reading of a stream that is not filled here.

        Raises:
            LimitError: see `check_capacity`.
        """
        try:
            self.check_capacity(stored_reader.context.owner)
        except LimitError:
            stored_reader.close()
            raise
        self._stored_readers.add(stored_reader)
        self._owner_limits.add(stored_reader, stored_reader.context.owner)
        stored_reader.on_close = self._remove_stored_reader

    def drain(self, seconds: float) -> int:
        """Open no more streams, wait for the open ones to end, then fail the rest.

        Args:
            seconds: How long to wait for open streams.

        Returns:
            How many streams were failed.
        """
        self.is_closing = True
        # Their clients reconnect to another worker and continue where they were.
        for reader in list(self._stored_readers):
            reader.stop_reading()
        self._is_empty.wait(seconds)
        remaining = list(self._open.values())
        for session in remaining:
            session.fail(ShuttingDown("The service is restarting. Try again in a moment.", retry_after=1))
        self._is_empty.wait(5)
        if self._store_writer is not None:
            self._store_writer.flush(FLUSH_TIMEOUT)
        gevent.sleep(0)
        return len(remaining)

    def stop_all(self) -> None:
        """Stop all open streams, and close their readers at this worker."""
        for session in list(self._open.values()):
            session.cancel("stopped")
            session.close_readers()

    def wait_for_reports(self, seconds: float) -> None:
        """Return when all streams whose end is decided are reported, or after so many seconds."""
        with gevent.Timeout(seconds, False):
            gevent.sleep(0)
            while self._ending or not all(session.pending_terminal is None for session in self._open.values()):
                gevent.sleep(REPORT_POLL_INTERVAL)

    def _remove_stored_reader(self, stored_reader: StoredStreamReader) -> None:
        self._stored_readers.discard(stored_reader)
        self._owner_limits.remove(stored_reader)

    def _finish(self, session: StreamSession) -> None:
        # Waiting requests go before the report of an ended stream.
        gevent.sleep(0)
        self._ending.add(session)
        try:
            self._on_end(session)
        finally:
            del self._open[session.id]
            self._owner_limits.remove(session)
            self._tell_end(session)

    def _tell_end(self, session: StreamSession) -> None:
        try:
            self._after_end(session)
        finally:
            self._ending.remove(session)
            session.is_reported = True
            if not self._open and not self._ending:
                self._is_empty.set()
