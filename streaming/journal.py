"""What this worker writes into the store: the events of its resumable streams, and that it is alive.

Events are collected for a moment and written together, in a greenlet of its own: no stream waits for the store. Where
the store cannot take them, their streams go on as plain ones, and whoever follows elsewhere is told later.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import gevent
from gevent.event import Event as Flag

from .encoding import encode
from .errors import HeadraceError, NotResumable, StoreUnavailable
from .events import Cancelled, Done, Event, Failed
from .session import Session
from .stores.base import LEASE, Claim, Entry, Record, Store

log = logging.getLogger("flask_headrace")

SWEEP = 30.0
"""Seconds between two sweeps of the store."""

PULSE = LEASE / 4
"""Seconds between two signs of life."""

LEISURE = 0.04
"""Seconds for which events are collected where nobody reads them elsewhere: what a killed worker takes with it."""

AGAIN = 0.25
"""Seconds after which a store that is away is asked again for a wish to stop."""

LAST = {Done, Failed, Cancelled}


@dataclass(slots=True)
class _Kept:
    """A session that is kept: its events that wait to be written, and what ends the watch for a wish to stop it."""

    session: Session
    unwatch: Callable[[], None]
    first: int = 0
    events: list[Event] = field(default_factory=list)


class Journal:
    """Keeps the sessions of one worker in a store.

    Args:
        store: Where to.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.worker = secrets.token_urlsafe(12)
        self._kept: dict[str, _Kept] = {}
        self._due: dict[str, _Kept] = {}
        self._unended: dict[str, Callable[[], list[Event]]] = {}
        self._is_writing = False
        self._window = LEISURE
        self._is_flushed = Flag()
        self._is_flushed.set()
        self._pulse: gevent.Greenlet | None = None
        self._renewed_at = 0.0
        self._judges_from = 0.0

    def __repr__(self) -> str:
        return f"<Journal of {len(self._kept)} streams in {self.store!r}>"

    def claim(self, claim: Claim, name: str | None = None) -> Record | None:
        """Begin a stream in the store; see `Store.claim`. This worker counts as alive from here on."""
        if self._pulse is None:
            self.store.renew(self.worker)
            self._begin_to_live()
        try:
            return self.store.claim(claim, name)
        except StoreUnavailable as error:
            # It may have been done all the same, by a server that was too slow to say so.
            self._unended[claim.id] = ended_by(error)
            raise

    def open(self, session: Session) -> None:
        """Keep a session that was claimed, and stop it when anybody asks the store for that."""
        unwatch = self.store.watch_stop(session.id, lambda: gevent.spawn(self._look, session))
        self._kept[session.id] = _Kept(session, unwatch)
        # A wish may have come before the watch began.
        gevent.spawn(self._look, session)

    def _look(self, session: Session) -> None:
        # A watch may wake without a wish, so the store is asked; and for as long as it takes, or the wish were lost.
        while session.is_kept and session.ending is None:
            try:
                record = self.store.find(session.id)
            except StoreUnavailable:
                gevent.sleep(AGAIN)
                continue
            if record is not None and record.is_stopping:
                session.cancel("stopped")
            return

    # As the keeper of sessions

    def keep(self, session: Session, first: int, events: list[Event]) -> None:
        """Take the next events of a session; they are written soon."""
        kept = self._kept[session.id]
        if not kept.events:
            kept.first = first
            self._due[session.id] = kept
        kept.events += events
        if not self._is_writing:
            self._is_writing = True
            self._is_flushed.clear()
            gevent.spawn(self._write_on)

    def let_go(self, session: Session) -> None:
        """Write nothing more of a session; those who follow it in the store are told soon."""
        self._unended[session.id] = ended_by(NotResumable())
        self._due.pop(session.id, None)
        self._close(session.id)

    def is_attended(self, session: Session) -> bool:
        """Whether anybody reads a session at another worker; if that cannot be known, nobody does."""
        try:
            return self.store.is_attended(session.id)
        except StoreUnavailable:
            return False

    def flush(self, seconds: float) -> None:
        """Wait, for so many seconds at most, until everything is written."""
        self._is_flushed.wait(seconds)

    def _write_on(self) -> None:
        try:
            while self._due:
                gevent.sleep(self._window)
                self._write()
        finally:
            self._is_writing = False
            self._is_flushed.set()

    def _write(self) -> None:
        due, self._due = self._due, {}
        entries = []
        refused: set[str] = set()
        for id_, kept in due.items():
            events, kept.events = kept.events, []
            is_last = type(events[-1]) in LAST
            try:
                entries.append(Entry(id_, kept.first, len(events), encode(events), is_last))
            except TypeError as error:  # an application's own source may give what cannot be written
                log.warning("A stream cannot be resumed any more: %s", error)
                refused.add(id_)
            if is_last:
                self._close(id_)
        try:
            refused |= self.store.append(self.worker, entries) if entries else set()
        except StoreUnavailable as error:
            log.warning("%d streams cannot be resumed any more: %s", len(entries), error.message)
            refused |= {entry.id for entry in entries}
        for id_ in refused:
            self._unended[id_] = ended_by(NotResumable())
            if id_ in self._kept:
                self._kept[id_].session.keep_no_more()

    def _close(self, id_: str) -> None:
        kept = self._kept.pop(id_, None)
        if kept is not None:
            kept.unwatch()

    # Signs of life

    def _begin_to_live(self) -> None:
        if self._pulse is None:
            self._renewed_at = time.monotonic()
            self._pulse = gevent.spawn(self._live)

    def _live(self) -> None:
        until_sweep = 0.0
        while True:
            try:
                self._renew()
                self._window = self.store.window if self.store.has_readers(self.worker) else LEISURE
                for id_ in list(self._unended):
                    self._conclude(id_)
                if until_sweep <= 0:
                    self.store.sweep()
                    until_sweep = SWEEP
            except StoreUnavailable:
                self.doubt()
            gevent.sleep(PULSE)
            until_sweep -= PULSE

    def _renew(self) -> None:
        self.store.renew(self.worker)
        now = time.monotonic()
        if now - self._renewed_at > 2 * PULSE:
            self.doubt()
        self._renewed_at = now

    def doubt(self) -> None:
        """Take no worker for dead until all of them have had the time to say that they live: the store was away."""
        self._judges_from = time.monotonic() + LEASE

    def has_lost(self, worker: str) -> bool:
        """Whether a worker is dead, as far as can be known from here.

        Where this worker could not say that it lives, others could not either, and nothing is known.
        """
        self._begin_to_live()
        now = time.monotonic()
        can_judge = now >= self._judges_from and now - self._renewed_at <= 2 * PULSE
        return can_judge and not self.store.is_alive(worker)

    # Streams that end in the store alone

    def conclude(self, id: str, ending: Callable[[], list[Event]]) -> None:  # noqa: A002
        """End a stream of this worker's in the store, for those who follow it there: now, or as soon as it can be done.

        Does nothing where it has ended, or is another worker's.

        Args:
            id: The stream's id.
            ending: Returns its last events; asks the store where it must, and is called again where that is away.
        """
        self._unended[id] = ending
        with suppress(StoreUnavailable):
            self._conclude(id)

    def _conclude(self, id_: str) -> None:
        record = self.store.find(id_)
        if record is not None and not record.is_finished and record.claim.worker == self.worker:
            events = self._unended[id_]()
            entry = Entry(id_, record.last + 1, len(events), encode(events), is_last=True)
            if self.store.append(self.worker, [entry]):
                return  # it has become longer meanwhile
        self._unended.pop(id_, None)


def ended_by(error: HeadraceError) -> Callable[[], list[Event]]:
    """Return what returns the end of a stream by an error."""
    return lambda: [Failed(error.code, error.message, error.retryable)]
