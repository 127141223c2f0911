"""Flask error handlers: an error becomes a response with an HTTP status, in the form of the client's protocol."""

from __future__ import annotations

import math
from typing import Any

from flask import Response, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from ...core.errors import HeadraceError
from ..encoding.error_bodies import anthropic_error_body, native_error_body, openai_error_body
from .aborts import ApplicationAbort, to_application_abort
from .json_response import json_response
from .request_id import add_request_id, current_request_id


def handle_headrace_error(error: HeadraceError) -> Response:
    """Return the error response in the native form."""
    return error_response(error, native_error_body(error))


def handle_v1_error(error: HeadraceError) -> Response:
    """Return the error response in OpenAI's form or, to an Anthropic client, in Anthropic's form."""
    if is_anthropic_client():
        return error_response(error, anthropic_error_body(error, current_request_id()))
    return error_response(error, openai_error_body(error))


def is_anthropic_client() -> bool:
    """Whether an Anthropic client sent the current request. Like OpenAI's clients, these use paths below `/v1`."""
    return "anthropic-version" in request.headers or request.path.startswith("/v1/messages")


def error_response(error: HeadraceError, body: Any) -> Response:  # noqa: ANN401  # a JSON value of a protocol
    """Return the response for an error.

    Args:
        error: The error; it determines status and headers.
        body: A JSON value in the form of the protocol, or a string, which is sent as plain text.
    """
    if isinstance(body, str):
        response = Response(body, error.status, content_type="text/plain; charset=utf-8")
    else:
        response = json_response(body, error.status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(math.ceil(error.retry_after))
    if not error.retryable:
        # OpenAI's and Anthropic's clients retry after a 409 and any 5xx unless this header forbids it.
        response.headers["X-Should-Retry"] = "false"
    if isinstance(error, ApplicationAbort):
        response.headers.extend(error.headers)
    if error.status == 401 and "WWW-Authenticate" not in response.headers:
        response.headers["WWW-Authenticate"] = 'Bearer realm="headrace"'
    return response


def handle_application_abort(error: HTTPException) -> ResponseReturnValue:
    """Handle an `abort` of Flask or the application in a protocol's endpoint like an error of this package."""
    return current_app.handle_user_exception(to_application_abort(error))


def handle_http_error(error: HTTPException) -> ResponseReturnValue:
    """Return the response for an error of Flask's, such as 404 or 405, in the form of the client's protocol."""
    if error.response is not None:
        return error.response
    ours = to_application_abort(error, _message(error))
    if request.path.startswith("/v1/"):
        return add_request_id(handle_v1_error(ours))
    return handle_headrace_error(ours)


def _message(error: HTTPException) -> str:
    route = f"{request.method} {request.path:.100}"
    match error:
        case NotFound():
            return f"There is no {route} here: GET /openapi.json lists all endpoints."
        case MethodNotAllowed(valid_methods=methods):
            return f"There is no {route} here: this path accepts {' and '.join(sorted(methods or ()))}."
        case _:
            return error.description or error.name
