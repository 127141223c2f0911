"""Receives the body of the current request: within a time, up to a length, and within the memory for large bodies."""

from __future__ import annotations

import time
from contextlib import suppress

import gevent
from flask import Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from ...core.errors import BodyTimeout, BodyTooLarge, HeadraceError, InvalidRequest
from ...providers.http.hub_local import destroy_hub_with_thread
from ..body_memory import BodyReservation
from ..state import ExtensionState, current_state
from .auth import request_owner
from .request_streams import close_with_request
from .unread_body import has_read_error

PIECE_BYTES = 65536
"""Bytes of a large body that are received at a time, before other greenlets run."""

MIN_RATE = 131072
"""Bytes that have arrived of a large body for which it gets another second, beyond HEADRACE_BODY_TIMEOUT."""

_RESERVATION = "headrace.body_reservation"


def receive_body() -> bytes:
    """Return the body of the current request.

    Raises:
        InvalidRequest: the body broke off; 400.
        BodyTooLarge: the body is longer than HEADRACE_MAX_CONTENT_LENGTH; 413.
        BodyTimeout: the body did not arrive in time; 408.
        BodyLimitExceeded: this worker holds too many large bodies at the moment; 503 or 429.
    """
    state = current_state()
    destroy_hub_with_thread()
    max_length = state.max_content_length
    # One byte more for a body without Content-Length, which werkzeug cuts off at the limit without an error.
    request.max_content_length = max_length if request.content_length is not None else max_length + 1
    with suppress(RequestEntityTooLarge):
        data = _receive_large(state) if _may_be_large(state.max_text_length) else _receive_small(state.body_timeout)
        if len(data) <= max_length:
            return data
    raise BodyTooLarge(f"The body is longer than {max_length} bytes.")


def body_reservation() -> BodyReservation | None:
    """Return the reservation for the large body of the current request; None if the body is not large."""
    reservation: BodyReservation | None = request.environ.get(_RESERVATION)
    return reservation


def release_refused_body(response: Response) -> Response:
    """Let the memory of a large body go if its request was refused; for `Flask.after_request`. Returns `response`.

    The request ends only when the client has the response, and may then send the next one already.
    """
    reservation = body_reservation()
    if reservation is not None and response.status_code >= 400:
        reservation.close()
    return response


def _may_be_large(max_small: int) -> bool:
    is_read = vars(request).get("_cached_data") is not None  # by a function of the application
    return not is_read and (request.content_length is None or request.content_length > max_small)


def _receive_small(seconds: float | None) -> bytes:
    with gevent.Timeout(seconds, _timeout(seconds)):
        return _read(None)


def _receive_large(state: ExtensionState) -> bytes:
    pieces: list[bytes] = []
    size, started = 0, time.monotonic()
    reservation = state.body_memory.reserve(request_owner())
    request.environ[_RESERVATION] = reservation
    close_with_request(request.environ, reservation)
    seconds = state.body_timeout
    while True:
        with gevent.Timeout(_time_left(seconds, size, started), _timeout(seconds)):
            piece = _read(PIECE_BYTES)
        if not piece:
            return b"".join(pieces)
        size += len(piece)
        if size > state.max_content_length:
            raise RequestEntityTooLarge
        if size > state.max_text_length:
            reservation.grow_to(size)
        pieces.append(piece)


def _time_left(seconds: float | None, size: int, started: float) -> float | None:
    """Return how long the next piece may take: as long as a whole small body, and within the time for a large one."""
    if seconds is None:
        return None
    return min(seconds, max(0.0, seconds + size / MIN_RATE - (time.monotonic() - started)))


def _timeout(seconds: float | None) -> BodyTimeout:
    return BodyTimeout(f"The body did not arrive within {seconds} s.")


def _read(size: int | None) -> bytes:
    try:
        return request.get_data(cache=False) if size is None else request.stream.read(size)
    except (HTTPException, HeadraceError):
        raise
    except Exception as error:  # of the server, whose type is unknown here
        if not has_read_error(request.environ):
            raise
        detail = str(error) or type(error).__name__
        raise InvalidRequest(f"The body broke off, or is not in chunks as HTTP/1.1 has them: {detail:.200}.") from None
