"""A time limit for a block of code, however many waits it contains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent


@contextmanager
def limit_time(seconds: float | None, make_error: Callable[[], Exception]) -> Iterator[None]:
    """Interrupt the block after `seconds`, whatever it waits for.

    Args:
        seconds: The limit in seconds; None for no limit.
        make_error: Creates the exception that is raised when the limit has passed.
    """
    # Not a TimeoutError: code inside the block could treat one as a connection failure and continue.
    timeout = gevent.Timeout(seconds)
    try:
        with timeout:
            yield
    except gevent.Timeout as expired:
        if expired is not timeout:
            raise
        raise make_error() from None
