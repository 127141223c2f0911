"""The package's loggers, which exist before an application configures logging."""

from __future__ import annotations

import logging

PACKAGE = "flask_headrace"


def enable_own_loggers() -> None:
    """Enable the package's loggers again.

    By default, `logging.config.dictConfig` and `fileConfig` disable all loggers that exist and that the configuration
    does not name: those of every module that was imported before. Their levels and handlers stay as configured.
    """
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.partition(".")[0] == PACKAGE and isinstance(logger, logging.Logger):
            logger.disabled = False
