"""The lease by which other workers know that this worker is alive, and the check whether another worker is dead.

A greenlet of its own renews the lease, so that no other failure delays the renewal. This module knows the store and the
names of workers, but no streams.
"""

from __future__ import annotations

import time

import gevent

from ..internal_error import log_failures
from ..stores.base import LEASE_DURATION, Store

LEASE_RENEWAL_INTERVAL = LEASE_DURATION / 4
"""Seconds between two renewals of the lease."""


class WorkerLease:
    """The lease of this worker, and this worker's view of the leases of others.

    Args:
        store: The store that records the leases.
        worker: The name of this worker.
    """

    def __init__(self, store: Store, worker: str) -> None:
        self._store, self._worker = store, worker
        self._renewing: gevent.Greenlet | None = None
        self._renewed_at = float("-inf")
        self._detects_from = 0.0

    @property
    def is_held(self) -> bool:
        """Whether the last renewal is recent enough that other workers count this worker as alive."""
        return time.monotonic() - self._renewed_at < LEASE_DURATION

    @property
    def is_renewed_on_time(self) -> bool:
        """Whether the last renewals came in time, so the store accepts what this worker writes."""
        return time.monotonic() - self._renewed_at <= 2 * LEASE_RENEWAL_INTERVAL

    def start(self) -> None:
        """Renew the lease now unless it is held, and renew it periodically from here on.

        Raises:
            StoreUnavailable: the store cannot be reached.
        """
        if not self.is_held:
            self._renew()
        self.start_in_background()

    def start_in_background(self) -> None:
        """Start the periodic renewal of the lease, and return without waiting for the store. Idempotent."""
        if self._renewing is None:
            # After an outage of the store, other workers may not have renewed their leases yet.
            self.pause_failure_detection()
            self._renewing = gevent.spawn(self._renew_periodically)

    def pause_failure_detection(self) -> None:
        """Treat no worker as dead for `LEASE_DURATION` seconds: the store was away, so nobody could renew a lease."""
        self._detects_from = time.monotonic() + LEASE_DURATION

    def is_worker_dead(self, worker: str) -> bool:
        """Whether a worker has let its lease expire. False while this worker cannot judge that.

        If this worker could not renew its own lease, other workers may not have been able to renew theirs either.

        Args:
            worker: The name of the worker.

        Raises:
            StoreUnavailable: the store cannot be reached.
        """
        self.start_in_background()
        can_judge = time.monotonic() >= self._detects_from and self.is_renewed_on_time
        return can_judge and not self._store.is_alive(worker)

    def _renew_periodically(self) -> None:
        while True:
            with log_failures("the lease of this worker", on_store_unavailable=self.pause_failure_detection):
                self._renew()
            gevent.sleep(LEASE_RENEWAL_INTERVAL)

    def _renew(self) -> None:
        began_at = time.monotonic()
        self._store.renew_lease(self._worker)
        if began_at - self._renewed_at > 2 * LEASE_RENEWAL_INTERVAL:
            self.pause_failure_detection()
        self._renewed_at = began_at
