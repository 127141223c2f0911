"""Errors as HTTP: a real status and `{"error": {"code", "message"}}`."""

from __future__ import annotations

import math
from typing import Any

from flask import Response
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from ..streaming.errors import HeadraceError
from ..streaming.wire import native
from .reply import json_reply

_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


def of_ours(error: HeadraceError) -> Response:
    """Answer with an error of our tree, in the native protocol's form."""
    return refused(error, native.refusal(error))


def refused(error: HeadraceError, body: Any) -> Response:  # noqa: ANN401  # a JSON value of a protocol
    """Answer with an error of our tree and a protocol's own body for it; a string is sent as plain text."""
    if isinstance(body, str):
        response = Response(body, error.status, content_type="text/plain; charset=utf-8")
    else:
        response = json_reply(body, error.status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(math.ceil(error.retry_after))
    if not error.retryable:
        # OpenAI's and Anthropic's clients ask again after a 409 and any 5xx, unless they are told not to.
        response.headers["X-Should-Retry"] = "false"
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="headrace"'
    return response


def of_http(error: HTTPException) -> ResponseReturnValue:
    """Answer with an error of Flask's, such as 405, in the same form."""
    if error.response is not None:
        return error.response
    status = error.code or 500
    code = _CODES.get(status, error.name.lower().replace(" ", "_"))
    response = json_reply({"error": {"code": code, "message": error.description}}, status)
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response
