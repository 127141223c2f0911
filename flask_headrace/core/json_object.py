"""JSON texts that are objects. Pure."""

from __future__ import annotations

import msgspec


def is_json_object(text: str) -> bool:
    """Whether `text` is a complete JSON object."""
    try:
        msgspec.json.decode(text, type=dict)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True
