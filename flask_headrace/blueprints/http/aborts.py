"""What an application's `abort(…)` says, as an error that each protocol can tell in its own words."""

from __future__ import annotations

from http import HTTPStatus

from flask import request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from ...core.errors import RequestError

CODES_BY_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large", 429: "rate_limited"}
"""What errors of Flask's are called, by their status; others by their names."""

BODY_HEADERS = frozenset({"content-type", "content-length", "content-encoding", "transfer-encoding", "etag"})
"""Headers that tell of the body which is left out."""

MAX_DESCRIPTION_LENGTH = 1000
"""Characters of a response's own text that are told on."""

RETRYABLE_STATUSES = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses after which asking again can help."""


class ApplicationAbort(RequestError):
    """An application, or Flask, has ended a request with a status of its own.

    Args:
        status: The HTTP status.
        message: What it said of it.
        headers: What its response carries beside a body.
    """

    def __init__(self, status: int, message: str, headers: tuple[tuple[str, str], ...]) -> None:
        super().__init__(message)
        self.status = status
        self.code = code_for_status(status)
        self.retryable = status in RETRYABLE_STATUSES
        self.headers = headers


def to_application_abort(error: HTTPException, message: str | None = None) -> ApplicationAbort:
    """Return the error that tells what an `abort` says: its status, its description and its response's headers.

    A response that leads elsewhere, such as to a login, is a 401 here: a program that follows it would take the page
    that it comes to for an answer.

    Args:
        error: What was raised.
        message: What is said of it in place of its description.
    """
    response = error.get_response(request.environ)
    headers = tuple((name, value) for name, value in response.headers if name.lower() not in BODY_HEADERS)
    if response.status_code // 100 == 3:
        where = response.headers.get("Location", "")
        kept = tuple((name, value) for name, value in headers if name.lower() != "location")
        return ApplicationAbort(
            401, message or f"Nobody is logged in. The login of this application is at {where:.200}", kept
        )
    described = message or (error.description if error.response is None else _plain_text(response))
    return ApplicationAbort(response.status_code, described or phrase_for_status(response.status_code), headers)


def _plain_text(response: Response) -> str | None:
    if response.mimetype != "text/plain" or not response.is_sequence:
        return None
    return response.get_data(as_text=True)[:MAX_DESCRIPTION_LENGTH].strip()


def code_for_status(status: int) -> str:
    """Return what an error of a status is called."""
    return CODES_BY_STATUS.get(status) or phrase_for_status(status).lower().replace(" ", "_").replace("'", "")


def phrase_for_status(status: int) -> str:
    """Return what a status is called; also one that nobody has named."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"status {status}"
