"""Turns an application's `abort(…)` into an error that each protocol can encode in its own form."""

from __future__ import annotations

from http import HTTPStatus

from flask import request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from ...core.errors import RequestError

CODES_BY_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large", 429: "rate_limited"}
"""Error codes by HTTP status. The code of any other status is made from its phrase."""

BODY_HEADERS = frozenset({"content-type", "content-length", "content-encoding", "transfer-encoding", "etag"})
"""Headers that describe the body of the aborted response, which is not sent."""

MAX_DESCRIPTION_LENGTH = 1000
"""Maximum characters of an aborted response's text that become the error's message."""

RETRYABLE_STATUSES = frozenset({408, 425, 429, 502, 503, 504})
"""HTTP statuses after which a retry may succeed."""


class ApplicationAbort(RequestError):
    """The application or Flask has ended a request with an HTTP status.

    Args:
        status: The HTTP status.
        message: The message for people.
        headers: Headers to add to the error response.
    """

    def __init__(self, status: int, message: str, headers: tuple[tuple[str, str], ...]) -> None:
        super().__init__(message)
        self.status = status
        self.code = code_for_status(status)
        self.retryable = status in RETRYABLE_STATUSES
        self.headers = headers


def to_application_abort(error: HTTPException, message: str | None = None) -> ApplicationAbort:
    """Return the error for an `abort`, with its status, its description and its response's headers.

    A redirect, such as to a login page, becomes a 401: a program that follows redirects would take the login page for
    an answer.

    Args:
        error: The exception that `abort` raised.
        message: The error's message; None for the exception's own description.
    """
    response = error.get_response(request.environ)
    headers = tuple((name, value) for name, value in response.headers if name.lower() not in BODY_HEADERS)
    if response.status_code // 100 == 3:
        where = response.headers.get("Location", "")
        kept = tuple((name, value) for name, value in headers if name.lower() != "location")
        return ApplicationAbort(
            401, message or f"Login required. The login page of this application is {where:.200}", kept
        )
    described = message or (error.description if error.response is None else _plain_text(response))
    return ApplicationAbort(response.status_code, described or phrase_for_status(response.status_code), headers)


def _plain_text(response: Response) -> str | None:
    if response.mimetype != "text/plain" or not response.is_sequence:
        return None
    return response.get_data(as_text=True)[:MAX_DESCRIPTION_LENGTH].strip()


def code_for_status(status: int) -> str:
    """Return the error code of an HTTP status."""
    return CODES_BY_STATUS.get(status) or phrase_for_status(status).lower().replace(" ", "_").replace("'", "")


def phrase_for_status(status: int) -> str:
    """Return the phrase of an HTTP status, such as `Not Found`; `status 799` for a status without one."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"status {status}"
