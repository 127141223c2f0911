"""Sends Headrace's log to gunicorn's, as long as the application has not configured logging itself.

The logger propagates: a configuration of the application, whenever it is made, gets the lines instead of gunicorn.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PACKAGE_LOG = logging.getLogger("flask_headrace")
GUNICORN_LOGS = logging.getLogger("gunicorn.error"), logging.getLogger("gunicorn.access")


class GunicornHandler(logging.Handler):
    """A handler of the package's logger that passes on to gunicorn's log what no other handler gets."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on to gunicorn's log, unless a handler of the application gets it."""
        if not _has_handler(logging.getLogger(record.name)):
            GUNICORN_LOGS[0].callHandlers(record)


def send_to_gunicorn(level: int) -> None:
    """Send the package's log to gunicorn's.

    Args:
        level: The level of gunicorn's log, which is also the package's if the application sets none.
    """
    if not any(isinstance(handler, GunicornHandler) for handler in PACKAGE_LOG.handlers):
        PACKAGE_LOG.addHandler(GunicornHandler())
    if PACKAGE_LOG.level == logging.NOTSET and not _has_handler(PACKAGE_LOG):
        PACKAGE_LOG.setLevel(level)


@contextmanager
def configured_by_application(log: Any) -> Iterator[None]:  # noqa: ANN401  # gunicorn has no types
    """Let the application, which the block loads in a worker, configure the package's logger.

    Args:
        log: gunicorn's log, which stays as it is.
    """
    disabled = [logger.disabled for logger in GUNICORN_LOGS]
    PACKAGE_LOG.setLevel(logging.NOTSET)
    try:
        yield
    finally:
        # `logging.config` disables all loggers that exist already, unless it is told not to.
        for logger, was_disabled in zip(GUNICORN_LOGS, disabled, strict=True):
            logger.disabled = was_disabled
        send_to_gunicorn(log.loglevel)


def _has_handler(logger: logging.Logger) -> bool:
    """Whether a handler other than `GunicornHandler` gets the records of a logger."""
    ancestor: logging.Logger | None = logger
    while ancestor is not None:
        if any(not isinstance(handler, GunicornHandler | logging.NullHandler) for handler in ancestor.handlers):
            return True
        ancestor = ancestor.parent if ancestor.propagate else None
    return False
