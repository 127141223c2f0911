"""The open streams of one worker: how many there may be, and how they end when the worker does."""

from __future__ import annotations

from collections.abc import Callable

import gevent
from gevent.event import Event as Flag

from ..core.errors import LimitError, ShuttingDown, StoreUnavailable, StreamLimitExceeded
from . import producer
from .context import StreamContext, StreamLimits
from .owner_limits import Shares
from .producer import Source
from .resume.store_writer import StoreWriter
from .resume.stored_reader import StoredStreamReader
from .session import StreamSession

FLUSH = 2.0
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
        most: int,
        on_start: Callable[[StreamSession], None],
        on_end: Callable[[StreamSession], None],
        journal: StoreWriter | None = None,
        *,
        most_of_one: int | None = None,
    ) -> None:
        self.limits = limits
        self._shares = Shares(most_of_one or max(1, most // 4))
        self._journal = journal
        self.most = most
        self._on_start = on_start
        self._on_end = on_end
        self._open: dict[str, StreamSession] = {}
        self._replicas: set[StoredStreamReader] = set()
        self._is_empty = Flag()
        self._is_empty.set()
        self.is_closing = False

    def __len__(self) -> int:
        return len(self._open) + len(self._replicas)

    def __repr__(self) -> str:
        return f"<Streams {len(self)} of {self.most} open{', closing' if self.is_closing else ''}>"

    def get(self, id: str) -> StreamSession | None:  # noqa: A002
        """Return an open stream."""
        return self._open.get(id)

    def check_room(self, owner: str) -> None:
        """Return if another stream may be opened.

        Args:
            owner: Who is to have it; empty for nobody in particular.

        Raises:
            StreamLimitExceeded: as many as allowed are open, 503; or its owner has as many as one may have, 429.
            ShuttingDown: the worker is about to leave; 503.
        """
        if self.is_closing:
            raise ShuttingDown("This worker is shutting down. Try again in a moment.", retry_after=1)
        if len(self) >= self.most:
            raise StreamLimitExceeded(
                f"All {self.most} streams of this worker are taken. Try again soon.", retry_after=2
            )
        self._shares.check(owner)

    def open(self, target: StreamContext, source: Source, *, kept_as: str | None = None) -> StreamSession:
        """Open a stream; its upstream is asked as soon as the caller waits for something.

        Args:
            target: Whom it asks.
            source: Where its events come from.
            kept_as: The id under which the journal has claimed it, for one that can be resumed.

        Raises:
            LimitError: see `check_room`.
            StoreUnavailable: an earlier stream of that id has not ended here yet; 503.
        """
        self.check_room(target.owner)
        if kept_as in self._open:
            raise StoreUnavailable(f"Another stream {kept_as!r} is about to end here. Try again.", retry_after=1)
        keeper = None if kept_as is None else self._journal
        session = StreamSession(target, self.limits, id=kept_as, keeper=keeper)
        self._open[session.id] = session
        self._shares.take(session, target.owner)
        self._is_empty.clear()
        try:
            if keeper is not None:
                keeper.attach(session)
            self._on_start(session)
        except BaseException:
            session.cancel("stopped")
            raise
        finally:
            # Also where nobody will read it: each stream ends, and its end is told, by its pump alone.
            producer.start_producer(session, source, self._ended)
        return session

    def admit(self, replica: StoredStreamReader) -> None:
        """Count a reading of a stream that is not filled here.

        Raises:
            LimitError: see `check_room`.
        """
        try:
            self.check_room(replica.context.owner)
        except LimitError:
            replica.close()
            raise
        self._replicas.add(replica)
        self._shares.take(replica, replica.context.owner)
        replica.on_close = self._release

    def drain(self, seconds: float) -> int:
        """Open no more streams, let those that are open finish for so long, then end the rest.

        Returns:
            How many had to be ended.
        """
        self.is_closing = True
        # Their readers come back, to another worker or the next one, and go on where they were.
        for replica in list(self._replicas):
            replica.stop_reading()
        self._is_empty.wait(seconds)
        left = list(self._open.values())
        for session in left:
            session.fail(ShuttingDown("The service is restarting. Try again in a moment.", retry_after=1))
        self._is_empty.wait(5)
        if self._journal is not None:
            self._journal.flush(FLUSH)
        gevent.sleep(0)
        return len(left)

    def _release(self, replica: StoredStreamReader) -> None:
        self._replicas.discard(replica)
        self._shares.give_back(replica)

    def _ended(self, session: StreamSession) -> None:
        # A question that waits for its turn goes before the account of an answer.
        gevent.sleep(0)
        try:
            self._on_end(session)
        finally:
            del self._open[session.id]
            self._shares.give_back(session)
            session.is_reported = True
            if not self._open:
                self._is_empty.set()
