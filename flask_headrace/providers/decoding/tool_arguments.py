"""The arguments of one call, as the pieces of their text come. Pure.

They are to be the text of one JSON object, each piece of which is passed on at once. Servers send other things as well:
nothing or `null` for no arguments, a JSON string that holds the object's text, `{}` before the arguments proper, and
the whole object once more when it is whole. Nothing of that is passed on. It knows neither calls nor events.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ...core.text_buffer import TextBuffer

_MARKS = re.compile(r'["\\{}]')

DEEPEST = 3
"""How many times the object may be encoded as a string."""

MOST_BLANK = 64
"""Characters of an object without anything in it that are kept back."""


class _Braces:
    """Finds the end of a JSON object, however its text is cut.

    Attributes:
        is_string: Whether the text ends inside a string.
    """

    __slots__ = ("_depth", "_is_escaped", "is_string")

    def __init__(self) -> None:
        self._depth = 0
        self._is_escaped = self.is_string = False

    def end_in(self, text: str) -> int | None:
        """Return the place behind the object's end in the next piece of its text; None where it does not end there."""
        at = int(self._is_escaped)
        self._is_escaped = False
        while found := _MARKS.search(text, at):
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


class Arguments:
    """The arguments of one call.

    Attributes:
        is_whole: Whether their object has come to its end.
    """

    __slots__ = (
        "_behind",
        "_braces",
        "_braces_behind",
        "_held",
        "_is_quoted",
        "_other",
        "_passed",
        "_read",
        "is_whole",
    )

    def __init__(self) -> None:
        self._passed = TextBuffer()
        self._held = ""  # the beginning of an object that may be the empty one
        self._other = TextBuffer()  # the text of what is no object
        self._is_quoted = False  # whether that is a string
        self._braces = _Braces()
        self._read: tuple[str, bytes] | None = None  # the object's text, and how it would be written again
        self.is_whole = False
        self._behind = TextBuffer()  # an object behind theirs, as far as it has come
        self._braces_behind = _Braces()

    @property
    def are_blank(self) -> bool:
        """Whether nothing of them has come."""
        return not (self._passed or self._held or self._other)

    def add(self, text: str) -> tuple[str, str]:
        """Take the next piece; return what may be passed on now, and what is no part of these arguments.

        The second is another object than theirs, which has come behind their end.
        """
        if self.is_whole:
            return self._look_behind(text)
        if self.are_blank:
            text = text.lstrip()
        if not text:
            return "", ""
        if self._other or (self.are_blank and not text.startswith("{")):
            self._hold(text)
            return "", ""
        end = self._braces.end_in(text)
        self.is_whole = end is not None
        passed = self._released(text[:end])
        more, another = ("", "") if end is None else self._look_behind(text[end:])
        return passed + more, another

    def _hold(self, text: str) -> None:
        self._is_quoted = self._is_quoted if self._other else text.startswith('"')
        self._other.append(text)
        self._read = None
        if self._is_quoted:
            self._braces.end_in(text)
            self.is_whole = not self._braces.is_string
        elif self._other.size <= MOST_BLANK:
            self.is_whole = str(self._other).strip() == "null"

    def _released(self, text: str) -> str:
        text, self._held, self._read = self._held + text, "", None
        if not self._passed and len(text) < MOST_BLANK and text[1:].strip() in {"", "}"}:
            # Some gateways put an empty object before the arguments: https://github.com/BerriAI/litellm/issues/4537
            self._held = text
            return ""
        self._passed.append(text)
        return text

    def _look_behind(self, text: str) -> tuple[str, str]:
        while text := text if self._behind else text.lstrip():
            if not self._behind and not text.startswith("{"):
                return "", text
            end = self._braces_behind.end_in(text)
            self._behind.append(text[:end])
            if end is None:
                is_more = text.strip("{ \t\r\n") and self._is_empty()
                return self._begun_anew("") if is_more else ("", "")
            again, text = self._taken_behind(), text[end:]
            if _written_again(again) != self._known()[1]:
                return self._begun_anew(again + text) if self._is_empty() else ("", again + text)
        return "", ""

    def _is_empty(self) -> bool:
        # Nothing but an empty object has come, and it was not passed on.
        return not self._passed and not self._known()[0].strip("{} \t\r\n")

    def _taken_behind(self) -> str:
        text = str(self._behind)
        self._behind.clear()
        self._braces_behind = _Braces()
        return text

    def _begun_anew(self, text: str) -> tuple[str, str]:
        text = self._taken_behind() + text
        self._forget()
        return self.add(text)

    def _forget(self) -> None:
        self._held, self._braces, self._read, self.is_whole = "", _Braces(), None, False
        self._other.clear()
        self._taken_behind()

    def settle(self) -> str:
        """Take what has come for the arguments proper, also an empty object, and return what may be passed on now."""
        if self._passed or not self.is_whole:
            return ""
        text = self._known()[0] or "{}"
        self._held, self._read = "", None
        self._other.clear()
        self._passed.append(text)
        return text

    def complete(self, whole: str) -> str:
        """Take the arguments once more, whole, and return what of them has not come and may be passed on."""
        whole = _opened(whole)
        if not self._passed:
            # It is free to choose, and the end knows best.
            self._forget()
            return self.add(whole)[0]
        came = self._text()
        if not self.is_whole:
            return self.add(whole[len(came) :])[0] if whole.startswith(came) else ""
        if self.fits(whole):
            self._behind.clear()
        return ""

    def fits(self, whole: str) -> bool:
        """Whether arguments that are told whole may be these: they are the same, or go on from what has come."""
        whole, (came, written) = _opened(whole), self._known()
        return whole.startswith(came) or _written_again(whole) == written

    def end(self) -> tuple[str, dict[str, Any]]:
        """Return what is still to be passed on, and the arguments' value.

        Raises:
            ValueError: they are no whole JSON object.
        """
        if self._behind:
            raise ValueError("something else follows it")
        if self._passed or self._held:
            return self._held, _object_in(self._text())
        text = _opened(str(self._other))
        return text, _object_in(text or "{}")

    def _known(self) -> tuple[str, bytes]:
        # Read once, however often something else is held against it.
        if self._read is None:
            text = _opened(self._text())
            self._read = text, _written_again(text)
        return self._read

    def _text(self) -> str:
        return f"{self._passed}{self._held}{self._other}"


def _opened(text: str) -> str:
    """Return the object's text where a JSON string holds it; empty for no arguments."""
    for _ in range(DEEPEST):
        inner = _value_of(text) if text.lstrip().startswith('"') else text
        if not isinstance(inner, str) or inner is text:
            break
        text = inner
    # A tool without parameters is called with nothing at all by some models.
    return "" if text.strip() in {"", "null"} else text.strip()


def _object_in(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError) as error:
        raise ValueError(str(error)) from error


def _written_again(text: str) -> bytes:
    # Not the values: 1 and true are the same in Python.
    return msgspec.json.encode(_value_of(text), order="sorted")


def _value_of(text: str) -> Any:  # noqa: ANN401  # any JSON
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return None
