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

log = logging.getLogger("flask_headrace")


def log_internal_error(stream_id: str, error: BaseException) -> InternalError:
    """Log an unexpected exception with its traceback, and return the error to show to readers.

    Args:
        stream_id: The id of the stream that fails.
        error: The exception.
    """
    reference = secrets.token_hex(4)
    log.error("stream %s failed, reference %s", stream_id, reference, exc_info=error)
    fault = error.reader_message if isinstance(error, InvalidSource) else "This service failed, not the model."
    return InternalError(f"{fault} The log has the details under reference {reference}.")


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
