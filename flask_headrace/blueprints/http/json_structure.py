"""The limits of a JSON body's structure, checked before it is decoded: its values and its depth. Pure.

One request is decoded without interruption. Hundreds of thousands of small values, which fit into a megabyte, would
block all other requests for half a second.
"""

from __future__ import annotations

MAX_VALUES = 100_000
"""Maximum values (elements and members) in one request body."""

MAX_DEPTH = 128
"""Maximum levels of arrays and objects in a request body that goes on to a provider."""

_TO_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def has_too_many_values(data: bytes) -> bool:
    """Whether a JSON text has more than `MAX_VALUES` elements and members."""
    if _count_values(data) <= MAX_VALUES:
        return False
    unescaped = _without_escapes(data)
    # Each member has two texts at most, its name and its value.
    return unescaped.count(b'"') > 4 * MAX_VALUES or _count_values(_without_strings(unescaped)) > MAX_VALUES


def is_too_deep(data: bytes) -> bool:
    """Whether a JSON text of at most `MAX_VALUES` values has more than `MAX_DEPTH` levels of arrays and objects."""
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _without_strings(_without_escapes(data)).translate(_TO_SQUARE, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        # Without its innermost arrays, what is left is one level less deep.
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _count_values(data: bytes) -> int:
    return data.count(b",") + data.count(b"[") + data.count(b"{")


def _without_escapes(data: bytes) -> bytes:
    return data.replace(b"\\\\", b"").replace(b'\\"', b"")


def _without_strings(unescaped: bytes) -> bytes:
    return b"".join(unescaped.split(b'"')[::2])
