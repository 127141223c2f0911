"""Waits for a store that is away, on behalf of a reader that reconnects."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import gevent

from ...core.errors import StoreUnavailable
from .store_writer import StoreWriter

T = TypeVar("T")

STORE_OUTAGE_TIMEOUT = 5.0
"""Seconds for which a reader that reconnects waits for a store that is away."""

RETRY_DELAY = 0.25
"""Seconds between two attempts to reach a store that is away."""


def retry_while_away(store_writer: StoreWriter, find: Callable[[], T]) -> T:
    """Return what `find` returns; while the store is away, call it again for up to `STORE_OUTAGE_TIMEOUT`.

    Args:
        store_writer: This worker's access to the store.
        find: Asks the store.

    Raises:
        StoreUnavailable: the store was away for all that time; 503.
    """
    # A client that reconnects and gets a 503 may never reconnect again: EventSource does not.
    until = time.monotonic() + STORE_OUTAGE_TIMEOUT
    while True:
        try:
            return find()
        except StoreUnavailable:
            store_writer.lease.pause_failure_detection()
            if time.monotonic() > until:
                raise
        gevent.sleep(RETRY_DELAY)
