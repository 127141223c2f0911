"""Halves of surrogate pairs, as JSON can tell of them by escapes: each is half of a character. Pure.

Knows the escapes of JSON and nothing else of it.
"""

from __future__ import annotations

import re

# Where the text ends before the other half can have come, nobody knows whether it would have.
ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<first>\\u[dD][89abAB][0-9a-fA-F]{2})(?=[^\\]|\\[^u]|\\u.{4})"
    rb"|(?P<second>\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\.",
    re.DOTALL,
)
"""An escape in JSON; `first` and `second` are halves of a surrogate pair without the other one."""

REPLACEMENT_CHARACTER = rb"\ufffd"
"""The escape that stands for a character that is not known."""


def find_lone_surrogate(text: bytes) -> re.Match[bytes] | None:
    """Return the first half in a JSON text that is without its other one; None where there is none."""
    return next((escape for escape in ESCAPE.finditer(text) if escape.lastgroup), None)
