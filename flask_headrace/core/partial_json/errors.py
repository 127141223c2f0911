"""What is wrong with a JSON text, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .patches import Patch


class JSONError(ValueError):
    """The root of these.

    Args:
        message: A sentence for people; the place is added to it.
        at: How many characters of the text come before the one at which it went wrong.
    """

    def __init__(self, message: str, at: int) -> None:
        super().__init__(f"{message}, at character {at}")
        self.at = at
        self.patches: list[Patch] = []
        """What the refused piece still brought before that character."""


class Malformed(JSONError):
    """No text that goes on like this is JSON (RFC 8259)."""


class Incomplete(JSONError):
    """The text has ended and its document has not, or there is none in it."""


class TooDeep(JSONError):
    """More arrays and objects are open inside each other than may be."""


class TooLong(JSONError):
    """The text, a number in it or the path to a value is longer than it may be."""
