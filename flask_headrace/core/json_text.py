"""Lone surrogates in JSON texts: escapes that stand for half a character. Pure.

This module reads the escapes of a JSON text and no other part of its grammar.
"""

from __future__ import annotations

import re

# At the end of the text a high surrogate does not match: its low surrogate may follow in the next piece.
ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<first>\\u[dD][89abAB][0-9a-fA-F]{2})(?=[^\\]|\\[^u]|\\u.{4})"
    rb"|(?P<second>\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\.",
    re.DOTALL,
)
"""An escape in JSON. The groups `first` and `second` match a high and a low surrogate without its counterpart."""

REPLACEMENT_CHARACTER = rb"\ufffd"
"""The JSON escape of U+FFFD, the replacement character."""


def find_lone_surrogate(text: bytes) -> re.Match[bytes] | None:
    """Return the match of the first lone surrogate in a JSON text; None if there is none.

    Args:
        text: The JSON text in UTF-8.
    """
    return next((escape for escape in ESCAPE.finditer(text) if escape.lastgroup), None)
