"""What a wire is: one client protocol, as pure functions from events to bytes.

One wire object writes one response, and may keep what its protocol needs to know of what it has written.
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
"""What a response says of itself: an event stream that no proxy may keep, change or hold back."""

PLAIN_TEXT_HEADERS: Mapping[str, str] = {
    **EVENT_STREAM_HEADERS,
    "Content-Type": "text/plain; charset=utf-8",
    # What a model writes is never to be taken for a page.
    "X-Content-Type-Options": "nosniff",
}
"""The same of a stream that is not made of events."""


class AbortConnection(Exception):
    """The protocol cannot go on: the connection is to be broken after these last bytes.

    Args:
        words: What is said of it, where the protocol has words for that.
        before: What was written before, and not sent yet.
    """

    def __init__(self, words: bytes = b"", before: bytes = b"") -> None:
        super().__init__()
        self.error_frame, self.preceding = words, before

    @property
    def final_bytes(self) -> bytes:
        """All that is to be sent before the connection is broken."""
        return self.preceding + self.error_frame

    def with_preceding(self, before: bytes) -> AbortConnection:
        """Return the same, with more that was written before."""
        return AbortConnection(self.error_frame, before + self.preceding)


class StreamEncoder(Protocol):
    """One client protocol, for one response."""

    @property
    def HEADERS(self) -> Mapping[str, str]:  # noqa: N802  # a constant of the class, or of the module
        """The headers of a streamed response."""
        ...

    def encode(self, events: list[Event], first: int | None = None, suffix: bytes = b"") -> bytes:
        """Write events; an empty list is a silence and becomes a heartbeat. May return nothing.

        Args:
            events: What has come.
            first: The number of the first of them, where the stream can be resumed.
            suffix: What follows each number; see `position`.

        Raises:
            AbortConnection: the connection is to be broken.
        """
        ...

    def error_body(self, error: HeadraceError) -> Any:  # noqa: ANN401  # a JSON value of the protocol
        """Return the body of a response with an error's own status; a string is sent as plain text."""
        ...


class JSONEncoder(StreamEncoder, Protocol):
    """A client protocol that can also give an answer in one piece."""

    def encode_whole(self, answer: CollectedAnswer) -> Any:  # noqa: ANN401  # a JSON value of the protocol
        """Return an answer that is given in one piece."""
        ...
