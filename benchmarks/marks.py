"""The text of a delta, which contains the time at which it was sent, so that a reader can measure its delay.

This module knows neither the wire formats around the text nor the sockets. The clock is the machine's monotonic one,
which all its processes share.
"""

from __future__ import annotations

import re

USUAL_SIZE = 19
"""Bytes of a delta unless the model's name contains another size: "~t" and 17 digits."""

SHORT = b"~tok"
"""A delta that is too short to contain a time."""

_MARK = re.compile(rb"~t(ok|\d{17})")


def text(size: int, now: int) -> bytes:
    """Return the text of one delta.

    Args:
        size: The size of the text in bytes; below `USUAL_SIZE` the text is `SHORT`.
        now: The time, in nanoseconds of `time.monotonic_ns`.
    """
    if size < USUAL_SIZE:
        return SHORT
    return b"~t%017d" % now + b"x" * (size - USUAL_SIZE)


class Marks:
    """Finds the marks in the pieces of one stream, wherever the stream was cut."""

    __slots__ = ("rest",)

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the marks that this piece completes: the sender's time in digits, or `ok` for none."""
        piece = self.rest + piece
        marks: list[bytes] = _MARK.findall(piece)
        end = piece.rfind(b"~t" + marks[-1]) + 2 + len(marks[-1]) if marks else 0
        self.rest = piece[max(end, len(piece) - USUAL_SIZE) :]
        return marks
