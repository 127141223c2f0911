"""Assembles the arguments of one tool call from the pieces of their text. Pure.

The text should be one JSON object, and each piece is emitted at once. Some servers send something else: nothing or
`null` for no arguments, a JSON string that contains the object, `{}` before the actual arguments, or the whole object
again at the end. None of that is emitted.
"""

from __future__ import annotations

import re
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, DecimalException
from typing import Any

import msgspec

from ...core.json_object import object_decoder
from ...core.text_buffer import TextBuffer

_UNROUNDED = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
"""The context of decimals that keep all of their digits."""

_STRUCTURE = re.compile(r'["\\{}]')

MAX_STRING_NESTING = 3
"""How often the object may be encoded as a string within a string."""

MAX_HELD_CHARS = 64
"""Length up to which a text that may be an empty object is held back."""


class _ObjectScanner:
    """Finds the end of a JSON object in a text that comes in pieces.

    Attributes:
        is_string: Whether the text so far ends within a string.
    """

    __slots__ = ("_depth", "_is_escaped", "is_string")

    def __init__(self) -> None:
        self._depth = 0
        self._is_escaped = self.is_string = False

    def find_end(self, text: str) -> int | None:
        """Return the index behind the object's end in the next piece; None if the object does not end there."""
        at = int(self._is_escaped)
        self._is_escaped = False
        while found := _STRUCTURE.search(text, at):
            mark, at = found[0], found.end()
            if mark == "\\":
                self._is_escaped = at == len(text)
                at += 1
            elif mark == '"':
                self.is_string = not self.is_string
            elif not self.is_string:
                self._depth += 1 if mark == "{" else -1
                if self._depth == 0:
                    return at
        return None


