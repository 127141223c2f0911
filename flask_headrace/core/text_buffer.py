"""A text that grows by small pieces and is read when it is whole. Pure."""

from __future__ import annotations

MAX_TEXT_CHARS = 8 * 1024 * 1024
"""Characters that a text may have which is kept whole."""

_MAX_PIECES = 1024
"""Pieces that are kept by themselves: each takes fifty bytes beside its characters."""


class TextBuffer:
    """All that has come of a text.

    Attributes:
        size: Its characters.
    """

    __slots__ = ("_joined", "_pieces", "size")

    def __init__(self) -> None:
        self.clear()

    def __bool__(self) -> bool:
        return bool(self._pieces or self._joined)

    def __str__(self) -> str:
        return "".join([*self._joined, *self._pieces])

    def append(self, *pieces: str) -> None:
        """Take the next pieces."""
        self._pieces += pieces
        self.size += sum(map(len, pieces))
        if len(self._pieces) >= _MAX_PIECES:
            self._joined.append("".join(self._pieces))
            self._pieces.clear()

    def clear(self) -> None:
        """Forget all of it."""
        self._joined: list[str] = []
        self._pieces: list[str] = []
        self.size = 0
