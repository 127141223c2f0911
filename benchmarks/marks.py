"""The text of a delta: it carries the time at which it was sent, so that whoever reads it can tell its delay.

Knows neither the wires around it nor the sockets. The clock is the machine's monotonic one, which all its processes
share.
"""

from __future__ import annotations

import re

USUAL_SIZE = 19
"""Bytes of a delta where nothing else is asked for: "~t" and 17 digits."""

SHORT = b"~tok"
"""A delta that is too short for a time."""

_MARK = re.compile(rb"~t(ok|\d{17})")


def text(size: int, now: int) -> bytes:
    """Write the text of one delta.

    Args:
        size: Its bytes; below `USUAL_SIZE` it is `SHORT`, whatever they are.
        now: Nanoseconds of `time.monotonic_ns`.
    """
    if size < USUAL_SIZE:
        return SHORT
    return b"~t%017d" % now + b"x" * (size - USUAL_SIZE)


class Marks:
    """Finds the marks in the pieces of one stream, however it was cut."""

    __slots__ = ("rest",)

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the marks that this piece completes: the sender's time in digits, or `ok` for one without."""
        piece = self.rest + piece
        marks: list[bytes] = _MARK.findall(piece)
        end = piece.rfind(b"~t" + marks[-1]) + 2 + len(marks[-1]) if marks else 0
        self.rest = piece[max(end, len(piece) - USUAL_SIZE) :]
        return marks
