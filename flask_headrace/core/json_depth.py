"""The depth of JSON values that travel between clients and providers unread. Pure."""

from __future__ import annotations

from typing import Any

MAX_DEPTH = 128
"""Maximum levels of arrays and objects in what is passed on, a request body or a value of an answer."""

MAX_TOOL_DEPTH = 100
"""Maximum levels in the arguments and the result of a tool: in the next request, a conversation is around them."""


def is_deeper(value: Any, limit: int) -> bool:  # noqa: ANN401  # any JSON value
    """Whether a JSON value has more than `limit` levels of arrays and objects."""
    level = [value]
    for _ in range(limit):
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
