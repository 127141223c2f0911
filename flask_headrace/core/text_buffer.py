"""A text that grows by small pieces and is read when it is whole. Pure."""

from __future__ import annotations

MOST_WHOLE = 8 * 1024 * 1024
"""Characters that a text may have which is kept whole."""

_MOST_LOOSE = 1024
"""Pieces that are kept by themselves: each takes fifty bytes beside its characters."""


class GrowingText:
    """All that has come of a text.

    Attributes:
        size: Its characters.
    """

    __slots__ = ("_joined", "_loose", "size")

    def __init__(self) -> None:
        self.clear()

    def __bool__(self) -> bool:
        return bool(self._loose or self._joined)

    def __str__(self) -> str:
        return "".join([*self._joined, *self._loose])

    def add(self, *pieces: str) -> None:
        """Take the next pieces."""
        self._loose += pieces
        self.size += sum(map(len, pieces))
        if len(self._loose) >= _MOST_LOOSE:
            self._joined.append("".join(self._loose))
            self._loose.clear()

    def clear(self) -> None:
        """Forget all of it."""
        self._joined: list[str] = []
        self._loose: list[str] = []
        self.size = 0
