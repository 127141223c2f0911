"""The sequence numbers of the frames of OpenAI's Responses API, by which a client continues a stream. Pure.

The frames of a stream are the same whoever encodes it, so a reader that continues gets all events encoded anew, without
the frames that it has.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...core.errors import HeadraceError
from ...core.events import Event, Failed
from ...core.sse import encode_event
from ...streaming.resume.cursor import INTERRUPTED_CODES
from ..encoding.base import AbortConnection, StreamEncoder


class _Numbered(msgspec.Struct):
    sequence_number: int


_number_decoder = msgspec.json.Decoder(_Numbered)


def last_sequence_number(frames: bytes) -> int | None:
    """Return the sequence number of the last of encoded frames; None if there are none."""
    last = _split(frames)[-1:]
    return _number(last[0]) if last else None


def is_interruption(event: Event | None) -> bool:
    """Whether an event ends a stream whose readers may have more events than the store, see `cursor`."""
    return isinstance(event, Failed) and event.code in INTERRUPTED_CODES


class SkipSeenFrames:
    """Wraps an encoder: it encodes all events from the first one, and returns only the frames that the client has not.

    If the stream was interrupted, the client may have frames that were lost with their worker. It gets the last frame
    then with the number after its own.

    Args:
        encoder: The encoder of the response.
        seen: The sequence number of the last frame that the client has.
    """

    def __init__(self, encoder: StreamEncoder, seen: int) -> None:
        self._encoder, self._seen = encoder, seen
        self._is_past = False
        self.HEADERS = encoder.HEADERS

    def encode(self, events: list[Event], first_id: int | None = None, id_suffix: bytes = b"") -> bytes:
        """Return the frames of the next events that the client does not have; see `StreamEncoder.encode`.

        Raises:
            AbortConnection: the protocol cannot continue.
        """
        try:
            frames = self._encoder.encode(events, first_id, id_suffix)
        except AbortConnection as abort:
            raise AbortConnection(self._unseen(abort.final_bytes, None)) from None
        return self._unseen(frames, events[-1]) if events else frames

    def error_body(self, error: HeadraceError) -> Any:  # noqa: ANN401
        """Return the wrapped encoder's body of an error response."""
        return self._encoder.error_body(error)

    def _unseen(self, encoded: bytes, last_event: Event | None) -> bytes:
        if self._is_past or not encoded:
            return encoded
        frames = _split(encoded)
        if _number(frames[-1]) <= self._seen:
            return _renumber(frames[-1], self._seen + 1) if is_interruption(last_event) else b""
        self._is_past = True
        return b"".join([frame for frame in frames if _number(frame) > self._seen])


def _split(frames: bytes) -> list[bytes]:
    # JSON contains no line feed, so a blank line is always the end of a frame.
    return [frame + b"\n\n" for frame in frames.split(b"\n\n") if frame]


def _data(frame: bytes) -> bytes:
    return frame.partition(b"\ndata: ")[2]


def _number(frame: bytes) -> int:
    return _number_decoder.decode(_data(frame)).sequence_number


def _renumber(frame: bytes, number: int) -> bytes:
    fields = msgspec.json.decode(_data(frame), type=dict[str, msgspec.Raw])
    head = frame.partition(b"event: ")[0]
    data = msgspec.json.encode({**fields, "sequence_number": number})
    return head + encode_event(msgspec.json.decode(fields["type"], type=str).encode(), data)
