"""The UI message stream as `useCompletion` of the Vercel AI SDK reads it: its text and its errors alone. Pure.

It would take whatever else ends an answer for the end of a whole one, and an answer that begins again for more of it.
So a stop is an error here, and so is an answer that begins again after some of its text was shown.
"""

from __future__ import annotations

from ..encoding.base import AbortConnection
from .ui_message_encoder import PartType, UIMessageEncoder, error_frame

CANCELLED_MESSAGE = "The answer was stopped before it was whole."
"""What the reader of an answer is told that somebody else has stopped."""


def restart_message(reason: str, model: str) -> str:
    """Return what a reader is told to whom it cannot be shown that an answer begins again."""
    return f"{model} begins the answer again, which cannot be shown here ({reason}). Ask again."


class UICompletionEncoder(UIMessageEncoder):
    """One response: one answer's text."""

    __slots__ = ("_has_text",)

    def __init__(self, message_id: str | None) -> None:
        super().__init__(message_id)
        self._has_text = False

    def _delta(self, kind: PartType, text: str) -> list[bytes]:
        self._has_text = self._has_text or kind == "text"
        return super()._delta_frames(kind, text)

    def _abort(self) -> bytes:
        return error_frame(CANCELLED_MESSAGE)

    def _restart(self, reason: str, model: str) -> list[bytes]:
        if not self._has_text:
            return super()._restart_frames(reason, model)
        why = restart_message(reason, model)
        raise AbortConnection(error_frame(why), b"".join(self._close_parts_and_calls(why)))
