"""Whether a store can be used, checked a moment ago: for the readiness endpoint and the log.

A store is checked at most once a second and by one greenlet at a time, however many callers there are.
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
"""Seconds for which the result of a check is returned again."""

STARTUP_TIMEOUT = 30.0
"""Seconds that a check for the log may take; the timeouts of the store end it earlier."""


class StoreAvailability:
    """The availability of one store.

    Args:
        store: The store.

    Attributes:
        is_reported: Whether the log has what is wrong with the store, or another worker reports it.
    """

    def __init__(self, store: Store) -> None:
        self.is_reported = False
        self._store = store
        self._checked_at = -RESULT_TTL
        self._error: HeadraceError | None = None
        self._warning: str | None = None
        self._checking: gevent.Greenlet | None = None

    def __repr__(self) -> str:
        return f"<StoreAvailability of {self._store!r}: {self._error or self._warning or 'well'}>"

    def find_error(self, seconds: float) -> HeadraceError | None:
        """Return why the store cannot be used; None if it can.

        Args:
            seconds: How long to wait for the store's answer at most.

        Returns:
            A `ConfigurationError` if somebody must change something; a `StoreUnavailable` if the store is away or does
            not answer in that time.
        """
        if time.monotonic() - self._checked_at >= RESULT_TTL:
            self._checking = self._checking or gevent.spawn(self._check)
            self._checking.join(seconds)
        if self._checking is None or isinstance(self._error, ConfigurationError):
            return self._error
        return StoreUnavailable(f"{self._store!r} has not answered within {seconds:g} s.")

    def _check(self) -> None:
        try:
            self._warning, self._error = check_store(self._store)
        finally:
            self._checked_at, self._checking = time.monotonic(), None

    @property
    def is_process_local(self) -> bool:
        """Whether the store is this process's memory, from which no other worker can read a stream."""
        return isinstance(self._store, MemoryStore)

    def check_configuration(self, *, is_first: bool) -> None:
        """Check the store before the first request. A store that is only away is accepted: it may come back.

        Args:
            is_first: Whether to log what else is wrong, which not every worker needs to do.

        Raises:
            ConfigurationError: the store cannot be used until somebody changes something.
        """
        if isinstance(self._store, SqliteStore):
            self._store.check_location()
        if isinstance(error := self.find_error(STARTUP_TIMEOUT), ConfigurationError):
            raise error
        message = self._message_for(error)
        self.is_reported = message is not None
        if is_first:
            self._log(message)

    def log_once(self) -> None:
        """Log what is wrong with the store, the first time that this is called. Does not wait."""
        if not self.is_reported:
            self.is_reported = True
            gevent.spawn(lambda: self._log(self._message_for(self.find_error(STARTUP_TIMEOUT))))

    def _message_for(self, error: HeadraceError | None) -> str | None:
        return self._warning if error is None else error.message

    def _log(self, message: str | None) -> None:
        if message is not None:
            log.warning("%s", message)


def check_store(store: Store) -> tuple[str | None, HeadraceError | None]:
    """Check a store now; return a warning if it may lose events, and the error if it cannot be used; None if not.

    An unexpected exception counts as a store that cannot be used; the log gets the stack trace.
    """
    try:
        return store.check(), None
    except HeadraceError as error:
        return None, error
    except Exception as error:
        log.exception("%r could not be checked", store)
        return None, StoreUnavailable(f"{store!r} could not be checked ({type(error).__name__}): the log tells more.")
