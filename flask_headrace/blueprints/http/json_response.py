"""JSON responses that do not depend on the host application's JSON settings."""

from __future__ import annotations

from typing import Any

from flask import Response

from ...core import exact_json


def json_response(value: Any, status: int = 200) -> Response:  # noqa: ANN401  # whatever msgspec can write
    """Return a response with `value` as JSON, which caches must not store.

    Args:
        value: Any value that msgspec encodes.
        status: The HTTP status.
    """
    response = Response(exact_json.encode(value) + b"\n", status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
