"""The id of a request, which the SDKs of OpenAI and Anthropic show. The log line of the request's stream has it too."""

from __future__ import annotations

from secrets import token_urlsafe

from flask import Response, has_request_context, request

REQUEST_ID_HEADERS = ("request-id", "x-request-id")
"""The response headers with the id: that of Anthropic's API, and that of OpenAI's."""

_KEY = "headrace.request_id"


def current_request_id() -> str:
    """Return the id of the current request: random, and the same at each call. Empty if there is no request."""
    if not has_request_context():
        return ""
    environ = request.environ
    request_id: str = environ.get(_KEY, "")
    if not request_id:
        request_id = environ[_KEY] = f"req_{token_urlsafe(16)}"
    return request_id


def add_request_id(response: Response) -> Response:
    """Add the headers with the id of the current request to its response, and return the response."""
    request_id = current_request_id()
    for name in REQUEST_ID_HEADERS:
        response.headers.setdefault(name, request_id)
    return response


def request_id_headers() -> list[tuple[str, str]]:
    """Return the headers with the id of the current request, for a response that has none of them."""
    request_id = current_request_id()
    return [(name, request_id) for name in REQUEST_ID_HEADERS]
