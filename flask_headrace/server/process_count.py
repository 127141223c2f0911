"""How many processes serve the application, as the server that has loaded it says.

gunicorn and uWSGI know it. For any other server the variable WEB_CONCURRENCY says it, which several of them read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any, NamedTuple

import greenlet


class ProcessCount(NamedTuple):
    """The number of processes that serve the application.

    Args:
        configured: The number with which the server starts.
        running: The number now; a gunicorn that got SIGTTIN has more than it was started with.
        is_known: Whether the server has said it. If not, there may be more.
    """

    configured: int
    running: int
    is_known: bool


def count_processes() -> ProcessCount:
    """Return how many processes serve the application that is loaded, or that handles a request, in this process."""
    return _count_in_gunicorn() or _count_in_uwsgi() or _count_in_environment()


def _count_in_gunicorn() -> ProcessCount | None:
    if "gunicorn.config" not in sys.modules:
        return None
    from gunicorn.arbiter import Arbiter  # noqa: PLC0415  # only gunicorn has it loaded
    from gunicorn.workers.base import Worker  # noqa: PLC0415

    owners = list(_gunicorn_objects())
    if not owners:
        return None
    configured = running = int(owners[0].cfg.workers)
    # A worker is forked from its master, whose calls its stack begins with.
    if any(isinstance(owner, Worker) for owner in owners):
        running = max([running, *(int(owner.num_workers) for owner in owners if isinstance(owner, Arbiter))])
    return ProcessCount(configured, running, is_known=True)


def _gunicorn_objects() -> Iterator[Any]:
    """Yield the objects with gunicorn's configuration whose methods are being called, the innermost first.

    While an application is loaded, its caller is gunicorn's application, called by the worker, called by the master
    that has forked it. With `preload_app` and `--check-config` there is no worker.
    """
    from gunicorn.config import Config  # noqa: PLC0415

    for frame in _frames():
        if frame.f_globals.get("__name__", "").startswith("gunicorn."):
            owner = frame.f_locals.get("self")
            if isinstance(getattr(owner, "cfg", None), Config):
                yield owner


def _frames() -> Iterator[FrameType]:
    """Yield the frames of the current call, and then those in which this thread's event loop was started."""
    main = current = greenlet.getcurrent()
    while main.parent is not None:
        main = main.parent
    for innermost in (sys._getframe(), None if main is current else main.gr_frame):
        frame = innermost
        while frame is not None:
            yield frame
            frame = frame.f_back


def _count_in_uwsgi() -> ProcessCount | None:
    # Not imported: only uWSGI has this module, and an application may have another one of that name.
    count = getattr(sys.modules.get("uwsgi"), "numproc", None)
    return None if count is None else ProcessCount(count, count, is_known=True)


def _count_in_environment() -> ProcessCount:
    value = os.environ.get("WEB_CONCURRENCY", "")
    count = int(value) if value.isdecimal() else 1
    return ProcessCount(max(1, count), max(1, count), is_known=count > 1)
