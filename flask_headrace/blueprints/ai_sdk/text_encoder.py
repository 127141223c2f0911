"""The encoder of plain text, for the Vercel AI SDK's `streamProtocol: "text"`.

Only the answer's text is sent; reasoning, tool calls and usage are omitted. The protocol has no form for errors, and
clients take every normal end for the end of a complete answer, so every other end breaks the connection. Pure.
"""

from __future__ import annotations

from ...core.errors import HeadraceError
from ...core.events import AnswerRestarted, Cancelled, Completed, Event, Failed, FinishReason, TextDelta
from ..encoding.base import PLAIN_TEXT_HEADERS, AbortConnection

CUT: frozenset[FinishReason] = frozenset({"content_filter", "length"})
"""Finish reasons of an answer that is not whole."""


class PlainTextEncoder:
    """Encodes one response."""

    HEADERS = PLAIN_TEXT_HEADERS
    HEARTBEAT = b""
    """Bytes of a heartbeat before the text: empty, because clients would take any byte for text."""

    __slots__ = ("_has_begun",)

    def __init__(self) -> None:
        self._has_begun = False

    def encode(self, events: list[Event], first_id: int | None = None, id_suffix: bytes = b"") -> bytes:
        """Return the text of the next events, possibly empty; see `StreamEncoder.encode`.

        Args:
            events: The next events. An empty list is encoded as a heartbeat.
            first_id: Ignored: text has no event ids.
            id_suffix: Ignored: text has no event ids.

        Raises:
            AbortConnection: the answer has ended and is incomplete, also if it was cut at its limit of tokens or by a
                filter, or restarts after its first text.
        """
        if not events:
            return b"" if self._has_begun else self.HEARTBEAT
        written = bytearray()
        try:
            for event in events:
                written += self._encode_one(event).encode()
        except AbortConnection as abort:
            raise abort.with_preceding(bytes(written)) from None
        return bytes(written)

    def error_body(self, error: HeadraceError) -> str:
        """Return the body of an error response: its message, which the SDK's clients show."""
        return error.message

    def _encode_one(self, event: Event) -> str:
        match event:
            case TextDelta(text):
                return self._append_text(text)
            case Completed(reason):
                return self._end(reason)
            case Failed() | Cancelled():
                raise AbortConnection
            case AnswerRestarted():
                self._restart()
        return ""

    def _append_text(self, text: str) -> str:
        self._has_begun = True
        return text

    def _end(self, reason: FinishReason) -> str:
        if reason in CUT:
            raise AbortConnection
        return ""

    def _restart(self) -> None:
        if self._has_begun:
            raise AbortConnection
