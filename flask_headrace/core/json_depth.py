"""The depth of JSON values that travel between clients and providers unread. Pure."""

from __future__ import annotations

from typing import Any

MAX_DEPTH = 128
"""Maximum levels of arrays and objects in a value that is passed on."""


def is_deeper(value: Any, limit: int) -> bool:  # noqa: ANN401  # any JSON value
    """Whether a JSON value has more than `limit` levels of arrays and objects."""
    level = [value]
    for _ in range(limit + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True
