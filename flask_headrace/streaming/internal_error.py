"""Logs unexpected exceptions. A reader gets only the reference under which the log has the traceback."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..core.errors import InternalError, StoreUnavailable

log = logging.getLogger("flask_headrace")


def log_internal_error(stream_id: str, error: BaseException) -> InternalError:
    """Log an unexpected exception with its traceback, and return the error to show to readers.

    Args:
        stream_id: The id of the stream that fails.
        error: The exception.
    """
    reference = secrets.token_hex(4)
    log.error("stream %s failed, reference %s", stream_id, reference, exc_info=error)
    return InternalError(f"This service failed, not the model. The log has the details under reference {reference}.")


@contextmanager
def log_failures(work: str, on_store_unavailable: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Suppress and log the exceptions of one round of a repeated task, so that the next round runs.

    Args:
        work: What the task does, for the log.
        on_store_unavailable: Called instead of logging if the round raises `StoreUnavailable`.
    """
    try:
        yield
    except StoreUnavailable:
        on_store_unavailable()
    except Exception as error:
        log.exception("%s failed and will be retried: %s", work, type(error).__name__)
