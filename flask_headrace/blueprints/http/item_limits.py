"""How many pieces a body has: turns, what stands in them, calls, and tools. Pure.

Each of them is looked at for itself, in one go with all others: tens of thousands, which fit into a megabyte, would
keep everybody else waiting for half a second.
"""

from __future__ import annotations

from typing import Any

import msgspec

MAX_ITEMS = 5000
"""Pieces that one body may have."""

_MIN_ITEM_BYTES = 10
"""Bytes that a piece takes at least, in any protocol."""

_CONTAINER_FIELDS = frozenset({
    "content", "details", "experimental_attachments", "input", "message", "messages", "output", "parts", "summary",
    "system", "tool_calls", "toolInvocations", "tools",
})  # fmt: skip
"""Fields that hold pieces; what else a piece has is not looked into, such as a tool's JSON Schema."""


def has_too_many_items(body: Any, size: int) -> bool:  # noqa: ANN401  # of any endpoint
    """Whether a body has more pieces than it may.

    Args:
        body: What it was read as: an object, or a struct.
        size: Its bytes.
    """
    if size < MAX_ITEMS * _MIN_ITEM_BYTES:
        return False
    count, unseen = 0, [body]
    while unseen:
        for value in _nested_values(unseen.pop()):
            pieces = [piece for piece in value if isinstance(piece, (dict, msgspec.Struct))]
            count += len(pieces)
            if count > MAX_ITEMS:
                return True
            unseen += pieces
    return False


def _nested_values(piece: Any) -> list[list[Any] | tuple[Any, ...]]:  # noqa: ANN401
    if isinstance(piece, dict):
        values = [piece[name] for name in _CONTAINER_FIELDS & piece.keys()]
    else:
        values = [getattr(piece, name) for name in _CONTAINER_FIELDS.intersection(piece.__struct_fields__)]
    several = [value for value in values if isinstance(value, (list, tuple))]
    return [*several, [value for value in values if not isinstance(value, (list, tuple))]]
