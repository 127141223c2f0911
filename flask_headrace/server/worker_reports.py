"""Reports between workers and their master: whether a worker has served and where its streams are; whether all end."""

from __future__ import annotations

import mmap

_HAS_SERVED, _HAS_MEMORY_STORE, _IS_ENDING = 0, 1, 2


class WorkerReports:
    """Three bytes of memory that a master shares with the workers forked later.

    The master does not load the application, so only workers know its effective settings. Only the master knows whether
    a worker that must leave is replaced.
    """

    def __init__(self) -> None:
        self._bytes = mmap.mmap(-1, 3)

    @property
    def has_served(self) -> bool:
        """Whether any worker has started to serve."""
        return bool(self._bytes[_HAS_SERVED])

    @property
    def has_memory_store(self) -> bool:
        """Whether the worker that started last keeps resumable streams in its own memory."""
        return bool(self._bytes[_HAS_MEMORY_STORE])

    @property
    def is_ending(self) -> bool:
        """Whether the whole service ends, and no other process takes its place on the same sockets."""
        return bool(self._bytes[_IS_ENDING])

    def report_ending(self) -> None:
        """Report from the master that the whole service ends. Call it before the workers get their signal."""
        self._bytes[_IS_ENDING] = True

    def report_serving(self, *, has_memory_store: bool) -> None:
        """Report from a worker that it serves now, and whether it keeps resumable streams in its own memory."""
        self._bytes[_HAS_MEMORY_STORE] = has_memory_store
        self._bytes[_HAS_SERVED] = True