class ToolArguments:
    """The arguments of one tool call.

    Attributes:
        is_whole: Whether the JSON object is complete.
    """

    __slots__ = (
        "_canonical_cache",
        "_emitted",
        "_held",
        "_is_quoted",
        "_non_object",
        "_scanner",
        "_trailing",
        "_trailing_scanner",
        "is_whole",
    )

    def __init__(self) -> None:
        self._emitted = TextBuffer()
        self._held = ""  # the beginning of an object that may be empty
        self._non_object = TextBuffer()  # text that is not an object
        self._is_quoted = False  # whether that text is a string
        self._scanner = _ObjectScanner()
        self._canonical_cache: tuple[str, bytes] | None = None  # the object's text, and its canonical JSON
        self.is_whole = False
        self._trailing = TextBuffer()  # another object behind the end of the arguments, as far as received
        self._trailing_scanner = _ObjectScanner()

    @property
    def is_blank(self) -> bool:
        """Whether no text has been received."""
        return not (self._emitted or self._held or self._non_object)

    def add(self, text: str) -> tuple[str, str]:
        """Add the next piece of text.

        Returns:
            The text to emit now, and the text of another object that follows the arguments.
        """
        if self.is_whole:
            return self._read_trailing(text)
        if self.is_blank:
            text = text.lstrip()
        if not text:
            return "", ""
        if self._non_object or (self.is_blank and not text.startswith("{")):
            self._hold_back(text)
            return "", ""
        end = self._scanner.find_end(text)
        self.is_whole = end is not None
        passed = self._release(text[:end])
        more, another = ("", "") if end is None else self._read_trailing(text[end:])
        return passed + more, another

    def _hold_back(self, text: str) -> None:
        self._is_quoted = self._is_quoted if self._non_object else text.startswith('"')
        self._non_object.append(text)
        self._canonical_cache = None
        if self._is_quoted:
            self._scanner.find_end(text)
            self.is_whole = not self._scanner.is_string
        elif self._non_object.size <= MAX_HELD_CHARS:
            self.is_whole = str(self._non_object).strip() == "null"

    def _release(self, text: str) -> str:
        text, self._held, self._canonical_cache = self._held + text, "", None
        if not self._emitted and len(text) < MAX_HELD_CHARS and text[1:].strip() in {"", "}"}:
            # Some gateways send an empty object before the arguments: https://github.com/BerriAI/litellm/issues/4537
            self._held = text
            return ""
        self._emitted.append(text)
        return text

    def _read_trailing(self, text: str) -> tuple[str, str]:
        while text := text if self._trailing else text.lstrip():
            if not self._trailing and not text.startswith("{"):
                return "", text
            end = self._trailing_scanner.find_end(text)
            self._trailing.append(text[:end])
            if end is None:
                is_more = text.strip("{ \t\r\n") and self._is_empty()
                return self._start_over("") if is_more else ("", "")
            repeated, text = self._take_trailing(), text[end:]
            if _canonical_json(repeated) != self._canonical()[1]:
                return self._start_over(repeated + text) if self._is_empty() else ("", repeated + text)
        return "", ""

    def _is_empty(self) -> bool:
        # Only an empty object has been received, and it was not emitted.
        return not self._emitted and not self._canonical()[0].strip("{} \t\r\n")

    def _take_trailing(self) -> str:
        text = str(self._trailing)
        self._trailing.clear()
        self._trailing_scanner = _ObjectScanner()
        return text

    def _start_over(self, text: str) -> tuple[str, str]:
        text = self._take_trailing() + text
        self._reset()
        return self.add(text)

    def _reset(self) -> None:
        self._held, self._scanner, self._canonical_cache, self.is_whole = "", _ObjectScanner(), None, False
        self._non_object.clear()
        self._take_trailing()

    def flush(self) -> str:
        """Accept what was received, even an empty object, as the final arguments; return the text to emit now."""
        if self._emitted or not self.is_whole:
            return ""
        text = self._canonical()[0] or "{}"
        self._held, self._canonical_cache = "", None
        self._non_object.clear()
        self._emitted.append(text)
        return text

    def complete(self, whole: str) -> str:
        """Add the complete arguments, which the server sent once more, and return their text that was not emitted."""
        whole = _unwrap_string(whole)
        if not self._emitted:
            # Nothing was emitted yet, so the last text replaces the earlier ones.
            self._reset()
            return self.add(whole)[0]
        received = self._text()
        if not self.is_whole:
            return self.add(whole[len(received) :])[0] if whole.startswith(received) else ""
        if self.matches(whole):
            self._trailing.clear()
        return ""

    def matches(self, whole: str) -> bool:
        """Whether complete arguments may be these: they are equal, or continue the received text."""
        whole, (received, written) = _unwrap_string(whole), self._canonical()
        return whole.startswith(received) or _canonical_json(whole) == written

    def end(self) -> tuple[str, dict[str, Any]]:
        """Return the text that is still to be emitted, and the decoded arguments.

        Raises:
            ValueError: the arguments are not one complete JSON object.
        """
        if self._trailing:
            raise ValueError("the object is followed by other text")
        if self._emitted or self._held:
            return self._held, _parse_object(self._text())
        text = _unwrap_string(str(self._non_object))
        return text, _parse_object(text or "{}")

    def _canonical(self) -> tuple[str, bytes]:
        # Cached, since it is compared with several texts.
        if self._canonical_cache is None:
            text = _unwrap_string(self._text())
            self._canonical_cache = text, _canonical_json(text)
        return self._canonical_cache

    def _text(self) -> str:
        return f"{self._emitted}{self._held}{self._non_object}"


def _unwrap_string(text: str) -> str:
    """Return the object's text out of the JSON strings that contain it; an empty text for no arguments."""
    for _ in range(MAX_STRING_NESTING):
        inner = _parse_or_none(text) if text.lstrip().startswith('"') else text
        if not isinstance(inner, str) or inner is text:
            break
        text = inner
    # Some models send nothing at all for a tool without parameters.
    return "" if text.strip() in {"", "null"} else text.strip()


def _parse_object(text: str) -> dict[str, Any]:
    try:
        return object_decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError) as error:
        raise ValueError(str(error)) from error


def _canonical_json(text: str) -> bytes:
    # JSON texts are compared, since 1 and true are equal in Python. 1.50 and 1.5 are the same number.
    return _encode_canonical(_parse_or_none(text))


def _canonical_fraction(digits: str) -> Decimal | str:
    try:
        return Decimal(digits).normalize(_UNROUNDED)
    except DecimalException:
        return digits  # its exponent is too large even for a decimal


def _parse_or_none(text: str) -> Any:  # noqa: ANN401  # any JSON
    try:
        return _canonical_decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return None


_canonical_decoder = msgspec.json.Decoder(float_hook=_canonical_fraction)
_encode_canonical = msgspec.json.Encoder(order="sorted", decimal_format="number").encode
