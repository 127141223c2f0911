"""Reports of workers to their master: whether one has served, and whether it keeps streams in its own memory."""

from __future__ import annotations

import mmap

_HAS_SERVED, _HAS_MEMORY_STORE = 0, 1


class WorkerReports:
    """Two bytes of memory that a master shares with the workers forked later.

    The master does not load the application, so only workers know its effective settings.
    """

    def __init__(self) -> None:
        self._bytes = mmap.mmap(-1, 2)

    @property
    def has_served(self) -> bool:
        """Whether any worker has started to serve."""
        return bool(self._bytes[_HAS_SERVED])

    @property
    def has_memory_store(self) -> bool:
        """Whether the worker that started last keeps resumable streams in its own memory."""
        return bool(self._bytes[_HAS_MEMORY_STORE])

    def report_serving(self, *, has_memory_store: bool) -> None:
        """Report from a worker that it serves now, and whether it keeps resumable streams in its own memory."""
        self._bytes[_HAS_MEMORY_STORE] = has_memory_store
        self._bytes[_HAS_SERVED] = True
