"""Whether all requests of this process share one event loop.

A stream lives in the event loop in which it was opened. If each request has its own thread and so its own event loop,
the stream ends with the request.
"""

from __future__ import annotations

import asyncio

from gevent.monkey import is_module_patched

from ...core.errors import NotSupported


def has_one_loop() -> bool:
    """Whether all requests share one event loop, because gevent has patched the standard library."""
    return bool(is_module_patched("socket"))


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
        raise NotSupported("Resumable streams need gevent's patches: serve the application with gevent workers.")
