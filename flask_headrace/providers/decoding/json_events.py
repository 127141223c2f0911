"""Decodes server-sent events whose data is one JSON object each. Pure.

Valid data is decoded in one step. Only data that fails is examined again: a part of it can be decoded leniently, as
other JSON parsers do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from typing import Any, Generic, TypeVar

import msgspec

from ...core import exact_json
from ...core.errors import UpstreamProtocolError
from ...core.exact_json import parse_fraction, parse_number
from ...core.json_text import ESCAPE, REPLACEMENT_CHARACTER
from ...core.sse import ServerSentEvent
from .usage import normalize_integers

F = TypeVar("F", bound=msgspec.Struct)

DECODE_ERRORS = (msgspec.DecodeError, ValueError, RecursionError)
"""The exceptions of decoding data that is then examined again."""


class _TypedEvent(msgspec.Struct, gc=False):
    type: str = "message"


class JSONEventDecoder(Generic[F]):
    """Decodes the events of one stream.

    Args:
        upstream: Names the upstream in messages.
        event_type: The msgspec type of the events; it can be constructed without arguments.
        decode: Decodes JSON to `event_type`.
        known_events: Names of the events that must fit `event_type`; `message` stands for events without a name.
            Other events that do not fit are read as an empty `event_type`.
    """

    __slots__ = ("_decode", "_event_type", "_first_half", "_known_events", "_upstream")

    def __init__(
        self, upstream: str, event_type: type[F], decode: Callable[[bytes], F], known_events: Collection[bytes]
    ) -> None:
        self._upstream, self._event_type, self._decode, self._known_events = upstream, event_type, decode, known_events
        self._first_half = b""  # an escaped high surrogate whose low half comes in the next event

    def read(self, frame: ServerSentEvent) -> F | None:
        """Return the decoded data of an event, or None for `[DONE]`. Empty data gives an empty event.

        Raises:
            UpstreamProtocolError: the data is not JSON, or does not fit the event type.
        """
        try:
            return self._decode(frame.data)
        except DECODE_ERRORS as error:
            return self._retry(frame, error)

    def _retry(self, frame: ServerSentEvent, error: Exception) -> F | None:
        word = _bare_word(frame.data)
        if word == b"[DONE]":
            return None
        if word in {b"", b"null"}:
            return self._event_type()
        try:
            if isinstance(error, msgspec.ValidationError) and _event_name(frame) not in self._known_events:
                return self._event_type()
            return self._read_leniently(ESCAPE.sub(self._join_surrogates, frame.data))
        except DECODE_ERRORS:
            # The first error says more than the second.
            raise UpstreamProtocolError(
                f"{self._upstream} sent an event that cannot be decoded ({error}). Try again."
            ) from error

    def _read_leniently(self, data: bytes) -> F:
        try:
            return self._decode(data)
        except msgspec.DecodeError:
            # Python's parser accepts NaN and infinities, which some servers write; msgspec encodes them as null.
            value = json.loads(data.decode(), parse_float=parse_fraction, parse_int=parse_number)
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            # Google's servers send an error in a list.
            value = value[0]
        try:
            return self._decode(exact_json.encode(_map_usage(value, normalize_integers)))
        except msgspec.ValidationError:
            # An answer is complete even if its token counts are invalid.
            return self._decode(exact_json.encode(_map_usage(value, lambda _: None)))

    def _join_surrogates(self, escape: re.Match[bytes]) -> bytes:
        text, begin, end = escape.string, escape.start(), escape.end()
        if escape["first"] and text[end : end + 1] == b'"':
            self._first_half = escape["first"]
            return b""
        if escape["second"] and text[begin - 1 : begin] == b'"' and self._first_half:
            half, self._first_half = self._first_half, b""
            return half + escape["second"]
        return REPLACEMENT_CHARACTER if escape.lastgroup else escape[0]


def is_complete_json(data: bytes) -> bool:
    """Whether the data of the last, unterminated event is complete: an incomplete part of it would not be JSON."""
    if _bare_word(data) == b"[DONE]":
        return True
    try:
        return isinstance(json.loads(data), dict)
    except (ValueError, RecursionError):
        return False


def to_text(value: Any) -> str:  # noqa: ANN401  # what a server sent
    """Return a string as it is, an empty string for None, and the JSON of other values, which some servers send."""
    if value is None or isinstance(value, str):
        return value or ""
    return exact_json.encode(value).decode()


def _bare_word(data: bytes) -> bytes:
    # Longer data is JSON, or invalid.
    return data.strip(b' \t\r\n"') if len(data) < 16 else data


def _event_name(frame: ServerSentEvent) -> bytes:
    # Some servers leave out the event's name, and have it only as the type in the data.
    if frame.event != b"message":
        return frame.event
    try:
        return msgspec.json.decode(frame.data, type=_TypedEvent).type.encode()
    except msgspec.ValidationError:
        return frame.event


def _map_usage(value: Any, change: Callable[[Any], Any]) -> Any:  # noqa: ANN401  # any JSON
    if isinstance(value, dict):
        return {name: change(inner) if name == "usage" else _map_usage(inner, change) for name, inner in value.items()}
    return value
