"""Whether all requests of this process share one event loop.

A stream lives in the event loop in which it was opened. If each request has its own thread and so its own event loop,
the stream ends with the request. The requests of a test client share that of the main thread, which runs while one of
them waits.
"""

from __future__ import annotations

import asyncio
import threading

from flask import current_app, has_request_context, request
from gevent.monkey import is_module_patched

from ...core.errors import NotSupported
from ..state import current_state

REPORT_TIMEOUT = 30.0
"""Seconds that the end of a request waits for the reports of ended streams, where the event loop stops with it."""


def is_patched() -> bool:
    """Whether gevent has patched the standard library."""
    return bool(is_module_patched("socket"))


def is_test_request() -> bool:
    """Whether a test client, and no server, sends the current request to an application that is tested."""
    if not has_request_context() or "SERVER_SOFTWARE" in request.environ:
        return False
    return current_app.testing or current_state().registry.is_scripted


def has_one_loop() -> bool:
    """Whether all requests share one event loop: gevent's patches are active, or this is a test of the main thread."""
    return is_patched() or (threading.current_thread() is threading.main_thread() and is_test_request())


def wait_for_reports() -> None:
    """In a test, return when the application was told of all streams whose end is decided, so that the test sees it."""
    if has_one_loop() and is_test_request():
        current_state().streams.wait_for_reports(REPORT_TIMEOUT)


def runs_in_async_view() -> bool:
    """Whether the current code is part of an `async def` view: asyncio runs in this thread, or in this greenlet."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def reject_other_thread() -> None:
    """Return if a stream that is opened now can be read by the code that serves the current request.

    Raises:
        NotSupported: Flask runs this `async def` view in another thread, which has its own event loop; 501.
    """
    if not has_one_loop() and runs_in_async_view():
        raise NotSupported(
            "An `async def` view cannot return a stream under this server, because Flask runs the view in a thread of "
            "its own: write the view as `def`, or serve the application with gevent workers."
        )


def require_one_loop() -> None:
    """Return if streams can outlive their requests in this process.

    Raises:
        NotSupported: each request has its own event loop; 501.
    """
    if not has_one_loop():
        raise NotSupported(
            "Resumable streams need gevent's patches: serve the application with gevent workers. In a test, set "
            "app.testing, and use the test client in the main thread."
        )
