"""Resumable streams: begun once, then read and stopped from any worker, through its session or the store."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256

import gevent
import msgspec

from ..core.errors import HeadraceError, ResumptionLost, StoreUnavailable, StreamConflict, StreamNotFound
from ..core.events import Failed
from .context import StreamContext
from .producer import Source
from .readable import ReadableStream
from .reader import StreamReader
from .recording import Recording
from .registry import StreamRegistry
from .request_digest import is_same_request
from .resume import cursor, store_outage
from .resume.early_failure import has_stored_failure_alone
from .resume.store_outage import retry_while_away
from .resume.store_writer import StoreWriter
from .resume.stored_events import decode_context
from .resume.stored_reader import StoredStreamReader, stream_not_found
from .session import StreamSession
from .stores.base import StreamClaim, StreamRecord
from .stream_lookup import StreamLookup


class ResumableStreams:
    """The resumable streams that this worker can reach.

    Args:
        streams: The streams that are open at this worker.
        store_writer: This worker's access to the store.

    Attributes:
        lookup: Finds the streams by their ids.
    """

    def __init__(self, streams: StreamRegistry, store_writer: StoreWriter) -> None:
        self._streams = streams
        self._store_writer = store_writer
        self._store = store_writer.store
        self.lookup = StreamLookup(streams, store_writer)

    def open(  # noqa: PLR0913, PLR0917  # each of another type
        self,
        id: str,  # noqa: A002
        request_digest: str,
        context: StreamContext,
        source: Source,
        chat: str | None = None,
        recording: Recording | None = None,
    ) -> StreamReader:
        """Begin a stream and read it. If a stream of that id exists, read that one from its beginning.

        Args:
            id: The stream's id, chosen by the client.
            request_digest: The digest of the request, see `request_digest`. A second request with the same id must ask
                the same.
            context: The model and the owner of the stream, see `StreamContext`.
            source: Yields the events of the stream.
            chat: The id of the owner's conversation whose latest answer the stream is; None if it has no id.
            recording: See `StreamSession`.

        Raises:
            StreamConflict: a stream of that id answers another request, or belongs to another owner; 409.
            LimitError: no more streams may be opened here now, or the store is away; 503.
        """
        # A repeated request for a stream of this worker does not count towards the limit of its owner.
        self._streams.check_capacity("" if self.lookup.session(id) is not None else context.owner)
        context = msgspec.structs.replace(context, incarnation=secrets.token_hex(4))
        encoded = msgspec.msgpack.encode(context)
        claim = StreamClaim(id, self._store_writer.worker, context.owner, request_digest, encoded)
        name = None if chat is None else _chat_name(chat, context.owner)
        with self._store_writer.pending.lock(id):
            record = self._local_record(id) or self._store_writer.claim(claim, name)
            if record is None:
                return self._clear_name_when_read(StreamReader(self._begin(id, context, source, recording)), name)
        if record.claim.owner != context.owner or not is_same_request(record.claim.request_digest, request_digest):
            raise StreamConflict(f"A stream {id!r} is there already, and answers another question: choose another id.")
        return self._clear_name_when_read(self._read(record, 0, not_found=_not_begun), name)

    def _local_record(self, id_: str) -> StreamRecord | None:
        # A stream that is stored by this worker exists, even if the store has lost it.
        session = self.lookup.session(id_)
        claim = None if session is None else self._store_writer.claim_of(session)
        return None if claim is None else StreamRecord(claim)

    def _begin(self, id_: str, context: StreamContext, source: Source, recording: Recording | None) -> StreamSession:
        try:
            self._end_earlier(id_)
            return self._streams.open(context, source, stored_id=id_, recording=recording)
        except BaseException:
            # Nobody fills the stream: a second attempt, at any worker, must find the id free.
            self._store_writer.withdraw(id_)
            raise

    def _end_earlier(self, id_: str) -> None:
        # If the store has lost a stream that continues here as a plain one, the stream ends: one id is one stream.
        earlier = self._streams.get(id_)
        if earlier is not None:
            earlier.fail(ResumptionLost())
            until = time.monotonic() + store_outage.STORE_OUTAGE_TIMEOUT
            while self._streams.get(id_) is earlier and time.monotonic() < until:
                gevent.sleep(0.005)

    def resume(
        self,
        id: str,  # noqa: A002
        owner: str,
        after: int,
        *,
        incarnation: str = "",
        is_whole: bool = False,
    ) -> StreamReader | None:
        """Read a stream from after an event.

        Args:
            id: The stream's id.
            owner: The owner that the request is authorized for; empty for anybody.
            after: The number of the last event that the client has; 0 for none.
            incarnation: The incarnation of the stream whose event has this number, see `StreamContext`; empty if the
                client does not know it, for whichever stream has the id now.
            is_whole: Whether to return the events up to that number too, for an encoder that depends on them. A stream
                with a `partial_mode` always does so.

        Returns:
            The reader; None if the stream has ended and the client has all of it.

        Raises:
            StreamNotFound: the owner has no such stream, or its retention is over; 404.
            InvalidRequest: the stream has no event of that number; 400.
            AnswerReplaced: the stream of that id is another incarnation; 410.
            StoreUnavailable: the store is away, or behind the client; 503.
        """
        session = self.lookup.session(id, incarnation)
        if session is not None:
            if session.context.owner != owner:
                raise stream_not_found(id)
            if after > session.last_number:
                raise cursor.invalid_cursor(after)
            is_complete = session.terminal is not None and after == session.last_number
            return None if is_complete else _reader_after(session, after, is_whole=is_whole)
        record = retry_while_away(self._store_writer, lambda: self.lookup.record(id, owner, incarnation))
        if after > record.last and not record.is_finished:
            record = cursor.wait_for_store(
                self._store_writer, record, after, lambda: self.lookup.record(id, owner, incarnation)
            )
        known = cursor.known_position(self._store, record, after)
        is_unread = after < record.last or (after == record.last and not record.is_finished)
        if known is not None or is_unread:
            return self._read(record, after, is_whole=is_whole, known=known)
        if after > record.last:
            raise cursor.cursor_ahead_error(record, after)
        return None

    def resume_latest(self, chat: str, owner: str) -> StreamReader | None:
        """Read the latest answer in a conversation from its beginning.

        Args:
            chat: The id of the conversation.
            owner: The owner that the request is authorized for; empty for anybody.

        Returns:
            The reader; None if there is no answer, or a client has read all of it, or it was stopped.

        Raises:
            StoreUnavailable: the store is away; 503.
            LimitError: no more readers are accepted here now; 503.
        """
        name = _chat_name(chat, owner)
        record = retry_while_away(self._store_writer, lambda: self._store.find_by_name(name))
        if record is None:
            return None
        with suppress(StreamNotFound):
            reader = self.resume(record.claim.id, owner, 0)
            return None if reader is None else self._clear_name_when_read(reader, name)
        return None

    def stop_latest(self, chat: str, owner: str) -> None:
        """Stop the latest answer in a conversation. Does nothing if `resume_latest` would return None.

        Args:
            chat: The id of the conversation.
            owner: The owner that the request is authorized for; empty for anybody.

        Raises:
            StoreUnavailable: the store is away; 503.
        """
        name = _chat_name(chat, owner)
        record = self._store.find_by_name(name)
        if record is not None:
            with suppress(StreamNotFound):
                self.stop(record.claim.id, owner)
            self._store.clear_name(name, record.claim.id)

    def _clear_name_when_read(self, reader: StreamReader, name: str | None) -> StreamReader:
        # A client that has read an answer to its end has it, and would show it twice if it were found again.
        if name is not None:
            id_ = reader.session.id
            reader.on_complete = lambda: gevent.spawn(self._clear_name, name, id_)
        return reader

    def _clear_name(self, name: str, id_: str) -> None:
        with suppress(StoreUnavailable):  # the answer is sent once more then
            self._store.clear_name(name, id_)

    def has_failed_before_answer(self, id: str, owner: str) -> bool:  # noqa: A002
        """Whether a stream has ended with an error before it had any part of an answer.

        Args:
            id: The stream's id.
            owner: The owner that the request is authorized for; empty for anybody.

        Raises:
            StoreUnavailable: the store is away; 503.
        """
        session = self._streams.get(id)
        if session is not None and session.was_stored:
            return isinstance(session.terminal, Failed) and session.first_event_at is None
        return has_stored_failure_alone(self._store_writer, id, owner)

    def stop(self, id: str, owner: str) -> None:  # noqa: A002
        """Stop a stream. Does nothing if the stream has ended.

        Args:
            id: The stream's id.
            owner: The owner that the request is authorized for; empty for anybody.

        Raises:
            StreamNotFound: the owner has no such stream; 404.
            StoreUnavailable: the store is away; 503.
        """
        session = self._streams.get(id)
        if session is None or not session.was_stored:
            self.lookup.record(id, owner)
            self._store.request_stop(id)
        elif session.context.owner != owner:
            raise stream_not_found(id)
        else:
            session.cancel("stopped")

    def _read(
        self,
        record: StreamRecord,
        after: int,
        *,
        is_whole: bool = False,
        known: int | None = None,
        not_found: Callable[[str], HeadraceError] = stream_not_found,
    ) -> StreamReader:
        """Read a stream from after event `after`; the store knows the client's events up to `known`, None for all."""
        context = decode_context(record.claim)
        session = self.lookup.session(record.claim.id, context.incarnation)
        if session is not None:
            return _reader_after(session, after, is_whole=is_whole)
        is_whole |= context.partial_mode is not None
        known = after if known is None else known
        stored_reader = StoredStreamReader(
            self._store_writer,
            record,
            0 if is_whole else known,
            self._streams.limits,
            offset=after - known,
            offset_from=known,
            not_found=not_found,
        )
        self._streams.add_stored_reader(stored_reader)
        return _reader_after(stored_reader, after, is_whole=is_whole)


def _chat_name(chat: str, owner: str) -> str:
    # A digest: applications choose the ids of conversations, which may be of any length and may be confidential.
    return sha256(msgspec.msgpack.encode((owner, chat))).hexdigest()


def _reader_after(stream: ReadableStream, after: int, *, is_whole: bool) -> StreamReader:
    is_whole |= stream.context.partial_mode is not None
    return StreamReader(stream, 0 if is_whole else after, seen=after)


def _not_begun(id_: str) -> HeadraceError:
    # The stream was claimed by a worker that could not open it: the client may send the same request again.
    return StoreUnavailable(f"The stream {id_!r} could not be begun. Try again.", retry_after=1)
