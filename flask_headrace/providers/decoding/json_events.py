"""The frames of a streamed answer as values, for all whose data is one JSON object each. Pure.

What a provider's API sends is decoded at once. Only what that refuses is looked at again: some of it can be read all
the same, as other readers of JSON do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from typing import Any, Generic, TypeVar

import msgspec

from ...core.errors import UpstreamProtocolError
from ...core.json_text import ESCAPE, REPLACEMENT_CHARACTER
from ...core.sse import ServerSentEvent
from .usage import whole_numbers

F = TypeVar("F", bound=msgspec.Struct)

UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError)
"""What decoding raises of data that is to be looked at again."""


class _Named(msgspec.Struct, gc=False):
    type: str = "message"


class JSONFrames(Generic[F]):
    """Reads the frames of one answer.

    Args:
        upstream: How messages name the upstream.
        shape: What the frames are.
        known: The events whose shape is known (`message` stands for none). Others may be of any, and are read as
            nothing.
    """

    __slots__ = ("_decode", "_first_half", "_known", "_shape", "_upstream")

    def __init__(self, upstream: str, shape: type[F], decode: Callable[[bytes], F], known: Collection[bytes]) -> None:
        self._upstream, self._shape, self._decode, self._known = upstream, shape, decode, known
        self._first_half = b""  # of a character that an upstream has cut in two, escaped

    def read(self, frame: ServerSentEvent) -> F | None:
        """Return a frame's value; None for the sign that none comes after it. One without data is read as nothing.

        Raises:
            UpstreamProtocolError: it is not JSON, or of another shape.
        """
        try:
            return self._decode(frame.data)
        except UNREADABLE as error:
            return self._read_again(frame, error)

    def _read_again(self, frame: ServerSentEvent, error: Exception) -> F | None:
        word = _word_in(frame.data)
        if word == b"[DONE]":
            return None
        if word in {b"", b"null"}:
            return self._shape()
        try:
            if isinstance(error, msgspec.ValidationError) and _name_of(frame) not in self._known:
                return self._shape()
            return self._read_loosely(ESCAPE.sub(self._whole, frame.data))
        except UNREADABLE:
            # The first error tells more.
            raise UpstreamProtocolError(
                f"{self._upstream} sent a frame that cannot be read ({error}). Try again."
            ) from error

    def _read_loosely(self, data: bytes) -> F:
        try:
            return self._decode(data)
        except msgspec.DecodeError:
            # This reader knows NaN and infinite numbers, which servers in Python write; written again, they are null.
            value = json.loads(data.decode())
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            # As Google's servers send an error.
            value = value[0]
        try:
            return self._decode(msgspec.json.encode(_with_usage(value, whole_numbers)))
        except msgspec.ValidationError:
            # An answer is whole without counts that are none.
            return self._decode(msgspec.json.encode(_with_usage(value, lambda _: None)))

    def _whole(self, escape: re.Match[bytes]) -> bytes:
        text, begin, end = escape.string, escape.start(), escape.end()
        if escape["first"] and text[end : end + 1] == b'"':
            self._first_half = escape["first"]
            return b""
        if escape["second"] and text[begin - 1 : begin] == b'"' and self._first_half:
            half, self._first_half = self._first_half, b""
            return half + escape["second"]
        return REPLACEMENT_CHARACTER if escape.lastgroup else escape[0]


def is_whole(data: bytes) -> bool:
    """Whether a frame's data is all of it, where the stream ended before the frame did: no part of it is JSON."""
    if _word_in(data) == b"[DONE]":
        return True
    try:
        return isinstance(json.loads(data), dict)
    except (ValueError, RecursionError):
        return False


def as_text(value: Any) -> str:  # noqa: ANN401  # what a server sent
    """Return a text, or that of the JSON that some servers send in its place, such as the arguments themselves."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _word_in(data: bytes) -> bytes:
    # Longer data is JSON, or nothing that can be read.
    return data.strip(b' \t\r\n"') if len(data) < 16 else data


def _name_of(frame: ServerSentEvent) -> bytes:
    # Some servers leave out the name, and the type in the data tells it.
    if frame.event != b"message":
        return frame.event
    try:
        return msgspec.json.decode(frame.data, type=_Named).type.encode()
    except msgspec.ValidationError:
        return frame.event


def _with_usage(value: Any, change: Callable[[Any], Any]) -> Any:  # noqa: ANN401  # any JSON
    if isinstance(value, dict):
        return {name: change(inner) if name == "usage" else _with_usage(inner, change) for name, inner in value.items()}
    return value
