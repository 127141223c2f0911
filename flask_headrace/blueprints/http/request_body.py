"""The body of a request, read within its bounds and told apart from what it should not be."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, TypeVar

import gevent
import msgspec
from flask import request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from ...core.errors import BodyTimeout, BodyTooLarge, HeadraceError, InvalidRequest
from ...core.json_text import find_lone_surrogate
from ...providers.http.hub_local import destroy_hub_with_thread
from ..state import current_state
from .item_limits import MOST_PIECES, is_too_much
from .unread_body import is_broken
from .validation_messages import allowed_values

B = TypeVar("B")


def read_body(decoder: msgspec.json.Decoder[B]) -> B:
    """Read the request's body as JSON, whatever its content type says: a bare `fetch` sends text/plain.

    Args:
        decoder: Of the type that the endpoint reads.

    Raises:
        InvalidRequest: it is not what this endpoint reads; 400, with the field's path.
        BodyTooLarge: it is longer than a body may be; 413.
        BodyTimeout: it has not arrived in time; 408.
    """
    service = current_state()
    seconds = service.body_timeout
    destroy_hub_with_thread()
    with gevent.Timeout(seconds, BodyTimeout(f"The body did not arrive within {seconds} s.")):
        data = _data(service.max_body)
    body = _decoded(data, decoder)
    if is_too_much(body, len(data)):
        raise InvalidRequest(
            f"The body has more than {MOST_PIECES} pieces (turns, what stands in them, calls and tools): put what "
            "belongs together into one, or leave out the oldest turns."
        )
    return body


def _decoded(data: bytes, decoder: msgspec.json.Decoder[B]) -> B:
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        raise InvalidRequest(
            f"The body is not as it should be: {format_validation_error(error, decoder.type)}."
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if coding := request.headers.get("Content-Encoding"):
            raise InvalidRequest(f"The body is encoded as {coding!r:.100}: send it as it is.") from None
        raise InvalidRequest(_not_json(data, error)) from None
    except RecursionError:
        raise InvalidRequest("The body is nested too deep.") from None


def format_validation_error(error: msgspec.ValidationError, kind: Any = None) -> str:  # noqa: ANN401  # a type
    """Say what is wrong with a value, and where; and what it may be, where that is one of a few words.

    Args:
        error: What msgspec found.
        kind: The type that the whole was to be; None where it need not be said what a value may be.
    """
    # msgspec writes the path as `$.messages[0].role`; `$` alone is the body itself.
    said, _, path = str(error).partition(" - at ")
    words = allowed_values(kind, path) if kind is not None and said.startswith("Invalid ") else []
    may = f": it must be {words[0] if len(words) == 1 else 'one of ' + ', '.join(words)}" if words else ""
    return str(error).replace("`$.", "`").replace("`$`", "the body").replace("Object", "an object") + may


def _not_json(data: bytes, error: Exception) -> str:
    # The decoder says of most such bodies that they are truncated.
    if half := find_lone_surrogate(data):
        return (
            f"The body holds {half[0].decode()} (byte {half.start()}), half a surrogate pair: send whole characters, "
            "and cut text only between them."
        )
    return f"The body is not JSON: {error}."


def _received() -> bytes:
    try:
        return request.get_data(cache=False)
    except (HTTPException, HeadraceError):
        raise
    except Exception as error:  # the server's own, which is not known here
        if not is_broken(request.environ):
            raise
        told = str(error) or type(error).__name__
        raise InvalidRequest(f"The body broke off, or is not in chunks as HTTP/1.1 has them: {told:.200}.") from None


def _data(most: int) -> bytes:
    # One more: a body that does not announce its length is cut off there, and no error is raised.
    request.max_content_length = most if request.content_length is not None else most + 1
    with suppress(RequestEntityTooLarge):
        data = _received()
        if len(data) <= most:
            return data
    raise BodyTooLarge(f"The body is longer than {most} bytes.")
