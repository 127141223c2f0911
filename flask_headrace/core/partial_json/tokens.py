"""The tokens of JSON (RFC 8259) as regular expressions, for complete and for unfinished tokens.

A pattern whose name ends in START matches the longest beginning of a token. If it ends before the text, the next
character is invalid. `static/json/tokens.js` has the same patterns.
"""

from __future__ import annotations

import math
import re

MAX_NUMBER_CHARS = 1024
"""The maximum number of characters of a number."""

WHITESPACE = " \t\n\r"

NON_WHITESPACE = re.compile(r"[^ \t\n\r]")
"""A character that is not whitespace."""

SPECIAL = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')
"""A character that may not occur literally in a string. Half a surrogate pair is not a character."""

# An escaped high surrogate must be followed by a low one, and a low surrogate must follow a high one.
ESCAPE = re.compile(
    r'\\(?:["\\/bfnrt]|u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}'
    r"|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))"
)
ESCAPE_START = re.compile(
    r"\\(?:u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]{0,2}|[dD](?:[0-7][0-9a-fA-F]?"
    r"|[89abAB](?:[0-9a-fA-F](?:[0-9a-fA-F](?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?)?)?)?)?)?"
)
NUMBER_START = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.(?:[0-9]+(?:[eE](?:[+-]?[0-9]*)?)?)?|[eE](?:[+-]?[0-9]*)?)?)?")
LITERAL_START = re.compile(r"t(?:r(?:ue?)?)?|f(?:a(?:l(?:se?)?)?)?|n(?:u(?:ll?)?)?")

LITERALS = {"true": True, "false": False, "null": None}

_SHORT_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def match_end(start: re.Pattern[str], text: str, at: int = 0) -> int:
    """Return the end of the match of a pattern at index `at`; `at` itself if there is no match."""
    found = start.match(text, at)
    return found.end() if found else at


def skip_whitespace(text: str, at: int) -> int:
    """Return the index of the first character from `at` on that is not whitespace, or the text's length."""
    found = NON_WHITESPACE.search(text, at)
    return found.start() if found else len(text)


def unescape(escape: str) -> str:
    """Return the character of an escape sequence, or of two that form a surrogate pair."""
    if escape[1] != "u":
        return _SHORT_ESCAPES.get(escape[1], escape[1])
    unit = int(escape[2:6], 16)
    if len(escape) == 6:
        return chr(unit)
    return chr(0x10000 + ((unit - 0xD800) << 10) + int(escape[8:], 16) - 0xDC00)


def is_number(start: str) -> bool:
    """Return whether the beginning of a number is itself a number."""
    return start[-1:].isdecimal()


def parse_number(word: str) -> float | None:
    """Return the value of a number; None if it exceeds the range of a float."""
    value = float(word)
    if math.isinf(value):
        return None
    return value if {".", "e", "E"} & set(word) else int(word)
