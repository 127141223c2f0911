"""Whether all requests of this process share one event loop, or each has a thread, and so a loop, of its own.

A stream lives in the loop in which it was opened: where that ends with the request, so does the stream.
"""

from __future__ import annotations

from gevent.monkey import is_module_patched

from ...core.errors import NotSupported


def has_one_loop() -> bool:
    """Whether gevent's patches are in place, as its workers put them."""
    return bool(is_module_patched("socket"))


def require_one_loop() -> None:
    """Return if streams can outlive their requests here.

    Raises:
        NotSupported: they cannot; 501.
    """
    if not has_one_loop():
        raise NotSupported("Resumable streams need gevent's patches: serve the application with gevent workers.")
