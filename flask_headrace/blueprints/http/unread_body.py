"""Closes a connection whose request body was not read to its end.

gunicorn would read the rest of the body to find the next request, for as long as the client sends, and without
switching to other greenlets. gunicorn's body object is recognized by its attributes; other servers need no such
measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request


def is_unread(body: object) -> bool:
    """Whether `body` is gunicorn's body object and was not read to its end."""
    reader = getattr(body, "reader", None)
    left = getattr(reader, "length", 0)
    return bool(left) or getattr(reader, "parser", None) is not None


def has_read_error(environ: Mapping[str, Any]) -> bool:
    """Whether reading the request body has failed: the client disconnected, or its chunks violate HTTP/1.1."""
    return bool(getattr(environ.get("wsgi.input"), "failed", False))


def close_connection_if_unread(environ: Mapping[str, Any]) -> None:
    """Make gunicorn close the connection after the response if the request body was not read to its end."""
    body = environ.get("wsgi.input")
    if is_unread(body):
        # gunicorn sets this after a failed read, when it cannot find the beginning of the next request.
        body.failed = True  # type: ignore[union-attr]


def close_unread_connection(response: Response) -> Response:
    """Call `close_connection_if_unread` for the current request; for `Flask.after_request`. Returns `response`."""
    close_connection_if_unread(request.environ)
    return response
