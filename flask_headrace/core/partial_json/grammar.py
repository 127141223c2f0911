"""The grammar of JSON (RFC 8259) as a state machine that reads a document in pieces and records patches.

Each step (a method of `Grammar`) reads one token and sets the next step. An unfinished token at the end of a piece that
changes nothing yet (half an escape, a number, the beginning of `true`) is read again with the next piece.

This module reads the document alone; `locate.py` skips the text around it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from .errors import Malformed, TooDeep, TooLong
from .patches import Add, Append, Close, Patch
from .tokens import (
    ESCAPE,
    ESCAPE_START,
    LITERAL_START,
    LITERALS,
    MAX_NUMBER_CHARS,
    NUMBER_START,
    SPECIAL,
    WHITESPACE,
    is_number,
    match_end,
    skip_whitespace,
    unescape,
)

ParseNumber: TypeAlias = Callable[[str], Any]
"""Returns the value of a number, given its text; None if the number is out of range."""

NOT_AN_ARRAY = -1
"""The index of the next item if the innermost container is an object, or there is none."""


class Grammar:
    """Reads one document.

    Args:
        max_depth: The maximum number of nested arrays and objects.
        max_path: The maximum number of characters of a path.
        parse_number: Returns the value of a number's text; None if the number is out of range.
    """

    def __init__(self, max_depth: int, max_path: int, parse_number: ParseNumber) -> None:
        self.patches: list[Patch] = []
        """The patches recorded so far. The caller that uses them replaces the list."""
        self.unfinished = ""
        """The unfinished token at the end of the last piece, which is read again with the next piece."""
        self.is_complete = False
        self.is_key = False
        """Whether the open string is a key."""
        self.in_string = False
        self.path = ""
        """The path of the open string, if it is not a key."""
        self._is_new = False
        self._string_parts: list[str] = []
        # The innermost open container: its path, the index of its next item, and the path of the next `Add`.
        self._container, self._index, self._place = "", NOT_AN_ARRAY, ""
        self._outer: list[tuple[str, int, str]] = []
        self._max_depth, self._max_path, self._parse_number = max_depth, max_path, parse_number
        self._end = 0
        # A function, not a bound method: a reference cycle would keep the instance until garbage collection.
        self._step: Step = Grammar._value

    @property
    def innermost(self) -> str:
        """The path of the innermost open string, array or object."""
        return self.path if self.in_string and not self.is_key else self._container

    def read(self, piece: str, end: int) -> str:
        """Read the next piece up to the document's end, and record its patches.

        Args:
            piece: The text.
            end: The position of the piece's end in the whole text, in characters.

        Returns:
            The rest of the piece, which follows the document.

        Raises:
            JSONError: a character is invalid, or exceeds a limit.
        """
        text, self.unfinished, self._end = self.unfinished + piece, "", end
        try:
            at = self._string(text, 0) if self.in_string else 0
            while at < len(text) and not self.is_complete:
                at = skip_whitespace(text, at) if text[at] in WHITESPACE else self._step(self, text, at)
            return text[at:]
        finally:
            if self.in_string and not self.is_key:
                self._emit_string()

    # The steps: each gets a text and the index of a token's first character, and returns the index after the token.

    def _value(self, text: str, at: int) -> int:
        mark = text[at]
        if mark == '"':
            self.path, self._is_new = self._next_path(), True
            return self._string(text, at + 1)
        if mark in "{[":
            return self._begin(text, at)
        if mark in "-0123456789":
            return self._number(text, at)
        if mark in "tfn":
            return self._literal(text, at)
        raise self._unexpected(text, at, "a value")

    def _first_item(self, text: str, at: int) -> int:
        return self._close(at) if text[at] == "]" else self._value(text, at)

    def _after_item(self, text: str, at: int) -> int:
        if text[at] == ",":
            self._step = Grammar._value
            return at + 1
        if text[at] == "]":
            return self._close(at)
        raise self._unexpected(text, at, "a comma or the end of the array")

    def _first_key(self, text: str, at: int) -> int:
        return self._close(at) if text[at] == "}" else self._key(text, at)

    def _key(self, text: str, at: int) -> int:
        if text[at] != '"':
            raise self._unexpected(text, at, "a key in double quotes")
        self.is_key = True
        return self._string(text, at + 1)

    def _colon(self, text: str, at: int) -> int:
        if text[at] != ":":
            raise self._unexpected(text, at, "a colon")
        self._step = Grammar._value
        return at + 1

    def _after_member(self, text: str, at: int) -> int:
        if text[at] == ",":
            self._step = Grammar._key
            return at + 1
        if text[at] == "}":
            return self._close(at)
        raise self._unexpected(text, at, "a comma or the end of the object")

    # Containers.

    def _begin(self, text: str, at: int) -> int:
        if len(self._outer) == self._max_depth:
            raise TooDeep(f"More than {self._max_depth} arrays and objects are open", self._position(text, at))
        path = self._next_path()
        self.patches.append(Add(self._place, {} if text[at] == "{" else []))
        self._outer.append((self._container, self._index, self._place))
        if text[at] == "{":
            self._container, self._index = path, NOT_AN_ARRAY
            self._step = Grammar._first_key
        else:
            self._container, self._index, self._place = path, 0, path + "/-"
            self._step = Grammar._first_item
        return at + 1

    def _close(self, at: int) -> int:
        self.patches.append(Close(self._container))
        self._container, self._index, self._place = self._outer.pop()
        self._end_value()
        return at + 1

    def _next_path(self) -> str:
        return self._place if self._index == NOT_AN_ARRAY else f"{self._container}/{self._index}"

    def _end_value(self) -> None:
        if not self._outer:
            self.is_complete = True
        elif self._index == NOT_AN_ARRAY:
            self._step = Grammar._after_member
        else:
            self._index += 1
            self._step = Grammar._after_item

    # Tokens.

    def _number(self, text: str, at: int) -> int:
        end = match_end(NUMBER_START, text, at)
        if end - at > MAX_NUMBER_CHARS:
            raise TooLong(
                f"A number has more than {MAX_NUMBER_CHARS} characters", self._position(text, at + MAX_NUMBER_CHARS)
            )
        if end == len(text):
            return self._keep_unfinished(text, at)
        if not is_number(text[at:end]):
            raise self._unexpected(text, end, "a digit")
        value = self._parse_number(text[at:end])
        if value is None:
            raise Malformed("A number is larger than a 64-bit float can be", self._position(text, end))
        self.patches.append(Add(self._place, value))
        self._end_value()
        return end

    def _literal(self, text: str, at: int) -> int:
        end = match_end(LITERAL_START, text, at)
        word = text[at:end]
        if word in LITERALS:
            self.patches.append(Add(self._place, LITERALS[word]))
            self._end_value()
            return end
        if end == len(text):
            return self._keep_unfinished(text, at)
        raise self._unexpected(text, end, "true, false or null")

    def _keep_unfinished(self, text: str, at: int) -> int:
        self.unfinished = text[at:]
        return len(text)

    # Strings.

    def _string(self, text: str, at: int) -> int:
        self.in_string = True
        while at < len(text):
            special = SPECIAL.search(text, at)
            end = special.start() if special else len(text)
            if end > at:
                self._string_parts.append(text[at:end])
            if special is None:
                return end
            if text[end] == '"':
                self._end_string(text, end)
                return end + 1
            at = self._escape(text, end)
        return at

    def _escape(self, text: str, at: int) -> int:
        escape = ESCAPE.match(text, at)
        if escape:
            self._string_parts.append(unescape(escape[0]))
            return escape.end()
        end = match_end(ESCAPE_START, text, at)
        if end == len(text):
            return self._keep_unfinished(text, at)
        raise self._unexpected(text, end, "a character or an escape of one")

    def _end_string(self, text: str, at: int) -> None:
        self.in_string = False
        if self.is_key:
            self.is_key = False
            self._end_key(text, at)
        else:
            self._emit_string()
            self.patches.append(Close(self.path))
            self._end_value()

    def _end_key(self, text: str, at: int) -> None:
        key = "".join(self._string_parts)
        self._string_parts.clear()
        self._place = f"{self._container}/{key.replace('~', '~0').replace('/', '~1')}"
        if len(self._place) > self._max_path:
            raise TooLong(f"A path has more than {self._max_path} characters", self._position(text, at))
        self._step = Grammar._colon

    def _emit_string(self) -> None:
        characters = "".join(self._string_parts)
        self._string_parts.clear()
        if self._is_new:
            self._is_new = False
            self.patches.append(Add(self._place, characters))
        elif characters:
            self.patches.append(Append(self.path, characters))

    def _position(self, text: str, at: int) -> int:
        return self._end - len(text) + at

    def _unexpected(self, text: str, at: int, expected: str) -> Malformed:
        return Malformed(f"{text[at]!r} stands where {expected} should", self._position(text, at))


Step: TypeAlias = Callable[[Grammar, str, int], int]
