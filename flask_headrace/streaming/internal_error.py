"""Logs unexpected exceptions. A reader gets the reference under which the log has the traceback.

Of a source that gives something which cannot be streamed, the reader also gets what is wrong.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..core.errors import InternalError, StoreUnavailable
from ..core.source_errors import InvalidSource

INVALID_SOURCE = "invalid_source"
"""The code of the error of a stream whose source gives something that cannot be streamed."""

log = logging.getLogger("flask_headrace")


def log_internal_error(stream_id: str, error: BaseException) -> InternalError:
    """Log an unexpected exception with its traceback, and return the error to show to readers.

    Args:
        stream_id: The id of the stream that fails.
        error: The exception.
    """
    reference = secrets.token_hex(4)
    log.error("stream %s failed, reference %s", stream_id, reference, exc_info=error)
    place = f"The log has the details under reference {reference}."
    if isinstance(error, InvalidSource):
        invalid = InternalError(f"{error.reader_message.removesuffix('.')}. {place}")
        invalid.code = INVALID_SOURCE
        return invalid
    return InternalError(f"This service failed, not the model. {place}")


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
