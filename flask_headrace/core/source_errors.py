"""The errors of a source (an application's generator or provider) that gives something which cannot be streamed.

They are mistakes in the application, so they are Python's `TypeError` and `ValueError`. This file imports no other
module.
"""

from __future__ import annotations


class InvalidSource(Exception):
    """Base class: a source gives something that cannot be streamed.

    Args:
        message: What is wrong, with the value and what to do; for the log.
        reader_message: The same without the value, which may contain a secret; for readers.
    """

    def __init__(self, message: str, reader_message: str) -> None:
        super().__init__(message)
        self.reader_message = reader_message


class SourceTypeError(InvalidSource, TypeError):
    """A source, or something that it yields, has the wrong type."""


class SourceValueError(InvalidSource, ValueError):
    """A source yields an event with a wrong value."""
