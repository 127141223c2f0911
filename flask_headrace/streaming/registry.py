"""The open streams of one worker: how many there may be, and how they end when the worker does."""

from __future__ import annotations

from collections.abc import Callable

import gevent
from gevent.event import Event as Flag

from ..core.errors import LimitError, ShuttingDown, StoreUnavailable, StreamLimitExceeded
from . import producer
from .context import StreamContext, StreamLimits
from .owner_limits import OwnerLimits
from .producer import Source
from .resume.store_writer import StoreWriter
from .resume.stored_reader import StoredStreamReader
from .session import StreamSession

FLUSH_TIMEOUT = 2.0
"""Seconds that a worker which leaves waits for its last events to be written."""


class StreamRegistry:
    """All streams that are open here.

    Args:
        limits: The bounds of each.
        most: How many may be open at once.
        most_of_one: How many of them one owner may have; None for a quarter of them, and at least one.
        on_start: Called when one is opened, before its upstream is asked.
        on_end: Called once for each after its end, in a greenlet of its own; may block.
        journal: Keeps those that can be resumed.

    Attributes:
        most: How many may be open at once.
    """

    def __init__(  # noqa: PLR0913  # all but the first two by name
        self,
        limits: StreamLimits,
        max_streams: int,
        on_start: Callable[[StreamSession], None],
        on_end: Callable[[StreamSession], None],
        store_writer: StoreWriter | None = None,
        *,
        max_streams_per_owner: int | None = None,
    ) -> None:
        self.limits = limits
        self._owner_limits = OwnerLimits(max_streams_per_owner or max(1, max_streams // 4))
        self._store_writer = store_writer
        self.max_streams = max_streams
        self._on_start = on_start
        self._on_end = on_end
        self._open: dict[str, StreamSession] = {}
        self._stored_readers: set[StoredStreamReader] = set()
        self._is_empty = Flag()
        self._is_empty.set()
        self.is_closing = False

    def __len__(self) -> int:
        return len(self._open) + len(self._stored_readers)

    def __repr__(self) -> str:
        return f"<Streams {len(self)} of {self.max_streams} open{', closing' if self.is_closing else ''}>"

    def get(self, id: str) -> StreamSession | None:  # noqa: A002
        """Return an open stream."""
        return self._open.get(id)

    def check_capacity(self, owner: str) -> None:
        """Return if another stream may be opened.

        Args:
            owner: Who is to have it; empty for nobody in particular.

        Raises:
            StreamLimitExceeded: as many as allowed are open, 503; or its owner has as many as one may have, 429.
            ShuttingDown: the worker is about to leave; 503.
        """
        if self.is_closing:
            raise ShuttingDown("This worker is shutting down. Try again in a moment.", retry_after=1)
        if len(self) >= self.max_streams:
            raise StreamLimitExceeded(
                f"All {self.max_streams} streams of this worker are taken. Try again soon.", retry_after=2
            )
        self._owner_limits.check(owner)

    def open(self, context: StreamContext, source: Source, *, stored_id: str | None = None) -> StreamSession:
        """Open a stream; its upstream is asked as soon as the caller waits for something.

        Args:
            context: Whom it asks.
            source: Where its events come from.
            stored_id: The id under which the journal has claimed it, for one that can be resumed.

        Raises:
            LimitError: see `check_room`.
            StoreUnavailable: an earlier stream of that id has not ended here yet; 503.
        """
        self.check_capacity(context.owner)
        if stored_id in self._open:
            raise StoreUnavailable(f"Another stream {stored_id!r} is about to end here. Try again.", retry_after=1)
        sink = None if stored_id is None else self._store_writer
        session = StreamSession(context, self.limits, id=stored_id, sink=sink)
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
            # Also where nobody will read it: each stream ends, and its end is told, by its pump alone.
            producer.start_producer(session, source, self._finish)
        return session

    def add_stored_reader(self, stored_reader: StoredStreamReader) -> None:
        """Count a reading of a stream that is not filled here.

        Raises:
            LimitError: see `check_room`.
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
        """Open no more streams, let those that are open finish for so long, then end the rest.

        Returns:
            How many had to be ended.
        """
        self.is_closing = True
        # Their readers come back, to another worker or the next one, and go on where they were.
        for replica in list(self._stored_readers):
            replica.stop_reading()
        self._is_empty.wait(seconds)
        left = list(self._open.values())
        for session in left:
            session.fail(ShuttingDown("The service is restarting. Try again in a moment.", retry_after=1))
        self._is_empty.wait(5)
        if self._store_writer is not None:
            self._store_writer.flush(FLUSH_TIMEOUT)
        gevent.sleep(0)
        return len(left)

    def _remove_stored_reader(self, stored_reader: StoredStreamReader) -> None:
        self._stored_readers.discard(stored_reader)
        self._owner_limits.remove(stored_reader)

    def _finish(self, session: StreamSession) -> None:
        # A question that waits for its turn goes before the account of an answer.
        gevent.sleep(0)
        try:
            self._on_end(session)
        finally:
            del self._open[session.id]
            self._owner_limits.remove(session)
            session.is_reported = True
            if not self._open:
                self._is_empty.set()
