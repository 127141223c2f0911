"""The interface of an encoder: it turns the events of one response into the bytes of one client protocol.

An encoder object serves one response and may remember the events that it has encoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ...core.answer import CollectedAnswer
from ...core.errors import HeadraceError
from ...core.events import Event

EVENT_STREAM_HEADERS: Mapping[str, str] = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
"""Headers of an SSE response: proxies must not cache, transform or buffer it."""

PLAIN_TEXT_HEADERS: Mapping[str, str] = {
    **EVENT_STREAM_HEADERS,
    "Content-Type": "text/plain; charset=utf-8",
    # Browsers must never interpret a model's output as HTML.
    "X-Content-Type-Options": "nosniff",
}
"""Headers of a streamed plain-text response: proxies must not cache, transform or buffer it."""


class AbortConnection(Exception):
    """Raised by an encoder that cannot continue: the server sends `final_bytes` and then breaks the connection.

    Args:
        error_frame: The encoded error, if the protocol has a form for errors.
        preceding: Bytes that were encoded before the error and not yet sent.
    """

    def __init__(self, error_frame: bytes = b"", preceding: bytes = b"") -> None:
        super().__init__()
        self.error_frame, self.preceding = error_frame, preceding

    @property
    def final_bytes(self) -> bytes:
        """The bytes to send before the connection is broken."""
        return self.preceding + self.error_frame

    def with_preceding(self, before: bytes) -> AbortConnection:
        """Return a copy that also sends `before`, ahead of the other bytes."""
        return AbortConnection(self.error_frame, before + self.preceding)


class StreamEncoder(Protocol):
    """Encodes one response in one client protocol."""

    @property
    def HEADERS(self) -> Mapping[str, str]:  # noqa: N802  # a constant of a class or a module
        """The HTTP headers of a streamed response."""
        ...

    def encode(self, events: list[Event], first_id: int | None = None, id_suffix: bytes = b"") -> bytes:
        """Return the bytes of the next events; empty if the protocol has no form for them.

        Args:
            events: The next events. An empty list is encoded as a heartbeat.
            first_id: The number of the first event in `events` if the stream is resumable; None otherwise.
            id_suffix: The bytes after each event number in `id:` lines; see `event_id_suffix`.

        Raises:
            AbortConnection: the protocol cannot continue, and the connection must be broken.
        """
        ...

    def error_body(self, error: HeadraceError) -> Any:  # noqa: ANN401  # a JSON value of the protocol
        """Return the body of an error response: a JSON value, or a string to send as plain text.

        Args:
            error: The error, which has occurred before any event was sent.
        """
        ...


class JSONEncoder(StreamEncoder, Protocol):
    """Encodes one response in one client protocol, as a stream or as one JSON value."""

    def encode_whole(self, answer: CollectedAnswer) -> Any:  # noqa: ANN401  # a JSON value of the protocol
        """Return a complete answer as one JSON value.

        Args:
            answer: The answer, collected from all events.
        """
        ...
