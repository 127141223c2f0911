"""The free text with which a model calls a custom tool, as the arguments of a function with one text, and back. Pure.

OpenAI's custom tools are called with free text. All other providers and protocols have functions, which are called with
JSON: here such a tool is a function with the one parameter `input`.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from . import exact_json

INPUT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The whole input of the tool, as plain text."}},
    "required": ["input"],
    "additionalProperties": False,
}
"""The JSON Schema of the arguments of a custom tool that is offered as a function."""

_OPENING = '{"input":"'
_CLOSING = '"}'

_STRING_START = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_PIECE = re.compile(r'[^"\\]+|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|\\[^u]')
_MAX_OPENING_CHARS = 1024

_encode = exact_json.encode
_decode_text = msgspec.json.Decoder(str).decode


class InputToArguments:
    """Turns the text of one call, as it arrives, into the JSON text of the function's arguments."""

    __slots__ = ("_has_begun",)

    def __init__(self) -> None:
        self._has_begun = False

    def feed(self, text: str) -> str:
        """Return the JSON text for the next piece of the input."""
        opening = "" if self._has_begun else _OPENING
        self._has_begun = True
        return opening + _encode(text).decode()[1:-1]

    def end(self) -> str:
        """Return the rest of the JSON text."""
        return (_CLOSING) if self._has_begun else _OPENING + _CLOSING


class ArgumentsToInput:
    """Turns the JSON text of a function's arguments, as it arrives, into the text of one call.

    Whatever the model writes in place of `{"input": "…"}` becomes text at the end of the call.
    """

    __slots__ = ("_buffer", "_is_in_string", "_is_other", "_sent")

    def __init__(self) -> None:
        self._buffer = ""
        self._is_in_string = self._is_other = False
        self._sent = 0  # characters of the input that were returned

    def feed(self, text: str) -> str:
        """Return the next piece of the input; empty if it cannot be known yet."""
        if self._is_other:
            return ""
        self._buffer += text
        if not self._is_in_string:
            if (opening := _STRING_START.match(self._buffer)) is None:
                self._is_other = len(self._buffer) > _MAX_OPENING_CHARS
                return ""
            self._buffer, self._is_in_string = self._buffer[opening.end() :], True
        return self._take()

    def _take(self) -> str:
        end = 0
        while (piece := _PIECE.match(self._buffer, end)) is not None:
            end = piece.end()
        written, self._buffer = self._buffer[:end], self._buffer[end:]
        if self._buffer.startswith('"'):
            self._is_other = True  # the string has ended; the rest comes at the end, if there is any
        try:
            known = _decode_text(f'"{written}"'.encode())
        except (msgspec.MsgspecError, UnicodeEncodeError):
            self._is_other = True
            return ""
        self._sent += len(known)
        return known

    def end(self, arguments: Any) -> str:  # noqa: ANN401  # a JSON value
        """Return the rest of the input.

        Args:
            arguments: The parsed value of the whole arguments.
        """
        return input_of(arguments)[self._sent :]


def input_of(arguments: Any) -> str:  # noqa: ANN401  # a JSON value
    """Return the input that a function's arguments stand for; their JSON text if they are not of `INPUT_SCHEMA`."""
    if isinstance(arguments, dict) and isinstance(text := arguments.get("input"), str):
        return text
    return _encode(arguments).decode() if arguments else ""
