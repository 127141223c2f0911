"""Server-Sent Events: an encoder for one event, and a decoder for the stream of an upstream.

Pure: bytes to values and values to bytes, no I/O. The grammar is section 9.2 of the HTML standard: lines end at LF, CR
or CRLF and nowhere else, a blank line dispatches an event, and an event without its blank line is not dispatched.
"""

from __future__ import annotations

import msgspec

MAX_EVENT_BYTES = 8 * 1024 * 1024
"""Bytes that one event of an upstream may have."""


class EventTooLargeError(ValueError):
    """An event is longer than the decoder's limit."""


class ServerSentEvent(msgspec.Struct, frozen=True, gc=False):
    """One dispatched event.

    Args:
        event: Its name; `b"message"` if it has none.
        data: Its data lines, joined by LF.
    """

    event: bytes
    data: bytes


def encode_event(event: bytes, data: bytes) -> bytes:
    """Return the bytes of one event.

    Args:
        event: Its name.
        data: Its data, without line ends, such as compact JSON.
    """
    return b"event: %b\ndata: %b\n\n" % (event, data)


class SSEDecoder:
    """Decodes the bytes of an event stream, in pieces of any size, into events.

    Args:
        max_event_bytes: Bytes that one event may have.
    """

    __slots__ = ("_after_cr", "_event", "_is_past_bom", "_line", "_lines", "_max_event_bytes", "_size")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._after_cr = False
        self._is_past_bom = False
        # The unfinished event: its name, its complete data lines, its unfinished last line, and its size in bytes.
        self._event = b"message"
        self._lines: list[bytes] = []
        self._line = bytearray()
        self._size = 0

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Decode the next bytes and return the events that they complete.

        Raises:
            EventTooLargeError: an event is longer than `max_event_bytes`.
        """
        if b"\r" in data or self._after_cr:
            data = self._normalize_line_ends(data)
        if not self._is_past_bom:
            data = self._strip_bom(data)
        # Split at single line ends: Python takes several times as long to search for two bytes.
        *lines, rest = data.split(b"\n")
        if self._line and lines:
            lines[0] = self._take_line(lines[0])
        events: list[ServerSentEvent] = []
        for line in lines:
            if line.startswith(b"data: "):
                self._lines.append(line[6:])
            elif line:
                self._read_field(line)
            else:
                if self._lines:
                    events.append(ServerSentEvent(self._event, b"\n".join(self._lines)))
                    self._lines.clear()
                self._event, self._size = b"message", 0
        if rest or self._lines or (lines and lines[-1]):
            self._keep_unfinished(data, rest, is_new=b"" in lines)
        return events

    def flush(self) -> ServerSentEvent | None:
        """Return the unfinished event at the end of the stream; None if there is none or it has no data.

        The standard discards such an event. Some servers close the connection right after the last byte of their
        JSON; the JSON itself shows whether it is complete.
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
            # No field of the grammar begins like this: some servers write an error as plain JSON into the stream.
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
        # The unfinished line is copied once, at its end: copying for each small piece would take quadratic time.
        self._line += rest
        self._size += len(data) - (max(data.rfind(b"\n\n") + 2, 1) if is_new else 0)
        if self._size > self._max_event_bytes:
            raise EventTooLargeError(f"an event of the upstream has more than {self._max_event_bytes} bytes")
