"""What the frames of several protocols have in common. Pure."""

from __future__ import annotations

import msgspec

_lines = msgspec.json.Encoder().encode_lines


def framed(texts: list[str], before: bytes, after: bytes) -> bytes:
    """Write texts as JSON strings, each between the same bytes; there must be at least one."""
    # JSON holds no line end, so one call encodes all of them and one replacement frames them.
    return before + _lines(texts)[:-1].replace(b"\n", after + before) + after


def numbered(frames: list[bytes], number: int) -> list[bytes]:
    """Give the frames of one event its number: who has the last has the event, until then all have to come again."""
    return [*frames[:-1], b"id: %d\n%b" % (number, frames[-1])] if frames else frames
