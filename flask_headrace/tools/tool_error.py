"""The error by which a tool tells the model why it cannot do something."""

from __future__ import annotations


class ToolError(Exception):
    """A tool cannot do what the model wants, for a reason that the model is told, and may then go on.

    Args:
        message: The reason, for the model. Readers of the native protocol and of the AI SDK's see it, too.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
