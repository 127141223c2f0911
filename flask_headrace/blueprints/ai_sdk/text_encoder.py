"""Plain text: what the Vercel AI SDK reads where its `streamProtocol` is `text`.

There is the answer's text and nothing else: reasoning, tool calls and usage are left out on purpose. It has no word for
a failure either, and a reader takes every proper end for the end of a whole answer, so whatever else ends an answer
breaks the connection. Pure.
"""

from __future__ import annotations

from ...core.errors import HeadraceError
from ...core.events import AnswerRestarted, Cancelled, Completed, Event, Failed, TextDelta
from ..encoding.base import PLAIN_TEXT_HEADERS, AbortConnection


class PlainTextEncoder:
    """Writes one response."""

    HEADERS = PLAIN_TEXT_HEADERS
    HEARTBEAT = b""
    """What may be sent before the text: here, nothing that would not be taken for a part of it."""

    __slots__ = ("_has_begun",)

    def __init__(self) -> None:
        self._has_begun = False

    def encode(self, events: list[Event], first: int | None = None, suffix: bytes = b"") -> bytes:
        """Write the text of events; an empty list is a silence. May return nothing.

        Raises:
            AbortConnection: the answer has ended, and is not whole.
        """
        if not events:
            return b"" if self._has_begun else self.HEARTBEAT
        written = bytearray()
        try:
            for event in events:
                written += self._encode_one(event).encode()
        except AbortConnection as broken:
            raise broken.with_preceding(bytes(written)) from None
        return bytes(written)

    def error_body(self, error: HeadraceError) -> str:
        """Return the body of a response with an error's own status, which its readers show as it is."""
        return error.message

    def _encode_one(self, event: Event) -> str:
        match event:
            case TextDelta(text):
                return self._append_text(text)
            case Completed():
                return self._end()
            case Failed() | Cancelled():
                raise AbortConnection
            case AnswerRestarted():
                self._restart()
        return ""

    def _append_text(self, text: str) -> str:
        self._has_begun = True
        return text

    def _end(self) -> str:
        return ""

    def _restart(self) -> None:
        if self._has_begun:
            raise AbortConnection
