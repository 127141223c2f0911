"""Server-Sent Events: frames out, and the decoder for what an upstream sends.

Pure: bytes to values and values to bytes, no I/O. The grammar is section 9.2 of the HTML standard: lines end at LF,
CR or CRLF and nowhere else, a blank line dispatches, and a frame without its blank line is never counted.
"""

from __future__ import annotations

import msgspec

MAX_EVENT_BYTES = 8 * 1024 * 1024
"""Bytes that one frame of an upstream may have."""


class EventTooLargeError(ValueError):
    """A frame grew past the bound before its blank line came."""


class ServerSentEvent(msgspec.Struct, frozen=True, gc=False):
    """One dispatched frame: its `event` name (`b"message"` where it has none) and its data lines, joined by LF."""

    event: bytes
    data: bytes


def encode_event(event: bytes, data: bytes) -> bytes:
    """Write one frame with a name. `data` must be free of line ends, as JSON is."""
    return b"event: %b\ndata: %b\n\n" % (event, data)


class SSEDecoder:
    """Turn the bytes of an event stream into frames, however they are cut.

    Args:
        max_frame: Bytes that one frame may have.
    """

    __slots__ = ("_after_cr", "_event", "_is_past_bom", "_line", "_lines", "_max_event_bytes", "_size")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._after_cr = False
        self._is_past_bom = False
        # Of the frame that has not ended: its name, its data lines, its last line as far as it has come, and its bytes.
        self._event = b"message"
        self._lines: list[bytes] = []
        self._line = bytearray()
        self._size = 0

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Take the next bytes and return the frames that they complete.

        Raises:
            FrameTooLargeError: a frame is longer than the bound.
        """
        if b"\r" in data or self._after_cr:
            data = self._normalize_line_ends(data)
        if not self._is_past_bom:
            data = self._strip_bom(data)
        # At single line ends: Python takes several times as long to look for two bytes.
        *lines, rest = data.split(b"\n")
        if self._line and lines:
            lines[0] = self._take_line(lines[0])
        frames: list[ServerSentEvent] = []
        for line in lines:
            if line.startswith(b"data: "):
                self._lines.append(line[6:])
            elif line:
                self._read_field(line)
            else:
                if self._lines:
                    frames.append(ServerSentEvent(self._event, b"\n".join(self._lines)))
                    self._lines.clear()
                self._event, self._size = b"message", 0
        if rest or self._lines or (lines and lines[-1]):
            self._keep_unfinished(data, rest, is_new=b"" in lines)
        return frames

    def flush(self) -> ServerSentEvent | None:
        """Return the frame that had begun when the stream ended; None where there is none, or nothing in it yet.

        The grammar does not count it. Some servers hang up behind their last byte of JSON, though, and whether that
        is whole, the JSON itself tells.
        """
        if line := self._take_line(b""):
            self._read_field(line)
        data, event = b"\n".join(self._lines), self._event
        self._lines.clear()
        return ServerSentEvent(event, data) if data else None

    def _read_field(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        if field == b"event":
            self._event = value.removeprefix(b" ") or b"message"
        elif field == b"data":
            self._lines.append(value.removeprefix(b" "))
        elif line.startswith(b"{"):
            # No field of the grammar begins so: a failure that a server wrote without minding that this is a stream.
            self._lines.append(line)
        elif field == b"error":
            self._lines.append(b'{"error":%b}' % value)

    def _normalize_line_ends(self, data: bytes) -> bytes:
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
            self._after_cr = False
        if data:
            self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _strip_bom(self, data: bytes) -> bytes:
        data = self._take_line(data)
        if len(data) < 3 and b"\xef\xbb\xbf".startswith(data):
            self._line += data
            return b""
        self._is_past_bom = True
        return data.removeprefix(b"\xef\xbb\xbf")

    def _take_line(self, data: bytes) -> bytes:
        self._line += data
        joined = bytes(self._line)
        self._line.clear()
        return joined

    def _keep_unfinished(self, data: bytes, rest: bytes, *, is_new: bool) -> None:
        # What is held is copied once, at its end: else many small pieces were quadratic.
        self._line += rest
        self._size += len(data) - (max(data.rfind(b"\n\n") + 2, 1) if is_new else 0)
        if self._size > self._max_event_bytes:
            raise EventTooLargeError(f"a frame of the upstream has more than {self._max_event_bytes} bytes")
