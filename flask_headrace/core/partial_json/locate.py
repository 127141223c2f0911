"""Finds where a JSON document begins in a model's answer: in a Markdown fence, in prose, or at the beginning.

A document begins

- with the first character that is not whitespace, of the text or inside a fence that is unnamed or named `json`: any
  value;
- in prose, with a `{` before `"` or `}`, or a `[` before `"`, `[` or `{`: so [1], [links](…) and - [ ] begin none.

This module does not read the document itself.
"""

from __future__ import annotations

import re

from .tokens import LITERALS, MAX_NUMBER_CHARS, NUMBER_START, is_number, match_end, skip_whitespace

WORD = re.compile(r"[-+.0-9A-Za-z]*")
"""A number, a boolean, null, or a word of prose."""

MAX_FENCE_CHARS = 64
"""The maximum number of characters of a fence's first line, without its line break; a longer line is prose."""

_NEXT_CHARACTERS = {"{": '"}', "[": '"[{'}
_MARK = re.compile(r"[{\[`]")
_TICKS = re.compile(r"`*")
_FENCE = re.compile(r"(`+)[ \t]*([0-9A-Za-z_+.-]*)[ \t\r]*")


class DocumentLocator:
    """Reads a text, in pieces of any size, up to its document.

    Args:
        follows_document: Whether another document stands directly before the text.
        in_fence: Whether the text begins inside a fence.
    """

    __slots__ = ("_in_ticks", "_is_found", "_may_begin", "_unfinished", "in_fence", "recognized_after")

    def __init__(self, *, follows_document: bool = False, in_fence: bool = False) -> None:
        self.in_fence = in_fence
        """Whether the text so far ends inside a fence."""
        self.recognized_after = 0
        """The document's characters before the one that shows that it is a document."""
        self._unfinished = ""
        self._may_begin = not follows_document
        self._is_found = False
        self._in_ticks = False  # whether the text so far ends inside a run of ticks that is too long for a fence

    def feed(self, delta: str) -> str | None:
        """Read the next piece and return the text from the document's first character on; None if it has not begun."""
        text, at = self.find(delta, 0)
        return None if at is None else text[at:]

    def find(self, delta: str, start: int) -> tuple[str, int | None]:
        """Read the next piece from index `start` on, and find the document.

        Returns:
            The piece, after what was kept of the one before; and the index of the document's first character in it,
            None if the document has not begun.
        """
        text = self._unfinished + delta
        self._unfinished = ""
        at = start
        while at < len(text) and not self._is_found:
            at = self._read_beginning(text, at) if self._may_begin else self._read_prose(text, at)
        return text, at if self._is_found else None

    def _read_beginning(self, text: str, at: int) -> int:
        at = skip_whitespace(text, at)
        if at == len(text):
            return at
        end = match_end(WORD, text, at)
        if end == len(text) and 0 < end - at <= MAX_NUMBER_CHARS:
            return self._keep_unfinished(text, at)
        if text[at] in '{["' or may_be_scalar(text[at : min(end, at + MAX_NUMBER_CHARS + 1)]):
            self._is_found, self.recognized_after = True, min(end - at, MAX_NUMBER_CHARS)
        else:
            self._may_begin = False
        return at

    def _read_prose(self, text: str, at: int) -> int:
        if self._in_ticks:
            at = match_end(_TICKS, text, at)
            self._in_ticks = at == len(text)
        mark = _MARK.search(text, at)
        if mark is None:
            return len(text)
        at = mark.start()
        if text[at] == "`":
            return self._read_fence(text, at)
        after = skip_whitespace(text, at + 1)
        if after == len(text):
            self._unfinished = text[at]  # whitespace has no meaning here, and may be long
            return after
        self._is_found, self.recognized_after = text[after] in _NEXT_CHARACTERS[text[at]], after - at
        return at if self._is_found else at + 1

    def _read_fence(self, text: str, at: int) -> int:
        line = _FENCE.match(text, at)
        assert line is not None
        end = line.end()
        if end - at > MAX_FENCE_CHARS:
            self._in_ticks = line.end(1) == len(text)
            return line.end(1)
        if end == len(text):
            return self._keep_unfinished(text, at)
        if text[end] != "\n" or len(line[1]) < 3:
            return line.end(1)
        name = line[2].lower()
        # A fence without a name closes the one that is open.
        self._may_begin = name == "json" or not (name or self.in_fence)
        self.in_fence = bool(name) or not self.in_fence
        return end + 1

    def _keep_unfinished(self, text: str, at: int) -> int:
        self._unfinished = text[at:]
        return len(text)


def may_be_scalar(word: str) -> bool:
    """Return whether a word is a number, a boolean or null; or begins a number that is too long to be read."""
    if word in LITERALS:
        return True
    return (len(word) > MAX_NUMBER_CHARS or is_number(word)) and match_end(NUMBER_START, word) == len(word)
