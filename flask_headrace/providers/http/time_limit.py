"""A limit for all that is waited for on the way to one result, however many waits that are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent


@contextmanager
def limit_time(seconds: float | None, make_error: Callable[[], Exception]) -> Iterator[None]:
    """Let what is done in the block take so long and no longer, whatever it waits for.

    Args:
        seconds: The limit; None for none.
        otherwise: Makes the error that is raised when it is over.
    """
    # No exception that those in between could take for a failure of a connection, and go on in spite of.
    timeout = gevent.Timeout(seconds)
    try:
        with timeout:
            yield
    except gevent.Timeout as expired:
        if expired is not timeout:
            raise
        raise make_error() from None
