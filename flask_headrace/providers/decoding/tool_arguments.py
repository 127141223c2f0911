"""The arguments of one call, as the pieces of their text come. Pure.

They are to be the text of one JSON object, each piece of which is passed on at once. Servers send other things as well:
nothing or `null` for no arguments, a JSON string that holds the object's text, `{}` before the arguments proper, and
the whole object once more when it is whole. Nothing of that is passed on. It knows neither calls nor events.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ...core.text_buffer import GrowingText

_STRUCTURE = re.compile(r'["\\{}]')

MAX_STRING_NESTING = 3
"""How many times the object may be encoded as a string."""

MAX_HELD_CHARS = 64
"""Characters of an object without anything in it that are kept back."""


class _ObjectScanner:
    """Finds the end of a JSON object, however its text is cut.

    Attributes:
        is_string: Whether the text ends inside a string.
    """

    __slots__ = ("_depth", "_is_escaped", "is_string")

    def __init__(self) -> None:
        self._depth = 0
        self._is_escaped = self.is_string = False

    def find_end(self, text: str) -> int | None:
        """Return the place behind the object's end in the next piece of its text; None where it does not end there."""
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
    """The arguments of one call.

    Attributes:
        is_whole: Whether their object has come to its end.
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
        self._emitted = GrowingText()
        self._held = ""  # the beginning of an object that may be the empty one
        self._non_object = GrowingText()  # the text of what is no object
        self._is_quoted = False  # whether that is a string
        self._scanner = _ObjectScanner()
        self._canonical_cache: tuple[str, bytes] | None = None  # the object's text, and how it would be written again
        self.is_whole = False
        self._trailing = GrowingText()  # an object behind theirs, as far as it has come
        self._trailing_scanner = _ObjectScanner()

    @property
    def is_blank(self) -> bool:
        """Whether nothing of them has come."""
        return not (self._emitted or self._held or self._non_object)

    def add(self, text: str) -> tuple[str, str]:
        """Take the next piece; return what may be passed on now, and what is no part of these arguments.

        The second is another object than theirs, which has come behind their end.
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
        self._non_object.add(text)
        self._canonical_cache = None
        if self._is_quoted:
            self._scanner.find_end(text)
            self.is_whole = not self._scanner.is_string
        elif self._non_object.size <= MAX_HELD_CHARS:
            self.is_whole = str(self._non_object).strip() == "null"

    def _release(self, text: str) -> str:
        text, self._held, self._canonical_cache = self._held + text, "", None
        if not self._emitted and len(text) < MAX_HELD_CHARS and text[1:].strip() in {"", "}"}:
            # Some gateways put an empty object before the arguments: https://github.com/BerriAI/litellm/issues/4537
            self._held = text
            return ""
        self._emitted.add(text)
        return text

    def _read_trailing(self, text: str) -> tuple[str, str]:
        while text := text if self._trailing else text.lstrip():
            if not self._trailing and not text.startswith("{"):
                return "", text
            end = self._trailing_scanner.find_end(text)
            self._trailing.add(text[:end])
            if end is None:
                is_more = text.strip("{ \t\r\n") and self._is_empty()
                return self._start_over("") if is_more else ("", "")
            repeated, text = self._take_trailing(), text[end:]
            if _canonical_json(repeated) != self._canonical()[1]:
                return self._start_over(repeated + text) if self._is_empty() else ("", repeated + text)
        return "", ""

    def _is_empty(self) -> bool:
        # Nothing but an empty object has come, and it was not passed on.
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
        """Take what has come for the arguments proper, also an empty object, and return what may be passed on now."""
        if self._emitted or not self.is_whole:
            return ""
        text = self._canonical()[0] or "{}"
        self._held, self._canonical_cache = "", None
        self._non_object.clear()
        self._emitted.add(text)
        return text

    def complete(self, whole: str) -> str:
        """Take the arguments once more, whole, and return what of them has not come and may be passed on."""
        whole = _unwrap_string(whole)
        if not self._emitted:
            # It is free to choose, and the end knows best.
            self._reset()
            return self.add(whole)[0]
        received = self._text()
        if not self.is_whole:
            return self.add(whole[len(received) :])[0] if whole.startswith(received) else ""
        if self.matches(whole):
            self._trailing.clear()
        return ""

    def matches(self, whole: str) -> bool:
        """Whether arguments that are told whole may be these: they are the same, or go on from what has come."""
        whole, (received, written) = _unwrap_string(whole), self._canonical()
        return whole.startswith(received) or _canonical_json(whole) == written

    def end(self) -> tuple[str, dict[str, Any]]:
        """Return what is still to be passed on, and the arguments' value.

        Raises:
            ValueError: they are no whole JSON object.
        """
        if self._trailing:
            raise ValueError("something else follows it")
        if self._emitted or self._held:
            return self._held, _parse_object(self._text())
        text = _unwrap_string(str(self._non_object))
        return text, _parse_object(text or "{}")

    def _canonical(self) -> tuple[str, bytes]:
        # Read once, however often something else is held against it.
        if self._canonical_cache is None:
            text = _unwrap_string(self._text())
            self._canonical_cache = text, _canonical_json(text)
        return self._canonical_cache

    def _text(self) -> str:
        return f"{self._emitted}{self._held}{self._non_object}"


def _unwrap_string(text: str) -> str:
    """Return the object's text where a JSON string holds it; empty for no arguments."""
    for _ in range(MAX_STRING_NESTING):
        inner = _parse_or_none(text) if text.lstrip().startswith('"') else text
        if not isinstance(inner, str) or inner is text:
            break
        text = inner
    # A tool without parameters is called with nothing at all by some models.
    return "" if text.strip() in {"", "null"} else text.strip()


def _parse_object(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError) as error:
        raise ValueError(str(error)) from error


def _canonical_json(text: str) -> bytes:
    # Not the values: 1 and true are the same in Python.
    return msgspec.json.encode(_parse_or_none(text), order="sorted")


def _parse_or_none(text: str) -> Any:  # noqa: ANN401  # any JSON
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return None
