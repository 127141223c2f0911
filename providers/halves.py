"""Characters that a server has cut in two: one half, escaped, ends one frame's text, and the other begins the next's.

Servers that count in UTF-16 cut so. JSON's grammar allows it, and no text can hold such a half. Pure.
"""

from __future__ import annotations

import re

from ..streaming.sse import Frame
from .sdk import unreadable

_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole character
    rb"|(?P<first>\\u[dD][89abAB][0-9a-fA-F]{2})(?=(?P<ends>\")?)"
    rb"|(?P<begins>\")?(?P<second>\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\."
)
_LOST = rb"\ufffd"


class Halves:
    """Puts the halves of characters together, from one frame of a stream to the next."""

    __slots__ = ("_first",)

    def __init__(self) -> None:
        self._first = b""

    def mended(self, frame: Frame, upstream: str, error: Exception) -> Frame:
        """Return a frame that could not be read, with whole characters alone.

        A half at the end of a string is kept for the next such frame, if a string in it begins with a half. One that
        belongs nowhere becomes U+FFFD.

        Raises:
            UpstreamBroken: it has no halves, so that `error` has another cause.
        """
        data = self._whole(frame.data)
        if data == frame.data:
            raise unreadable(upstream, error) from error
        return Frame(frame.event, data)

    def _whole(self, data: bytes) -> bytes:
        known, self._first = self._first, b""

        def whole(match: re.Match[bytes]) -> bytes:
            if match["first"] and match["ends"]:
                self._first = match["first"]
                return b""
            if match["first"]:
                return _LOST
            if match["second"] and match["begins"]:
                return b'"' + (known + match["second"] if known else _LOST)
            return _LOST if match["second"] else match[0]

        return _ESCAPE.sub(whole, data)
