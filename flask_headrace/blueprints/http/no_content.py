"""The response without a body."""

from __future__ import annotations

from flask import Response


def no_content() -> Response:
    """Return a 204 response, without the `Content-Type` that Flask gives to every response."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response
