"""The UI message stream for `useCompletion` of the Vercel AI SDK, which reads only text and errors. Pure.

`useCompletion` ignores all other frames: it would take a cancelled answer for a complete one, and would append a
restarted answer to its first text. So a cancellation is encoded as an error, and so is a restart after the first text.
"""

from __future__ import annotations

from ...core.events import AnswerRestarted
from ..encoding.base import AbortConnection
from .ui_frames import error_frame, restart_message
from .ui_message_encoder import PartType, UIMessageEncoder

CANCELLED_MESSAGE = "The answer was stopped before it was complete."
"""The error message of a cancelled answer."""


class UICompletionEncoder(UIMessageEncoder):
    """Encodes one response: the text of one answer."""

    __slots__ = ("_has_text",)

    def __init__(self, message_id: str | None) -> None:
        super().__init__(message_id)
        self._has_text = False

    def _delta_frames(self, part_type: PartType, text: str) -> list[bytes]:
        self._has_text = self._has_text or part_type == "text"
        return super()._delta_frames(part_type, text)

    def _abort_frame(self, reason: str) -> bytes:
        return error_frame(CANCELLED_MESSAGE)

    def _restart_frames(self, event: AnswerRestarted) -> list[bytes]:
        if not self._has_text:
            return super()._restart_frames(event)
        why = restart_message(event.reason, event.model)
        raise AbortConnection(error_frame(why), b"".join(self._close_parts_and_calls(why)))
