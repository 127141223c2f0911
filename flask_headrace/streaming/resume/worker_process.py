"""The process that serves requests, as a worker of its own in the store.

Some servers load an application before they fork their workers: uWSGI, and gunicorn with `preload_app`. Two workers
with one name would take each other's streams for their own.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from .store_writer import StoreWriter


class WorkerProcess:
    """The process of a worker.

    Args:
        store_writer: The worker's access to the store.
        start: Starts what runs in the background as long as the process lives: called now, and in a forked process.
    """

    def __init__(self, store_writer: StoreWriter, start: Callable[[], object]) -> None:
        self._store_writer, self._start = store_writer, start
        self._id = os.getpid()
        start()

    def __repr__(self) -> str:
        return f"<WorkerProcess {self._id}>"

    def begin_if_forked(self) -> None:
        """Become a new worker if this process was forked after the application was loaded. Idempotent.

        uWSGI does not call the functions of `os.register_at_fork`, so call this at each request.
        """
        if os.getpid() != self._id:
            self._id = os.getpid()
            self._store_writer.begin()
            self._start()
