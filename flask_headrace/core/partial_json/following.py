"""Reads the text after the JSON document in a model's answer: it may hold fences, prose, and the same document again.

Such a text is skipped by the rule for the text before the document (locate.py): what begins a document there, begins
one here. A document that differs from the first one is refused, since nobody can know which of them is meant. Also
refused is what shows that the first one has ended too early: a closing bracket that nothing has opened, or a comma
before another string, array or object.

A number, a boolean, null or a string has no brackets, so it counts only if it stands alone, in the text or in a fence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from .errors import Malformed
from .locate import DocumentLocator
from .tokens import WHITESPACE, skip_whitespace

_PART = re.compile(r'[ \t\n\r]+|["\\]|[^ \t\n\r"\\]+')
_WORD_CHARACTER = re.compile(r"[-+.0-9A-Za-z]")
_TICKS = re.compile(r"`{0,3}")
_BRACKET = re.compile(r"[{}\[\]]")


class Compaction(NamedTuple):
    """The state of a text from which whitespace is removed piece by piece; see `compact`."""

    in_string: bool = False
    is_escaped: bool = False
    after_space: bool = False
    after_word: bool = False


def compact(text: str, state: Compaction) -> tuple[str, Compaction]:
    """Return the next piece of a JSON text without whitespace between its tokens, and the state after it.

    Whitespace between two words, which no document has, becomes a blank.
    """
    in_string, is_escaped, after_space, after_word = state
    kept: list[str] = []
    for part in _PART.findall(text):
        if in_string:
            kept.append(part)
            in_string = is_escaped or part != '"'
            is_escaped = not is_escaped and part == "\\"
        elif part[0] in WHITESPACE:
            after_space = True
        else:
            if after_space and after_word and _WORD_CHARACTER.match(part):
                kept.append(" ")
            kept.append(part)
            after_space, after_word, in_string = False, bool(_WORD_CHARACTER.match(part[-1])), part == '"'
    return "".join(kept), Compaction(in_string, is_escaped, after_space, after_word)


class FollowingText:
    """Reads, in pieces of any size, the text after a document.

    Args:
        document: The text of the document.
        in_fence: Whether the document stands in a fence.
    """

    __slots__ = (
        "_document",
        "_end",
        "_in_fence",
        "_is_compact",
        "_locator",
        "_matched",
        "_open_braces",
        "_open_brackets",
        "_recognized_at",
        "_state",
        "_step",
        "_unfinished",
    )

    def __init__(self, document: str, *, in_fence: bool) -> None:
        self._document, self._is_compact = document, False
        self._in_fence = in_fence
        self._end = 0
        self._unfinished = ""
        # Of the repetition that is being read: the characters that are the same so far, and the compaction's state.
        self._matched, self._state = 0, Compaction()
        self._recognized_at = 0
        self._locator: DocumentLocator | None = None
        self._open_braces = self._open_brackets = 0  # in the prose
        self._step: Step = FollowingText._read_neighbour

    def feed(self, piece: str, end: int) -> None:
        """Read the next piece.

        Args:
            piece: The text.
            end: The position of the piece's end in the whole text, in characters.

        Raises:
            Malformed: the piece shows that another document follows, or that the first one has not ended.
        """
        text, at, self._end = piece, 0, end
        while at < len(text):
            text, at = self._step(self, text, at)

    def end(self, end: int) -> None:
        """Finish the text: a word at its end may be another document.

        Args:
            end: The position of the text's end, in characters.

        Raises:
            Malformed: it is.
        """
        if self._step is FollowingText._read_prose:
            self.feed(" ", end + 1)

    # The steps: each gets a text and an index, and returns the text and the index from which to read on.

    def _read_neighbour(self, text: str, at: int) -> tuple[str, int]:
        """Read up to the first character that shows whether the document has ended."""
        text, self._unfinished = self._unfinished + text, ""
        at = skip_whitespace(text, at)
        if at == len(text):
            return text, at
        end = self._check_after_container(text, at) if self._document[0] in "{[" else self._check_after_scalar(text, at)
        if end == len(text):
            self._unfinished = text[at:].rstrip(WHITESPACE)
            return text, end
        self._step = FollowingText._read_prose
        self._open_braces = self._open_brackets = 0
        self._locator = DocumentLocator(follows_document=True, in_fence=self._in_fence)
        return text, at

    def _check_after_container(self, text: str, at: int) -> int:
        """Return the index of the character that shows that no further item or member follows."""
        if text[at] != ",":
            return at
        after = skip_whitespace(text, at + 1)
        if after < len(text) and text[after] in '"{[':
            raise self._unexpected(text, after)
        return after

    def _check_after_scalar(self, text: str, at: int) -> int:
        """Return the index of the character that shows that a fence follows."""
        end = at + len(_TICKS.match(text, at)[0])  # type: ignore[index]  # it matches anything
        if end < len(text) and end - at < 3:
            raise self._unexpected(text, end)
        return min(end, at + 2)

    def _read_prose(self, text: str, at: int) -> tuple[str, int]:
        assert self._locator is not None
        piece = text
        text, begin = self._locator.find(piece, at)
        self._check_brackets(piece, at, len(piece) - (0 if begin is None else len(text) - begin))
        if begin is None:
            return text, len(text)
        self._recognized_at = self._position(text, begin + self._locator.recognized_after)
        self._in_fence = self._locator.in_fence
        if not self._is_compact:
            self._document, self._is_compact = compact(self._document, Compaction())[0], True
        self._matched, self._state = 0, Compaction()
        self._step = FollowingText._read_repetition
        return text, begin

    def _check_brackets(self, text: str, at: int, end: int) -> None:
        for bracket in _BRACKET.finditer(text, at, max(at, end)):
            change = 1 if bracket[0] in "{[" else -1
            if bracket[0] in "{}":
                self._open_braces += change
            else:
                self._open_brackets += change
            if self._open_braces < 0 or self._open_brackets < 0:
                raise self._unexpected(text, bracket.start())

    def _read_repetition(self, text: str, at: int) -> tuple[str, int]:
        # The document needs at least so many characters more; the next ones may belong to other text.
        piece = text[at : at + len(self._document) - self._matched]
        same, state = compact(piece, self._state)
        if not self._document.startswith(same, self._matched):
            raise self._difference(text, at)
        self._state, self._matched, at = state, self._matched + len(same), at + len(piece)
        if self._matched == len(self._document):
            if state.after_word and _WORD_CHARACTER.match(text, at):
                raise self._difference(text, at)
            self._step = FollowingText._read_neighbour
        return text, at

    def _difference(self, text: str, at: int) -> Malformed:
        """Return the error of a text that differs from the document at index `at` or after it."""
        same, state = compact(text[at], self._state)
        matched = self._matched
        while same == self._document[matched : matched + len(same)] and matched < len(self._document):
            at, matched = at + 1, matched + len(same)
            same, state = compact(text[at], state)
        position = max(self._position(text, at), self._recognized_at)
        return Malformed("A second document differs from the first one", position)

    def _unexpected(self, text: str, at: int) -> Malformed:
        return Malformed(f"{text[at]!r} stands where the end of the text should", self._position(text, at))

    def _position(self, text: str, at: int) -> int:
        return self._end - len(text) + at


Step: TypeAlias = Callable[[FollowingText, str, int], tuple[str, int]]
