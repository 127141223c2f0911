"""Errors as HTTP: a real status, and a body in the words of the protocol that the request speaks."""

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


def handle_headrace_error(error: HeadraceError) -> Response:
    """Answer with an error of our tree, in the native protocol's form."""
    return error_response(error, native_error_body(error))


def handle_v1_error(error: HeadraceError) -> Response:
    """Answer with an error of our tree in OpenAI's form, or to Anthropic's clients in theirs."""
    return error_response(error, anthropic_error_body(error) if is_anthropic_client() else openai_error_body(error))


def is_anthropic_client() -> bool:
    """Whether the request comes from a client of Anthropic's: they ask below `/v1`, as OpenAI's do, and say so."""
    return "anthropic-version" in request.headers or request.path.startswith("/v1/messages")


def error_response(error: HeadraceError, body: Any) -> Response:  # noqa: ANN401  # a JSON value of a protocol
    """Answer with an error of our tree and a protocol's own body for it; a string is sent as plain text."""
    if isinstance(body, str):
        response = Response(body, error.status, content_type="text/plain; charset=utf-8")
    else:
        response = json_response(body, error.status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(math.ceil(error.retry_after))
    if not error.retryable:
        # OpenAI's and Anthropic's clients ask again after a 409 and any 5xx, unless they are told not to.
        response.headers["X-Should-Retry"] = "false"
    if isinstance(error, ApplicationAbort):
        response.headers.extend(error.headers)
    if error.status == 401 and "WWW-Authenticate" not in response.headers:
        response.headers["WWW-Authenticate"] = 'Bearer realm="headrace"'
    return response


def handle_application_abort(error: HTTPException) -> ResponseReturnValue:
    """Answer with what Flask or the application has ended a protocol's request with as with an error of our tree."""
    return current_app.handle_user_exception(to_application_abort(error))


def handle_http_error(error: HTTPException) -> ResponseReturnValue:
    """Answer with an error of Flask's, such as 405, in the same forms."""
    if error.response is not None:
        return error.response
    ours = to_application_abort(error, _message(error))
    return handle_v1_error(ours) if request.path.startswith("/v1/") else handle_headrace_error(ours)


def _message(error: HTTPException) -> str:
    asked = f"{request.method} {request.path:.100}"
    match error:
        case NotFound():
            return f"There is no {asked} here: GET /openapi.json tells what there is."
        case MethodNotAllowed(valid_methods=methods):
            return f"There is no {asked} here: this path takes {' and '.join(sorted(methods or ()))}."
        case _:
            return error.description or error.name
