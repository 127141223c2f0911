"""Error responses of the AI SDK's endpoints: plain text, since the SDK's clients show the body as it is."""

from __future__ import annotations

from flask import Response

from ...core.errors import HeadraceError
from ..http.error_handlers import error_response


def text_error_response(error: HeadraceError) -> Response:
    """Return the error response with the error's message as plain text."""
    return error_response(error, error.message)
