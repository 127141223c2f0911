"""The limit of items in a request body: messages, content parts, tool calls and tools. Pure.

One request is processed without interruption. Tens of thousands of items, which fit into a megabyte, would block all
other requests for half a second.
"""

from __future__ import annotations

from typing import Any

import msgspec

MAX_ITEMS = 5000
"""Maximum items in one request body."""

_MIN_ITEM_BYTES = 10
"""Minimum size of an item in bytes, in any protocol."""

_CONTAINER_FIELDS = frozenset({
    "content", "details", "experimental_attachments", "functions", "input", "message", "messages", "output", "parts",
    "summary", "system", "tool_calls", "toolInvocations", "tools",
})  # fmt: skip
"""Fields that contain items. Other fields, such as a tool's JSON Schema, are not searched."""


def has_too_many_items(body: Any, size: int) -> bool:  # noqa: ANN401  # of any endpoint
    """Whether a body has more than `MAX_ITEMS` items.

    Args:
        body: The decoded body: a dict or a struct.
        size: The size of the body in bytes.
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
