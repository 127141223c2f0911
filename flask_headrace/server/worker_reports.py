"""What workers tell their master: that one has served, and whether another could follow the streams that it keeps."""

from __future__ import annotations

import mmap

_HAS_SERVED, _HAS_MEMORY_STORE = 0, 1


class WorkerReports:
    """Two bytes that a master shares with the workers that are born after it was made.

    The master does not load the application, so what its settings come to is known to workers alone.
    """

    def __init__(self) -> None:
        self._bytes = mmap.mmap(-1, 2)

    @property
    def has_served(self) -> bool:
        """Whether any worker has served."""
        return bool(self._bytes[_HAS_SERVED])

    @property
    def has_memory_store(self) -> bool:
        """Whether the worker that was the last to begin keeps resumable streams in its own memory."""
        return bool(self._bytes[_HAS_MEMORY_STORE])

    def report_serving(self, *, has_memory_store: bool) -> None:
        """Tell, in a worker, that it serves from here on."""
        self._bytes[_HAS_MEMORY_STORE] = has_memory_store
        self._bytes[_HAS_SERVED] = True
