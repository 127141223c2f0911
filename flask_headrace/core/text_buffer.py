"""A buffer for a text that arrives in small pieces and is read at its end. Pure."""

from __future__ import annotations

MAX_TEXT_CHARS = 8 * 1024 * 1024
"""Characters that a text may have if it is collected in memory as a whole."""

_MAX_PIECES = 1024
"""Separate pieces before they are joined: each takes about fifty bytes beside its characters."""


class TextBuffer:
    """The text received so far. `str(buffer)` returns it; a buffer without text is false.

    Attributes:
        size: The number of characters.
    """

    __slots__ = ("_joined", "_pieces", "size")

    def __init__(self) -> None:
        self.clear()

    def __bool__(self) -> bool:
        return bool(self._pieces or self._joined)

    def __str__(self) -> str:
        return "".join([*self._joined, *self._pieces])

    def append(self, *pieces: str) -> None:
        """Append pieces of text."""
        self._pieces += pieces
        self.size += sum(map(len, pieces))
        if len(self._pieces) >= _MAX_PIECES:
            self._joined.append("".join(self._pieces))
            self._pieces.clear()

    def clear(self) -> None:
        """Remove the whole text."""
        self._joined: list[str] = []
        self._pieces: list[str] = []
        self.size = 0
