"""Limits of open files: how many a worker may have, and how many connections that allows."""

from __future__ import annotations

import contextlib
import resource

RESERVED_FILES = 64
"""Open files of a worker beside its connections: listeners, logs, the store, checks, rejected requests."""

FILES_PER_STREAM = 2
"""One connection to the client, and one to the upstream."""

SPARE_CONNECTIONS = 8
"""Connections reserved for new clients: idle ones are closed before these are used."""


def max_connections() -> int:
    """Return the number of connections that this process's limit of open files allows a worker."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(2 * SPARE_CONNECTIONS, (limit - RESERVED_FILES) // FILES_PER_STREAM)


def raise_file_limit(streams: int) -> str | None:
    """Raise this process's limit of open files to the need of `streams` concurrent streams, or as far as allowed.

    Returns:
        None if the limit suffices; otherwise a warning for the log.
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
