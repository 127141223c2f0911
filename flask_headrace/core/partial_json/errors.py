"""Errors of a JSON text, with their position."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .patches import Patch


class JSONError(ValueError):
    """Base class of the errors of a JSON text.

    Args:
        message: A sentence for people; the position is appended to it.
        at: The position of the offending character in the whole text, from 0.
    """

    def __init__(self, message: str, at: int) -> None:
        super().__init__(f"{message}, at character {at}")
        self.at = at
        self.patches: list[Patch] = []
        """The patches of the offending piece up to that character."""


class Malformed(JSONError):
    """The text is not the beginning of any JSON document (RFC 8259)."""


class Incomplete(JSONError):
    """The text has ended before its document, or contains none."""


class TooDeep(JSONError):
    """The arrays and objects are nested deeper than the limit."""


class TooLong(JSONError):
    """The text, a number in it, or the path of a value is longer than its limit."""
