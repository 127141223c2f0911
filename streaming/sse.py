"""Server-Sent Events: frames out, and the decoder for what an upstream sends.

Pure: bytes to values and values to bytes, no I/O. The grammar is section 9.2 of the HTML standard: lines end at LF,
CR or CRLF and nowhere else, a blank line dispatches, and a frame without its blank line is never counted.
"""

from __future__ import annotations

import msgspec

MAX_FRAME = 8 * 1024 * 1024
"""Bytes that one frame of an upstream may have."""


class FrameTooLargeError(ValueError):
    """A frame grew past the bound before its blank line came."""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One dispatched frame: its `event` name (`b"message"` where it has none) and its data lines, joined by LF."""

    event: bytes
    data: bytes


def named(event: bytes, data: bytes) -> bytes:
    """Write one frame with a name. `data` must be free of line ends, as JSON is."""
    return b"event: %b\ndata: %b\n\n" % (event, data)


class Decoder:
    """Turn the bytes of an event stream into frames, however they are cut.

    Args:
        max_frame: Bytes that one frame may have.
    """

    __slots__ = ("_after_cr", "_begun", "_held", "_max_frame")

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self._max_frame = max_frame
        self._held = bytearray()
        self._after_cr = False
        self._begun = False

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes and return the frames that they complete.

        Raises:
            FrameTooLargeError: a frame is longer than the bound.
        """
        if b"\r" in data or self._after_cr:
            data = self._with_lf_only(data)
        if not self._begun:
            data = self._without_bom(data)
        if self._held:
            data = self._join_held(data)
            if not data:
                return []
        *blocks, rest = data.split(b"\n\n")
        self._hold(rest)
        frames = []
        for block in blocks:
            if block.startswith(b"data: ") and b"\n" not in block:
                frames.append(Frame(b"message", block[6:]))
            elif (frame := parse_block(block)) is not None:
                frames.append(frame)
        return frames

    def _with_lf_only(self, data: bytes) -> bytes:
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
            self._after_cr = False
        if data:
            self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _without_bom(self, data: bytes) -> bytes:
        data = self._join_all(data)
        if len(data) < 3 and b"\xef\xbb\xbf".startswith(data):
            self._hold(data)
            return b""
        self._begun = True
        return data.removeprefix(b"\xef\xbb\xbf")

    def _join_held(self, data: bytes) -> bytes:
        # Only what is new is searched, and what was held is copied once, at its end: else many pieces were quadratic.
        ends_across = self._held.endswith(b"\n") and data.startswith(b"\n")
        if not ends_across and b"\n\n" not in data:
            self._hold(data)
            return b""
        return self._join_all(data)

    def _join_all(self, data: bytes) -> bytes:
        self._held += data
        joined = bytes(self._held)
        self._held.clear()
        return joined

    def _hold(self, data: bytes) -> None:
        self._held += data
        if len(self._held) > self._max_frame:
            raise FrameTooLargeError(f"a frame of the upstream has more than {self._max_frame} bytes")


def parse_block(block: bytes) -> Frame | None:
    """Read the lines of one frame; None when it carries no data, as a comment or a heartbeat."""
    event, lines = b"message", []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            lines.append(value.removeprefix(b" "))
        elif field == b"event":
            event = value.removeprefix(b" ") or b"message"
    return Frame(event, b"\n".join(lines)) if lines else None
