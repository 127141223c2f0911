"""Whether all requests of this process share one event loop.

A stream lives in the event loop in which it was opened. If each request has its own thread and so its own event loop,
the stream ends with the request.
"""

from __future__ import annotations

from gevent.monkey import is_module_patched

from ...core.errors import NotSupported


def has_one_loop() -> bool:
    """Whether all requests share one event loop, because gevent has patched the standard library."""
    return bool(is_module_patched("socket"))


def require_one_loop() -> None:
    """Return if streams can outlive their requests in this process.

    Raises:
        NotSupported: each request has its own event loop; 501.
    """
    if not has_one_loop():
        raise NotSupported("Resumable streams need gevent's patches: serve the application with gevent workers.")
