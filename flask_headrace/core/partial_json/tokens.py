"""The words of JSON (RFC 8259), as patterns that also tell how far an unfinished one is right.

A pattern whose name ends in START matches the longest beginning of a word: where it stops before the text does, the
character there is the first that no word can have in this place. static/json/tokens.js has the same patterns.
"""

from __future__ import annotations

import math
import re

MAX_NUMBER_CHARS = 1024
"""Characters that a number may have."""

WHITESPACE = " \t\n\r"

NON_WHITESPACE = re.compile(r"[^ \t\n\r]")
"""What is not blank."""

SPECIAL = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')
"""What does not stand for itself in a string. Half of a surrogate pair is no character."""

# An escaped high surrogate is a part of a character only with a low one after it, and a low one never stands alone.
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
    """Return where the longest match of a pattern that begins at this place ends."""
    found = start.match(text, at)
    return found.end() if found else at


def skip_whitespace(text: str, at: int) -> int:
    """Return where the blanks that begin at this place end."""
    found = NON_WHITESPACE.search(text, at)
    return found.start() if found else len(text)


def unescape(escape: str) -> str:
    """Return the character that an escape, or a pair of them, stands for."""
    if escape[1] != "u":
        return _SHORT_ESCAPES.get(escape[1], escape[1])
    unit = int(escape[2:6], 16)
    if len(escape) == 6:
        return chr(unit)
    return chr(0x10000 + ((unit - 0xD800) << 10) + int(escape[8:], 16) - 0xDC00)


def is_number(start: str) -> bool:
    """Tell whether the beginning of a number is a number already."""
    return start[-1:].isdecimal()


def parse_number(word: str) -> float | None:
    """Return the value of a number; None where it is beyond what a float can be."""
    value = float(word)
    if math.isinf(value):
        return None
    return value if {".", "e", "E"} & set(word) else int(word)
