"""How many pieces a body has: turns, what stands in them, calls, and tools. Pure.

Each of them is looked at for itself, in one go with all others: tens of thousands, which fit into a megabyte, would
keep everybody else waiting for half a second.
"""

from __future__ import annotations

from typing import Any

import msgspec

MOST_PIECES = 5000
"""Pieces that one body may have."""

_SHORTEST = 10
"""Bytes that a piece takes at least, in any protocol."""

_HOLDERS = frozenset({
    "content", "details", "experimental_attachments", "input", "message", "messages", "output", "parts", "summary",
    "system", "tool_calls", "toolInvocations", "tools",
})  # fmt: skip
"""Fields that hold pieces; what else a piece has is not looked into, such as a tool's JSON Schema."""


def is_too_much(body: Any, size: int) -> bool:  # noqa: ANN401  # of any endpoint
    """Whether a body has more pieces than it may.

    Args:
        body: What it was read as: an object, or a struct.
        size: Its bytes.
    """
    if size < MOST_PIECES * _SHORTEST:
        return False
    count, unseen = 0, [body]
    while unseen:
        for value in _held(unseen.pop()):
            pieces = [piece for piece in value if isinstance(piece, (dict, msgspec.Struct))]
            count += len(pieces)
            if count > MOST_PIECES:
                return True
            unseen += pieces
    return False


def _held(piece: Any) -> list[list[Any] | tuple[Any, ...]]:  # noqa: ANN401
    if isinstance(piece, dict):
        values = [piece[name] for name in _HOLDERS & piece.keys()]
    else:
        values = [getattr(piece, name) for name in _HOLDERS.intersection(piece.__struct_fields__)]
    several = [value for value in values if isinstance(value, (list, tuple))]
    return [*several, [value for value in values if not isinstance(value, (list, tuple))]]
