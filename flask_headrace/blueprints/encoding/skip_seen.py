"""An encoder for clients that have already received a part of the stream. Pure."""

from __future__ import annotations

from typing import Any

from ...core.errors import HeadraceError
from ...core.events import Event
from .base import AbortConnection, StreamEncoder


class SkipSeenEvents:
    """Wraps an encoder whose frames depend on earlier events: it encodes all events and returns only new frames.

    Args:
        encoder: The encoder of the protocol.
        seen: The number of the last event that the client has received.
    """

    def __init__(self, encoder: StreamEncoder, seen: int) -> None:
        self._encoder, self._seen = encoder, seen
        self.HEADERS = encoder.HEADERS

    def encode(self, events: list[Event], first_id: int | None = None, id_suffix: bytes = b"") -> bytes:
        """Return the bytes of the events after `seen`; see `StreamEncoder.encode`.

        Events without a number exist only for this reader, so they are always new.

        Raises:
            AbortConnection: the protocol cannot continue. If a seen event causes this, only the error frame is sent.
        """
        seen_count = 0 if first_id is None else max(0, min(self._seen - first_id + 1, len(events)))
        if first_id is None or not seen_count:
            return self._encoder.encode(events, first_id, id_suffix)
        try:
            self._encoder.encode(events[:seen_count], first_id, id_suffix)
        except AbortConnection as abort:
            raise AbortConnection(abort.error_frame) from None
        new = events[seen_count:]
        return self._encoder.encode(new, self._seen + 1, id_suffix) if new else b""

    def error_body(self, error: HeadraceError) -> Any:  # noqa: ANN401
        """Return the wrapped encoder's body of an error response."""
        return self._encoder.error_body(error)
