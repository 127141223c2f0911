"""Reports a `ConfigurationError` that ends a program in one sentence, whichever program has loaded the application.

An application may catch the error. So nothing is reported where it is raised, but where the program would report it
with a stack trace: in Python's `sys.excepthook`, in the `traceback` of the programs that print it, and in the log of
gunicorn's workers.
"""

from __future__ import annotations

import logging
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, NoReturn

from ..core.errors import ConfigurationError

CANNOT_START = "Headrace cannot start. "
"""The beginning of each message about a service that does not start."""

PRINTING_MODULES = ("flask.cli", "gunicorn.app.base")
"""Modules of programs that print the stack trace of an application that cannot be loaded."""

SIGTERM_TIMEOUT = 15.0
"""Seconds that a worker which cannot start waits to be stopped because an older one could not, either."""


@contextmanager
def reported_in_one_sentence() -> Iterator[None]:
    """Pass exceptions on; a `ConfigurationError` that nobody catches is then reported in one sentence."""
    try:
        yield
    except ConfigurationError:
        _install()
        raise


def _install() -> None:
    if not isinstance(sys.excepthook, _Excepthook):
        sys.excepthook = _Excepthook()
    for name in PRINTING_MODULES:
        module = sys.modules.get(name)
        if module is not None:
            module.traceback = _Traceback()  # type: ignore[attr-defined]  # the module that they print with
    log = logging.getLogger("gunicorn.error")
    if "gunicorn.arbiter" in sys.modules and _end_worker not in log.filters:
        log.addFilter(_end_worker)


class _Excepthook:
    """Python's handler of an exception that ends the program."""

    def __init__(self) -> None:
        self._previous = sys.excepthook

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, ConfigurationError):
            sys.stderr.write(_sentence(error))
        else:
            self._previous(kind, error, trace)


class _Traceback:
    """The functions of `traceback` that print the exception that is being handled; all others are Python's."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(traceback, name)

    def format_exc(self, *args: Any, **kwargs: Any) -> str:  # noqa: ANN401
        error = sys.exc_info()[1]
        return _sentence(error) if isinstance(error, ConfigurationError) else traceback.format_exc(*args, **kwargs)

    def print_exc(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        error = sys.exc_info()[1]
        if isinstance(error, ConfigurationError):
            sys.stderr.write(_sentence(error))
        else:
            traceback.print_exc(*args, **kwargs)


def _sentence(error: ConfigurationError) -> str:
    return f"{CANNOT_START}{error.message}\n"


def _end_worker(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, ConfigurationError):
        end_worker(error)
    return True


def end_worker(error: ConfigurationError) -> NoReturn:
    """Log the error of gunicorn's worker in one sentence, and exit so that gunicorn's master ends, too.

    Without this project's gunicorn.conf.py the master prints a stack trace if a second worker fails while it ends
    because of the first. So all but the oldest wait for their SIGTERM, and do not repeat the sentence.
    """
    from gunicorn.arbiter import Arbiter  # noqa: PLC0415  # only gunicorn has it loaded

    if Arbiter.WORKERS:  # the older workers
        _wait_for_sigterm()
    log = logging.getLogger("gunicorn.error")
    log.critical("%s%s", CANNOT_START, error.message)  # this level is never below gunicorn's
    if not any(getattr(handler, "stream", None) is sys.stderr for handler in log.handlers):
        sys.stderr.write(_sentence(error))
    sys.exit(Arbiter.APP_LOAD_ERROR)


def _wait_for_sigterm() -> None:
    worker = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)  # its method handles the signal
    deadline = time.monotonic() + SIGTERM_TIMEOUT
    while getattr(worker, "alive", False):
        if time.monotonic() >= deadline:
            return
        time.sleep(0.05)
    sys.exit(0)
