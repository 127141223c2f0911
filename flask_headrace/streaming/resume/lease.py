"""Whether this worker counts as alive to the others, and whether another one does to it.

The lease is renewed in a greenlet of its own, whatever else goes wrong. It knows the store and workers' names, no
streams.
"""

from __future__ import annotations

import time

import gevent

from ..internal_error import log_failures
from ..stores.base import LEASE, Store

PULSE = LEASE / 4
"""Seconds between two signs of life."""


class Lease:
    """The lease of one worker.

    Args:
        store: Where it is kept.
        worker: The worker's name.
    """

    def __init__(self, store: Store, worker: str) -> None:
        self._store, self._worker = store, worker
        self._renewing: gevent.Greenlet | None = None
        self._renewed_at = float("-inf")
        self._judges_from = 0.0

    @property
    def is_running(self) -> bool:
        """Whether this worker counts as alive now, as far as it knows."""
        return time.monotonic() - self._renewed_at < LEASE

    @property
    def is_steady(self) -> bool:
        """Whether the last renewals have come in time: the store takes what this worker writes."""
        return time.monotonic() - self._renewed_at <= 2 * PULSE

    def begin(self) -> None:
        """Count as alive from here on, also where the lease has run out meanwhile.

        Raises:
            StoreUnavailable: the store cannot be told.
        """
        if not self.is_running:
            self._renew()
        self.begin_soon()

    def begin_soon(self) -> None:
        """Count as alive as soon as it can be done, and from then on."""
        if self._renewing is None:
            # Others may be back from the same outage as this worker, and not have said yet that they live.
            self.doubt()
            self._renewing = gevent.spawn(self._renew_on)

    def doubt(self) -> None:
        """Take no worker for dead until all of them have had the time to say that they live: the store was away."""
        self._judges_from = time.monotonic() + LEASE

    def has_lost(self, worker: str) -> bool:
        """Whether a worker is dead, as far as can be known from here.

        Where this worker could not say that it lives, others could not either, and nothing is known.

        Raises:
            StoreUnavailable: the store cannot be asked.
        """
        self.begin_soon()
        can_judge = time.monotonic() >= self._judges_from and self.is_steady
        return can_judge and not self._store.is_alive(worker)

    def _renew_on(self) -> None:
        while True:
            with log_failures("the lease of this worker", on_store_unavailable=self.doubt):
                self._renew()
            gevent.sleep(PULSE)

    def _renew(self) -> None:
        asked_at = time.monotonic()
        self._store.renew_lease(self._worker)
        if asked_at - self._renewed_at > 2 * PULSE:
            self.doubt()
        self._renewed_at = asked_at
