"""The events of this worker's resumable streams on their way into the store.

They are collected for a moment and written together, in a greenlet of its own: no stream waits for the store. While the
store is away they wait here, in front of what comes after them; before they are sent again, what the store has is
looked at, since it may have taken them without a word. What a stream is to its readers this does not know.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import gevent
from gevent.event import Event as Flag

from ...core.errors import HeadraceError, ResumptionLost, StoreUnavailable
from ...core.events import TERMINAL_EVENTS, Event
from ..internal_error import log_internal_error
from ..sink import StoredStream
from ..stores.base import EventBatch, Store
from .stored_events import last_number, payload_of

log = logging.getLogger("flask_headrace")

LEISURE = 0.04
"""Seconds for which events are collected where nobody reads them elsewhere: what a killed worker takes with it."""

AGAIN = 0.25
"""Seconds after which a store that is away is asked again."""

PATIENCE = 60.0
"""Seconds for which events wait for a store that is away."""


@dataclass(slots=True, eq=False)
class _Mail:
    """What of one stream waits to be written.

    `entries` have been sent to the store, which has not said that it took them; `events` come after them.
    """

    session: StoredStream
    first: int = 0
    events: list[Event] = field(default_factory=list)
    entries: list[EventBatch] = field(default_factory=list)
    away_since: float | None = None


class Outbox:
    """Writes events.

    Args:
        store: Where to.
        worker: The name of this worker.
        on_written: Called when the end of a stream is in the store.
        on_lost: Called when a stream cannot be written any more, with the reason; it was dropped before.

    Attributes:
        window: Seconds for which events are collected.
    """

    def __init__(
        self,
        store: Store,
        worker: str,
        on_written: Callable[[StoredStream], object],
        on_lost: Callable[[StoredStream, HeadraceError], object],
    ) -> None:
        self._store, self._worker = store, worker
        self._on_written, self._on_lost = on_written, on_lost
        self._mail: dict[str, _Mail] = {}
        self._due: dict[str, _Mail] = {}
        self._is_writing = False
        self._is_flushed = Flag()
        self._is_flushed.set()
        self.window = LEISURE

    def open(self, session: StoredStream) -> None:
        """Take events of a session from here on."""
        self._mail[session.id] = _Mail(session)

    def drop(self, session: StoredStream) -> None:
        """Forget what waits of a session, and take nothing more. May be called twice."""
        if self._has(session):
            mail = self._mail.pop(session.id)
            mail.events, mail.entries = [], []
            self._due.pop(session.id, None)

    def put(self, session: StoredStream, first: int, events: list[Event]) -> None:
        """Take the next events of a session, of which the first has that number; they are written soon."""
        if not self._has(session):
            return
        mail = self._mail[session.id]
        if not mail.events:
            mail.first = first
            self._due[session.id] = mail
        mail.events += events
        if not self._is_writing:
            self._is_writing = True
            self._is_flushed.clear()
            gevent.spawn(self._write_on)

    def flush(self, seconds: float) -> None:
        """Wait, for so many seconds at most, until everything is written."""
        self._is_flushed.wait(seconds)

    def _has(self, session: StoredStream) -> bool:
        mail = self._mail.get(session.id)
        return mail is not None and mail.session is session

    def _write_on(self) -> None:
        is_away = False
        try:
            while self._due:
                gevent.sleep(AGAIN if is_away else self.window)
                is_away = not self._write()
        finally:
            self._is_writing = False
            self._is_flushed.set()

    def _write(self) -> bool:
        """Write what is due; return whether the store could be used."""
        due, self._due = self._due, {}
        sent: list[_Mail] = []
        try:
            sent += [mail for mail in due.values() if self._is_ready(mail)]
            entries = [entry for mail in sent for entry in mail.entries]
            refused = self._store.append(self._worker, entries) if entries else set()
        except Exception as error:  # noqa: BLE001  # whatever it is, the streams go on, and their events wait
            self._wait_with([mail for mail in due.values() if mail.events or mail.entries], error)
            return False
        for mail in sent:
            is_whole = bool(mail.entries) and mail.entries[-1].is_last
            mail.entries, mail.away_since = [], None
            if mail.session.id in refused:
                self._lose(mail, ResumptionLost())
            elif is_whole:
                self._end(mail)
        return True

    def _is_ready(self, mail: _Mail) -> bool:
        """Bring what is due of a stream into entries; return whether there are any to be sent.

        Raises:
            StoreUnavailable: whether they were taken already cannot be looked at.
        """
        if mail.events:
            events, mail.events = mail.events, []
            try:
                payload = payload_of(events, mail.session.context.incarnation)
            except Exception as error:  # noqa: BLE001  # an application's own source may give what cannot be written
                mail.session.fail(log_internal_error(mail.session.id, error))
                # Its readers here may have more of it than the store, and are known there by this end.
                self._lose(mail, ResumptionLost())
                return False
            is_last = isinstance(events[-1], TERMINAL_EVENTS)
            mail.entries.append(EventBatch(mail.session.id, mail.first, len(events), payload, is_last))
        if mail.away_since is not None:
            self._compare(mail)
        return bool(mail.entries)

    def _compare(self, mail: _Mail) -> None:
        """Look what the store has of a stream: it may have taken what it did not say that it took."""
        record = self._store.find(mail.session.id)
        if record is None or record.claim.worker != self._worker:
            self._lose(mail, ResumptionLost())
            return
        mail.away_since = None
        mail.entries = [entry for entry in mail.entries if last_number(entry) > record.last]
        if record.is_finished and not mail.entries:
            self._end(mail)

    def _wait_with(self, mails: list[_Mail], error: Exception) -> None:
        """Keep what was not taken for another time, but not for ever."""
        now = time.monotonic()
        if any(mail.away_since is None for mail in mails):
            told = error.message if isinstance(error, StoreUnavailable) else repr(error)
            log.warning("The events of %d resumable streams wait for their store: %s", len(mails), told)
        for mail in mails:
            mail.away_since = mail.away_since or now
            if now - mail.away_since > PATIENCE:
                self._lose(mail, ResumptionLost())
            elif self._has(mail.session):
                self._due[mail.session.id] = mail

    def _end(self, mail: _Mail) -> None:
        self.drop(mail.session)
        self._on_written(mail.session)

    def _lose(self, mail: _Mail, error: HeadraceError) -> None:
        if self._has(mail.session):
            self.drop(mail.session)
            self._on_lost(mail.session, error)
