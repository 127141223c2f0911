"""Errors as HTTP: a real status and `{"error": {"code", "message"}}`."""

from __future__ import annotations

import math

from flask import Response
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from ..streaming.errors import HeadraceError
from .reply import json_reply

_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


def of_ours(error: HeadraceError) -> Response:
    """Answer with an error of our tree."""
    response = json_reply({"error": {"code": error.code, "message": error.message}}, error.status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(math.ceil(error.retry_after))
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
