"""Reads and validates the body of the current request."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import gevent
import msgspec
from flask import request

from ...core.errors import BodyTooLarge, InvalidRequest
from ...core.exact_json import ExactDecoder
from ...core.json_depth import MAX_DEPTH
from ...core.json_object import object_decoder
from ...core.json_text import find_lone_surrogate
from ...providers.chat_request import Json
from ..state import current_state
from .body_files import BodyText, split_body
from .item_limits import MAX_ITEMS, has_too_many_items
from .json_structure import MAX_VALUES, has_too_many_values, is_too_deep
from .receive_body import receive_body
from .validation_messages import allowed_values

B = TypeVar("B")

SHORTEST_SLEEP = 1e-6
"""Seconds, for which a greenlet waits until the event loop has looked at all sockets."""

_EXACT_NUMBER = re.compile("got `(?:ExactFloat|raw)`")
"""How msgspec calls a number that keeps its digits."""


def read_body(decoder: ExactDecoder[B]) -> B:
    """Return the decoded body of the current request.

    The body is parsed as JSON whatever its content type: a bare `fetch` in a browser sends text/plain.

    Args:
        decoder: The JSON decoder of the endpoint's body type.

    Raises:
        InvalidRequest: the body is not valid; 400, with the field's path.
        BodyTooLarge: the body is longer than `max_content_length`, or its text than `max_text_length`; 413.
        HeadraceError: it could not be received; see `receive_body`.
    """
    return _decode_limited(*_receive(), decoder)


def read_body_and_fields(decoder: ExactDecoder[B]) -> tuple[B, Json]:
    """Return the decoded body of the current request, and all of its fields as the client sent them.

    Args:
        decoder: The JSON decoder of the endpoint's body type, which may ignore fields.

    Returns:
        The body, and its JSON object. In the object, numbers keep their digits.

    Raises:
        See `read_body`.
    """
    data, text = _receive()
    body = _decode_limited(data, text, decoder)
    if is_too_deep(text.text):
        raise InvalidRequest(f"The body is nested deeper than {MAX_DEPTH} levels: flatten it.")
    _let_others_run(data)
    return body, _decode(data, text, object_decoder)


def _receive() -> tuple[bytes, BodyText]:
    data = receive_body()
    max_text = current_state().max_text_length
    _let_others_run(data)
    text = split_body(data, max_text)
    if text is None:
        raise BodyTooLarge(
            f"The body has more than {max_text} bytes, not counting the files in base64 that it contains: omit the "
            "oldest messages, or send a long text as a file."
        )
    _let_others_run(data)
    return data, text


def _let_others_run(data: bytes) -> None:
    # Each step takes tens of milliseconds for a large body. A sleep of 0 would not look at the sockets of others.
    if len(data) > current_state().max_text_length:
        gevent.sleep(SHORTEST_SLEEP)


def _decode_limited(data: bytes, text: BodyText, decoder: ExactDecoder[B]) -> B:
    if has_too_many_values(text.text):
        raise InvalidRequest(
            f"The body has more than {MAX_VALUES} values (elements of arrays and members of objects): "
            "send large data as text."
        )
    body = _decode(data, text, decoder)
    _let_others_run(data)
    if has_too_many_items(body, len(data)):
        raise InvalidRequest(
            f"The body has more than {MAX_ITEMS} items (messages, content parts, calls and tools): merge "
            "adjacent items, or omit the oldest messages."
        )
    return body


def _decode(data: bytes, text: BodyText, decoder: ExactDecoder[B]) -> B:
    try:
        return decoder.decode(data, text.mark_zeros)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"The body is invalid: {format_validation_error(error, decoder.type)}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if coding := request.headers.get("Content-Encoding"):
            raise InvalidRequest(f"The body is encoded as {coding!r:.100}: send it without an encoding.") from None
        raise InvalidRequest(_invalid_json_message(text, error)) from None
    except RecursionError:
        raise InvalidRequest("The body is nested too deep.") from None


def convert(value: Any, value_type: Any, path: str) -> Any:  # noqa: ANN401  # any JSON, and a type
    """Return a JSON value of a body as a type of msgspec.

    Args:
        value: The value.
        value_type: The type.
        path: The value's path in the body, for the error message.

    Raises:
        InvalidRequest: the value is not of the type; 400, with the path.
    """
    try:
        return msgspec.convert(value, value_type)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{path} is invalid: {format_validation_error(error, value_type)}.") from None


def format_validation_error(error: msgspec.ValidationError, body_type: Any = None) -> str:  # noqa: ANN401  # a type
    """Return a message with the invalid field's path, the reason and, if the field is an enumeration, its values.

    Args:
        error: The error of msgspec.
        body_type: The type of the body; None to omit the allowed values.
    """
    # msgspec writes the path as `$.messages[0].role`; `$` alone is the body itself.
    reason, _, path = str(error).partition(" - at ")
    values = allowed_values(body_type, path) if body_type is not None and reason.startswith("Invalid ") else []
    hint = f": it must be {values[0] if len(values) == 1 else 'one of ' + ', '.join(values)}" if values else ""
    text = str(error).replace("`$.", "`").replace("`$`", "the body").replace("Object", "an object")
    return _EXACT_NUMBER.sub("got `float`", text) + hint


def _invalid_json_message(body: BodyText, error: Exception) -> str:
    if not body.text:
        if request.content_length:
            return (
                f"The body of {request.content_length} bytes was read before it came here: a before_request function "
                "of the application that needs it must call request.get_data(), which keeps it."
            )
        return "The body is empty, which is not JSON: send an object."
    # The decoder reports most of these bodies as truncated, which misleads.
    if half := find_lone_surrogate(body.text):
        place = body.place_in_body(half.start())
        return (
            f"The body holds {half[0].decode()} (byte {place}), half a surrogate pair: send whole characters, and cut "
            "text only between them."
        )
    return f"The body is not JSON: {error}."
