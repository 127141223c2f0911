"""Event ids of resumable streams, such as `7-3f9a0c1e`, which `id:` lines contain and clients send as cursors. Pure.

The number counts the events of the stream. The suffix is the stream's incarnation, which distinguishes streams of the
same id. A client that counts events itself may send the number alone.
"""

from __future__ import annotations

import re

EVENT_ID_PATTERN = "^[0-9]{1,15}(-[0-9a-f]{8})?$"
"""The regular expression of a cursor."""

_position = re.compile(r"([0-9]{1,15})(?:-([0-9a-f]{8}))?")


def event_id_suffix(incarnation: str) -> bytes:
    """Return the bytes after each number in a stream's `id:` lines; empty for an empty `incarnation`."""
    return b"-" + incarnation.encode() if incarnation else b""


def parse_event_id(text: str) -> tuple[int, str] | None:
    """Return the number and the incarnation of a cursor; None if `text` is no cursor.

    Returns:
        The number and the incarnation, which is empty if the cursor has none.
    """
    found = _position.fullmatch(text)
    return (int(found[1]), found[2] or "") if found else None
