"""Finds resumable streams by their ids: the sessions of this worker, and the records of the store."""

from __future__ import annotations

from collections.abc import Callable

from .registry import StreamRegistry
from .resume import cursor
from .resume.store_writer import StoreWriter
from .resume.stored_reader import stream_not_found
from .session import StreamSession
from .stores.base import StreamRecord


class StreamLookup:
    """The resumable streams that this worker can find.

    Args:
        streams: The streams that are open at this worker.
        store_writer: This worker's access to the store.

    Attributes:
        on_unknown: Called when the store does not have a stream that a client asks for.
    """

    def __init__(self, streams: StreamRegistry, store_writer: StoreWriter) -> None:
        self.on_unknown: Callable[[], object] = lambda: None
        self._streams, self._store = streams, store_writer.store

    def session(self, id: str, incarnation: str = "") -> StreamSession | None:  # noqa: A002
        """Return the session of a stream that this worker fills and stores; None if there is none.

        Args:
            id: The stream's id.
            incarnation: The incarnation that is wanted, see `StreamContext`; empty for any.
        """
        session = self._streams.get(id)
        if session is None or not session.is_stored:
            return None
        # If the store has lost this stream unnoticed, another worker may have begun the next one of the id.
        return session if incarnation in {"", session.context.incarnation} else None

    def record(self, id: str, owner: str, incarnation: str = "") -> StreamRecord:  # noqa: A002
        """Return the record of a stream in the store.

        Args:
            id: The stream's id.
            owner: The owner that the request is authorized for; empty for anybody.
            incarnation: The incarnation that the client has events of; empty for any.

        Raises:
            StreamNotFound: the owner has no such stream, or its retention is over; 404.
            AnswerReplaced: the stream of that id is another incarnation; 410.
            StoreUnavailable: the store is away; 503.
        """
        record = self._store.find(id)
        if record is None:
            self.on_unknown()
        if record is None or record.claim.owner != owner:
            raise stream_not_found(id)
        cursor.check_incarnation(record, incarnation)
        return record
