"""A mistake of ours, or of code that runs inside a stream: the log gets all of it, the reader a reference to it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..core.errors import InternalError, StoreUnavailable

log = logging.getLogger("flask_headrace")


def log_internal_error(stream_id: str, error: BaseException) -> InternalError:
    """Log an unexpected exception with its stack trace and return the error that may be shown."""
    reference = secrets.token_hex(4)
    log.error("stream %s failed, reference %s", stream_id, reference, exc_info=error)
    return InternalError(f"Something went wrong here, not with the model. The log tells more: reference {reference}.")


@contextmanager
def log_failures(work: str, on_store_unavailable: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Let no failure of work that is done again and again end the doing of it.

    Args:
        work: What is done, for the log, which gets what nobody expected.
        on_trouble: Called where the store cannot be used.
    """
    try:
        yield
    except StoreUnavailable:
        on_store_unavailable()
    except Exception as error:
        log.exception("%s failed, and is tried again: %s", work, type(error).__name__)
