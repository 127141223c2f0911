"""Whether a store can be used, as was seen a moment ago: for who asks whether this process is ready, and for the log.

It looks at the store at most once a second and one look at a time, however many ask.
"""

from __future__ import annotations

import logging
import time

import gevent

from ...core.errors import ConfigurationError, HeadraceError, StoreUnavailable
from .base import Store
from .memory import MemoryStore
from .sqlite.store import SqliteStore

log = logging.getLogger("flask_headrace")

RESULT_TTL = 1.0
"""Seconds for which what was seen is told again."""

STARTUP_TIMEOUT = 30.0
"""Seconds that a look for the log may take; its own limits end it earlier."""


class StoreAvailability:
    """The condition of a store.

    Args:
        store: What is looked at.

    Attributes:
        is_reported: Whether the log has what is wrong with it, or need not have it from here.
    """

    def __init__(self, store: Store) -> None:
        self.is_reported = False
        self._store = store
        self._seen_at = -RESULT_TTL
        self._trouble: HeadraceError | None = None
        self._warning: str | None = None
        self._looking: gevent.Greenlet | None = None

    def __repr__(self) -> str:
        return f"<Condition of {self._store!r}: {self._trouble or self._warning or 'well'}>"

    def find_error(self, seconds: float) -> HeadraceError | None:
        """Return why the store cannot be used, or None; wait for so many seconds at most.

        That is a `ConfigurationError` where somebody must change something, and a `StoreUnavailable` where it is away
        or does not answer in that time.
        """
        if time.monotonic() - self._seen_at >= RESULT_TTL:
            self._looking = self._looking or gevent.spawn(self._look)
            self._looking.join(seconds)
        if self._looking is None or isinstance(self._trouble, ConfigurationError):
            return self._trouble
        return StoreUnavailable(f"{self._store!r} has not answered within {seconds:g} s.")

    def _look(self) -> None:
        try:
            self._warning, self._trouble = check_store(self._store)
        finally:
            self._seen_at, self._looking = time.monotonic(), None

    @property
    def is_process_local(self) -> bool:
        """Whether the store is this process's memory, in which no other worker can follow a stream."""
        return isinstance(self._store, MemoryStore)

    def check_configuration(self, *, is_first: bool) -> None:
        """Look at the store before anything is served. Whether it can be reached is no matter: it may come back.

        Args:
            is_first: Whether the log is to have what else is wrong; it need not have it from every worker.

        Raises:
            ConfigurationError: it cannot be used before somebody changes something.
        """
        if isinstance(self._store, SqliteStore):
            self._store.check_location()
        if isinstance(trouble := self.find_error(STARTUP_TIMEOUT), ConfigurationError):
            raise trouble
        told = self._words_for(trouble)
        self.is_reported = told is not None
        if is_first:
            self._tell(told)

    def log_once(self) -> None:
        """Let the log have what is wrong with the store, the first time that this is called; does not wait."""
        if not self.is_reported:
            self.is_reported = True
            gevent.spawn(lambda: self._tell(self._words_for(self.find_error(STARTUP_TIMEOUT))))

    def _words_for(self, trouble: HeadraceError | None) -> str | None:
        return self._warning if trouble is None else trouble.message

    def _tell(self, told: str | None) -> None:
        if told is not None:
            log.warning("%s", told)


def check_store(store: Store) -> tuple[str | None, HeadraceError | None]:
    """Look at a store now; return what may lose answers there, and why it cannot be used; None each where all is well.

    A look that fails in a way that nobody expected is a store that cannot be used: the log has the stack trace.
    """
    try:
        return store.check(), None
    except HeadraceError as error:
        return None, error
    except Exception as error:
        log.exception("%r could not be looked at", store)
        return None, StoreUnavailable(f"{store!r} could not be looked at ({type(error).__name__}): the log tells more.")
