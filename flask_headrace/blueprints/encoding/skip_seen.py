"""Any wire, for a reader that has a part of the stream already. Pure."""

from __future__ import annotations

from typing import Any

from ...core.errors import HeadraceError
from ...core.events import Event
from .base import AbortConnection, StreamEncoder


class SkipSeenEvents:
    """Lets a wire see all events, since its frames depend on what came before, and sends those that are new.

    Args:
        wire: The protocol.
        seen: The number of the last event that the reader has already.
    """

    def __init__(self, encoder: StreamEncoder, seen: int) -> None:
        self._encoder, self._seen = encoder, seen
        self.HEADERS = encoder.HEADERS

    def encode(self, events: list[Event], first: int | None = None, suffix: bytes = b"") -> bytes:
        """Write the events that are new; see `StreamEncoder.encode`. What has no number is of this reading, and always new.

        Raises:
            AbortConnection: the protocol cannot go on; where it could not before the reader left, with its last words alone.
        """
        known = 0 if first is None else max(0, min(self._seen - first + 1, len(events)))
        if first is None or not known:
            return self._encoder.encode(events, first, suffix)
        try:
            self._encoder.encode(events[:known], first, suffix)
        except AbortConnection as broken:
            raise AbortConnection(broken.error_frame) from None
        new = events[known:]
        return self._encoder.encode(new, self._seen + 1, suffix) if new else b""

    def error_body(self, error: HeadraceError) -> Any:  # noqa: ANN401
        """Return the body of a response with an error's own status."""
        return self._encoder.error_body(error)
