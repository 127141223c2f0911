"""What workers tell their master: that one has served, and whether another could follow the streams that it keeps."""

from __future__ import annotations

import mmap

_HAS_SERVED, _IS_ALONE = 0, 1


class Served:
    """Two bytes that a master shares with the workers that are born after it was made.

    The master does not load the application, so what its settings come to is known to workers alone.
    """

    def __init__(self) -> None:
        self._bytes = mmap.mmap(-1, 2)

    @property
    def has_begun(self) -> bool:
        """Whether any worker has served."""
        return bool(self._bytes[_HAS_SERVED])

    @property
    def is_alone(self) -> bool:
        """Whether the worker that was the last to begin keeps resumable streams in its own memory."""
        return bool(self._bytes[_IS_ALONE])

    def begin(self, *, is_alone: bool) -> None:
        """Tell, in a worker, that it serves from here on."""
        self._bytes[_IS_ALONE] = is_alone
        self._bytes[_HAS_SERVED] = True
