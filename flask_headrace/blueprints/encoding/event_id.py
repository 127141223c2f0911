"""Where a reader is in a resumable stream, as its `id:` lines write it and as it gives it back: `7-3f9a0c1e`. Pure.

The number counts the events of the stream; what stands behind it is the stream's incarnation, which tells it from
another one of the same id. A reader that has counted by itself may give the number alone.
"""

from __future__ import annotations

import re

EVENT_ID_PATTERN = "^[0-9]{1,15}(-[0-9a-f]{8})?$"
"""What a position looks like."""

_position = re.compile(r"([0-9]{1,15})(?:-([0-9a-f]{8}))?")


def event_id_suffix(incarnation: str) -> bytes:
    """Return what follows the numbers in the `id:` lines of a stream; nothing for one without an incarnation."""
    return b"-" + incarnation.encode() if incarnation else b""


def parse_event_id(text: str) -> tuple[int, str] | None:
    """Read a position that a reader has given.

    Returns:
        The number, and the incarnation or an empty string; None where the text is no position.
    """
    found = _position.fullmatch(text)
    return (int(found[1]), found[2] or "") if found else None
