"""Resumable streams: begun once, followed and stopped from any worker.

A stream that is filled here is read from its session; any other, and one that has ended, from the store.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import TypeVar

import gevent
import msgspec

from .encoding import decode
from .errors import (
    HeadraceError,
    InvalidRequest,
    StoreUnavailable,
    StreamConflict,
    UnknownStream,
)
from .events import Failed
from .follower import Follower, Stream
from .journal import Journal, ended_by
from .pump import Source
from .replica import Replica, bury, unknown
from .session import Session
from .stores.base import LEASE, Claim, Record
from .streams import Streams
from .terms import Target

T = TypeVar("T")

PATIENCE = 5.0
"""Seconds that a reader who comes back waits for a store that is away."""

CATCH_UP = LEASE + 1.0
"""Seconds in which the store must have what a reader has already seen, or its worker counts as dead."""

CUT_SHORT = {"worker_lost", "not_resumable"}
"""How a stream ends in the store that has gone on, or may have, without it."""


class Resumption:
    """The resumable streams that this worker can reach.

    Args:
        streams: Those that are open here.
        journal: This worker's way to the store.
    """

    def __init__(self, streams: Streams, journal: Journal) -> None:
        self._streams = streams
        self._journal = journal
        self._store = journal.store

    def open(
        self,
        id: str,  # noqa: A002
        question: str,
        target: Target,
        source: Source,
        chat: str | None = None,
    ) -> Follower:
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
        self._streams.check_room()
        claim = Claim(id, self._journal.worker, target.owner, question, msgspec.msgpack.encode(target))
        name = None if chat is None else _name(chat, target.owner)
        record = self._journal.claim(claim, name)
        if record is None:
            return self._named(Follower(self._begin(id, target, source)), name)
        if (record.claim.owner, record.claim.question) != (target.owner, question):
            raise StreamConflict(f"A stream {id!r} is there already, and answers another question: choose another id.")
        return self._named(self._follow(record, 0), name)

    def _begin(self, id_: str, target: Target, source: Source) -> Session:
        try:
            return self._streams.open(target, source, kept_as=id_)
        except HeadraceError as error:
            self._journal.conclude(id_, ended_by(error))
            raise

    def follow(
        self,
        id: str,  # noqa: A002
        owner: str,
        after: int,
        *,
        is_whole: bool = False,
    ) -> Follower | None:
        """Follow a stream.

        Args:
            id: The stream's id.
            owner: Who asks.
            after: The number of the last event that the reader has; 0 for none.
            is_whole: Whether to hand out the events up to that number too, for a wire that has to know them; so it is
                for a document that grows in any case.

        Returns:
            None where the stream has ended and the reader has all of it.

        Raises:
            UnknownStream: there is none of theirs, or its retention is over; 404.
            InvalidRequest: it has no event of that number; 400.
            StoreUnavailable: the store is away; 503.
        """
        session = self._local(id)
        if session is not None:
            if session.target.owner != owner:
                raise unknown(id)
            if after > session.last:
                raise _beyond(after)
            is_over = session.terminal is not None and after == session.last
            return None if is_over else _place(session, after, is_whole=is_whole)
        record = self._patiently(lambda: self._find(id, owner))
        if after > record.last and not record.is_finished:
            record = self._caught_up(record, after)
        if record.is_finished and after >= record.last - 1 and (before_its_end := self._cut_short(record)) is not None:
            return self._follow(record, min(after, before_its_end), is_whole=is_whole)
        if after < record.last or (after == record.last and not record.is_finished):
            return self._follow(record, after, is_whole=is_whole)
        if after > record.last:
            raise _beyond(after)
        return None

    def follow_latest(self, chat: str, owner: str) -> Follower | None:
        """Follow the latest answer in a conversation from its beginning.

        Returns:
            None where there is none, or some reader has all of it, or it was stopped.

        Raises:
            StoreUnavailable: the store is away; 503.
            LimitError: no more readers may come here now; 503.
        """
        name = _name(chat, owner)
        record = self._patiently(lambda: self._store.named(name))
        if record is None:
            return None
        with suppress(UnknownStream):
            follower = self.follow(record.claim.id, owner, 0)
            return None if follower is None else self._named(follower, name)
        return None

    def stop_latest(self, chat: str, owner: str) -> None:
        """Stop the latest answer in a conversation; does nothing where there is none to be followed.

        Raises:
            StoreUnavailable: the store is away; 503.
        """
        name = _name(chat, owner)
        record = self._store.named(name)
        if record is not None:
            with suppress(UnknownStream):
                self.stop(record.claim.id, owner)
            self._store.unname(name, record.claim.id)

    def _named(self, follower: Follower, name: str | None) -> Follower:
        # Nobody comes back for what has been read to its end; who does has it, and would show it twice.
        if name is not None:
            id_ = follower.session.id
            follower.on_whole = lambda: gevent.spawn(self._unname, name, id_)
        return follower

    def _unname(self, name: str, id_: str) -> None:
        with suppress(StoreUnavailable):  # it is sent once more then
            self._store.unname(name, id_)

    def stop(self, id: str, owner: str) -> None:  # noqa: A002
        """Stop a stream; does nothing where it has ended.

        Raises:
            UnknownStream: there is none of theirs; 404.
            StoreUnavailable: the store is away; 503.
        """
        session = self._streams.get(id)
        if session is None or not session.was_kept:
            self._find(id, owner)
            self._store.ask_to_stop(id)
        elif session.target.owner != owner:
            raise unknown(id)
        else:
            session.cancel("stopped")

    def _local(self, id_: str) -> Session | None:
        session = self._streams.get(id_)
        return session if session is not None and session.is_kept else None

    def _follow(self, record: Record, after: int, *, is_whole: bool = False) -> Follower:
        session = self._local(record.claim.id)
        if session is not None:
            return _place(session, after, is_whole=is_whole)
        is_whole |= msgspec.msgpack.decode(record.claim.about, type=Target).partials is not None
        replica = Replica(self._journal, record, 0 if is_whole else after, self._streams.limits)
        self._streams.admit(replica)
        return _place(replica, after, is_whole=is_whole)

    def _find(self, id_: str, owner: str) -> Record:
        record = self._store.find(id_)
        if record is None or record.claim.owner != owner:
            raise unknown(id_)
        return record

    def _caught_up(self, record: Record, after: int) -> Record:
        # What a reader has seen at the worker that fills the stream is on its way into the store, or was lost with it.
        until = time.monotonic() + CATCH_UP
        while after > record.last and not record.is_finished and time.monotonic() < until:
            gevent.sleep(0.05)
            if self._journal.has_lost(record.claim.worker):
                bury(self._journal, record)
            record = self._find(record.claim.id, record.claim.owner)
        return record

    def _cut_short(self, record: Record) -> int | None:
        """Return the number before the end of a stream that broke off in the store; None for any other.

        A reader may have got further than the store has: its cursor is the number of an event that was lost. All that
        is new to it is how the stream ended. So that is sent whole to whoever has a number in the end or beyond it.
        """
        entries = self._store.read(record.claim.id, record.last - 1, 1)
        last = decode(entries[-1].payload)[-1] if entries else None
        return entries[-1].first - 1 if isinstance(last, Failed) and last.code in CUT_SHORT else None

    def _patiently(self, find: Callable[[], T]) -> T:
        # A reader that comes back and is turned away with a 503 may never come again: EventSource does not.
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return find()
            except StoreUnavailable:
                self._journal.doubt()
                if time.monotonic() > until:
                    raise
            gevent.sleep(0.25)


def _name(chat: str, owner: str) -> str:
    # A digest: the ids of conversations are their applications', of any length, and may say something.
    return sha256(msgspec.msgpack.encode((owner, chat))).hexdigest()


def _place(stream: Stream, after: int, *, is_whole: bool) -> Follower:
    is_whole |= stream.target.partials is not None
    return Follower(stream, 0 if is_whole else after, seen=after)


def _beyond(after: int) -> InvalidRequest:
    return InvalidRequest(f"The cursor is {after}: the stream has no event of that number.")
