"""The UI message stream as `useCompletion` of the Vercel AI SDK reads it: its text and its errors alone. Pure.

It would take whatever else ends an answer for the end of a whole one, and an answer that begins again for more of it.
So a stop is an error here, and so is an answer that begins again after some of its text was shown.
"""

from __future__ import annotations

from ..encoding.base import AbortConnection
from .ui_message_encoder import Kind, UIMessageEncoder, error_frame

STOPPED = "The answer was stopped before it was complete."
"""What the reader of an answer is told that somebody else has stopped."""


def begins_again(reason: str, model: str) -> str:
    """Return what a reader is told to whom it cannot be shown that an answer begins again."""
    return f"{model} begins the answer again, which cannot be shown here ({reason}). Ask again."


class UICompletionEncoder(UIMessageEncoder):
    """One response: one answer's text."""

    __slots__ = ("_has_text",)

    def __init__(self, message_id: str | None) -> None:
        super().__init__(message_id)
        self._has_text = False

    def _delta(self, kind: Kind, text: str) -> list[bytes]:
        self._has_text = self._has_text or kind == "text"
        return super()._delta(kind, text)

    def _abort(self) -> bytes:
        return error_frame(STOPPED)

    def _restart(self, reason: str, model: str) -> list[bytes]:
        if not self._has_text:
            return super()._restart(reason, model)
        why = begins_again(reason, model)
        raise AbortConnection(error_frame(why), b"".join(self._close_all(why)))
