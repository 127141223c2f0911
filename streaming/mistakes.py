"""A mistake of ours, or of code that runs inside a stream: the log gets all of it, the reader a reference to it."""

from __future__ import annotations

import logging
import secrets

from .errors import InternalError

log = logging.getLogger("flask_headrace")


def mistake(stream_id: str, error: BaseException) -> InternalError:
    """Log an unexpected exception with its stack trace and return the error that may be shown."""
    reference = secrets.token_hex(4)
    log.error("stream %s failed, reference %s", stream_id, reference, exc_info=error)
    return InternalError(f"Something went wrong here, not with the model. The log tells more: reference {reference}.")
