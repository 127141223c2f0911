"""Resumable streams: begun once, followed and stopped from any worker.

A stream that is filled here is read from its session; any other, and one that has ended, from the store.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import TypeVar

import gevent
import msgspec

from ..core.errors import HeadraceError, ResumptionLost, StoreUnavailable, StreamConflict, StreamNotFound
from .context import StreamContext
from .producer import Source
from .readable import ReadableStream
from .reader import StreamReader
from .registry import StreamRegistry
from .resume import cursor
from .resume.store_writer import StoreWriter
from .resume.stored_events import target_of
from .resume.stored_reader import StoredStreamReader, stream_not_found
from .session import StreamSession
from .stores.base import StreamClaim, StreamRecord

T = TypeVar("T")

PATIENCE = 5.0
"""Seconds that a reader who comes back waits for a store that is away."""


class ResumableStreams:
    """The resumable streams that this worker can reach.

    Args:
        streams: Those that are open here.
        journal: This worker's way to the store.
    """

    def __init__(self, streams: StreamRegistry, journal: StoreWriter) -> None:
        self._streams = streams
        self._journal = journal
        self._store = journal.store

    def open(
        self,
        id: str,  # noqa: A002
        question: str,
        target: StreamContext,
        source: Source,
        chat: str | None = None,
    ) -> StreamReader:
        """Begin a stream and follow it; one of that id that is there already is followed from its beginning.

        Args:
            id: The stream's id.
            question: A digest of what is asked.
            target: Whom it asks, and who asks.
            source: Where its events come from.
            chat: The conversation of the owner's that it is the latest answer in; None for none that is known by an id.

        Raises:
            StreamConflict: a stream of that id answers another question, or somebody else; 409.
            LimitError: no more streams may be opened here now, or the store is away; 503.
        """
        # Who asks again for a stream that is here takes no more room with it.
        self._streams.check_capacity("" if self._local(id) is not None else target.owner)
        target = msgspec.structs.replace(target, incarnation=secrets.token_hex(4))
        claim = StreamClaim(id, self._journal.worker, target.owner, question, msgspec.msgpack.encode(target))
        name = None if chat is None else _name(chat, target.owner)
        with self._journal.owed.alone(id):
            record = self._local_record(id) or self._journal.claim(claim, name)
            if record is None:
                return self._named(StreamReader(self._begin(id, target, source)), name)
        if (record.claim.owner, record.claim.question) != (target.owner, question):
            raise StreamConflict(f"A stream {id!r} is there already, and answers another question: choose another id.")
        return self._named(self._follow(record, 0, missing=_not_begun), name)

    def _local_record(self, id_: str) -> StreamRecord | None:
        # A stream that is kept here is there, also where the store has lost it and does not know it any more.
        session = self._local(id_)
        claim = None if session is None else self._journal.claim_of(session)
        return None if claim is None else StreamRecord(claim)

    def _begin(self, id_: str, target: StreamContext, source: Source) -> StreamSession:
        try:
            self._end_earlier(id_)
            return self._streams.open(target, source, stored_id=id_)
        except BaseException:
            # Nobody fills it: who tries again, here or elsewhere, is to find the id free.
            self._journal.withdraw(id_)
            raise

    def _end_earlier(self, id_: str) -> None:
        # The store has lost a stream of that id that goes on here as a plain one: one id is one stream.
        earlier = self._streams.get(id_)
        if earlier is not None:
            earlier.fail(ResumptionLost())
            until = time.monotonic() + PATIENCE
            while self._streams.get(id_) is earlier and time.monotonic() < until:
                gevent.sleep(0.005)

    def follow(
        self,
        id: str,  # noqa: A002
        owner: str,
        after: int,
        *,
        incarnation: str = "",
        is_whole: bool = False,
    ) -> StreamReader | None:
        """Follow a stream.

        Args:
            id: The stream's id.
            owner: Who asks.
            after: The number of the last event that the reader has; 0 for none.
            incarnation: That of the stream in which the event has this number, see `StreamContext`; empty where the reader
                does not know it, and means whichever stream has the id now.
            is_whole: Whether to hand out the events up to that number too, for a wire that has to know them; so it is
                for a document that grows in any case.

        Returns:
            None where the stream has ended and the reader has all of it.

        Raises:
            StreamNotFound: there is none of theirs, or its retention is over; 404.
            InvalidRequest: it has no event of that number; 400.
            AnswerReplaced: the stream of that id is not the one that the reader has a part of; 410.
            StoreUnavailable: the store is away, or behind the reader; 503.
        """
        session = self._local(id, incarnation)
        if session is not None:
            if session.context.owner != owner:
                raise stream_not_found(id)
            if after > session.last_number:
                raise cursor.no_such_event(after)
            is_over = session.terminal is not None and after == session.last_number
            return None if is_over else _place(session, after, is_whole=is_whole)
        record = self._patiently(lambda: self._find(id, owner, incarnation))
        if after > record.last and not record.is_finished:
            record = cursor.caught_up(self._journal, record, after, lambda: self._find(id, owner, incarnation))
        known = cursor.known_of(self._store, record, after)
        if known is not None:
            return self._follow(record, after, is_whole=is_whole, known=known)
        if after < record.last or (after == record.last and not record.is_finished):
            return self._follow(record, after, is_whole=is_whole)
        if after > record.last:
            raise cursor.beyond(record, after)
        return None

    def follow_latest(self, chat: str, owner: str) -> StreamReader | None:
        """Follow the latest answer in a conversation from its beginning.

        Returns:
            None where there is none, or some reader has all of it, or it was stopped.

        Raises:
            StoreUnavailable: the store is away; 503.
            LimitError: no more readers may come here now; 503.
        """
        name = _name(chat, owner)
        record = self._patiently(lambda: self._store.find_by_name(name))
        if record is None:
            return None
        with suppress(StreamNotFound):
            follower = self.follow(record.claim.id, owner, 0)
            return None if follower is None else self._named(follower, name)
        return None

    def stop_latest(self, chat: str, owner: str) -> None:
        """Stop the latest answer in a conversation; does nothing where there is none to be followed.

        Raises:
            StoreUnavailable: the store is away; 503.
        """
        name = _name(chat, owner)
        record = self._store.find_by_name(name)
        if record is not None:
            with suppress(StreamNotFound):
                self.stop(record.claim.id, owner)
            self._store.clear_name(name, record.claim.id)

    def _named(self, follower: StreamReader, name: str | None) -> StreamReader:
        # Nobody comes back for what has been read to its end; who does has it, and would show it twice.
        if name is not None:
            id_ = follower.session.id
            follower.on_complete = lambda: gevent.spawn(self._unname, name, id_)
        return follower

    def _unname(self, name: str, id_: str) -> None:
        with suppress(StoreUnavailable):  # it is sent once more then
            self._store.clear_name(name, id_)

    def stop(self, id: str, owner: str) -> None:  # noqa: A002
        """Stop a stream; does nothing where it has ended.

        Raises:
            StreamNotFound: there is none of theirs; 404.
            StoreUnavailable: the store is away; 503.
        """
        session = self._streams.get(id)
        if session is None or not session.was_stored:
            self._find(id, owner)
            self._store.request_stop(id)
        elif session.context.owner != owner:
            raise stream_not_found(id)
        else:
            session.cancel("stopped")

    def _local(self, id_: str, incarnation: str = "") -> StreamSession | None:
        session = self._streams.get(id_)
        if session is None or not session.is_stored:
            return None
        # Where the store has lost this one, and nobody here knows that yet, another worker may have begun the next.
        return session if incarnation in {"", session.context.incarnation} else None

    def _follow(
        self,
        record: StreamRecord,
        after: int,
        *,
        is_whole: bool = False,
        known: int | None = None,
        missing: Callable[[str], HeadraceError] = stream_not_found,
    ) -> StreamReader:
        """Follow a stream; of what its reader has, up to `after`, the store knows as much as `known` where not all."""
        target = target_of(record.claim)
        session = self._local(record.claim.id, target.incarnation)
        if session is not None:
            return _place(session, after, is_whole=is_whole)
        is_whole |= target.partial_mode is not None
        known = after if known is None else known
        places = {"ahead": after - known, "ahead_from": known}
        limits = self._streams.limits
        replica = StoredStreamReader(self._journal, record, 0 if is_whole else known, limits, missing=missing, **places)
        self._streams.add_stored_reader(replica)
        return _place(replica, after, is_whole=is_whole)

    def _find(self, id_: str, owner: str, incarnation: str = "") -> StreamRecord:
        record = self._store.find(id_)
        if record is None or record.claim.owner != owner:
            raise stream_not_found(id_)
        cursor.refuse_replaced(record, incarnation)
        return record

    def _patiently(self, find: Callable[[], T]) -> T:
        # A reader that comes back and is turned away with a 503 may never come again: EventSource does not.
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return find()
            except StoreUnavailable:
                self._journal.lease.doubt()
                if time.monotonic() > until:
                    raise
            gevent.sleep(0.25)


def _name(chat: str, owner: str) -> str:
    # A digest: the ids of conversations are their applications', of any length, and may say something.
    return sha256(msgspec.msgpack.encode((owner, chat))).hexdigest()


def _place(stream: ReadableStream, after: int, *, is_whole: bool) -> StreamReader:
    is_whole |= stream.context.partial_mode is not None
    return StreamReader(stream, 0 if is_whole else after, seen=after)


def _not_begun(id_: str) -> HeadraceError:
    # It was claimed by a worker that could not open it: who asked the same is to ask again.
    return StoreUnavailable(f"The stream {id_!r} could not be begun. Try again.", retry_after=1)
