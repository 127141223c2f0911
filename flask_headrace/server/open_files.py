"""Open files: how many a worker may have, and how many connections they are enough for."""

from __future__ import annotations

import contextlib
import resource

RESERVED_FILES = 64
"""Open files of a worker beside its connections: listeners, logs, the store, checks, whoever is to be turned away."""

FILES_PER_STREAM = 2
"""The connection of its reader, and the one to its model."""

SPARE_CONNECTIONS = 8
"""Connections that are kept free for those who come: before the last ones are taken, idle ones are closed."""


def max_connections() -> int:
    """Return how many connections a worker may have, for its limit of open files."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(2 * SPARE_CONNECTIONS, (limit - RESERVED_FILES) // FILES_PER_STREAM)


def raise_file_limit(streams: int) -> str | None:
    """Raise this process's limit of open files to what so many streams need, as far as it may be raised.

    Returns:
        A sentence where that is not far enough; None where it is.
    """
    needed = FILES_PER_STREAM * (streams + 100) + RESERVED_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft >= needed:
        return None
    return (
        f"The limit of open files is {soft}: a worker serves {max_connections()} connections at once with it, and "
        f"HEADRACE_MAX_STREAMS is {streams}, which needs {needed}. Raise it (ulimit -n, or LimitNOFILE= of systemd)."
    )
