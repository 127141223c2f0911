"""A request's body that nobody has read to its end: the connection is closed rather than read on.

gunicorn would read on, to find the next request: as long as the client likes to send, and without letting anything
else run. It knows gunicorn's body by its looks; with other servers there is nothing to be done here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request


def is_unread(body: object) -> bool:
    """Whether more of a body may come: it is gunicorn's, and was not read to its end."""
    reader = getattr(body, "reader", None)
    left = getattr(reader, "length", 0)
    return bool(left) or getattr(reader, "parser", None) is not None


def has_read_error(environ: Mapping[str, Any]) -> bool:
    """Whether reading the body has failed: it broke off, or is not in chunks as HTTP/1.1 has them."""
    return bool(getattr(environ.get("wsgi.input"), "failed", False))


def close_connection_if_unread(environ: Mapping[str, Any]) -> None:
    """Have gunicorn close the connection after the response, where the request's body was not read to its end."""
    body = environ.get("wsgi.input")
    if is_unread(body):
        # What it remembers where reading failed: it does not know where the next request begins.
        body.failed = True  # type: ignore[union-attr]


def close_unread_connection(response: Response) -> Response:
    """Do so after each request; for `Flask.after_request`."""
    close_connection_if_unread(request.environ)
    return response
