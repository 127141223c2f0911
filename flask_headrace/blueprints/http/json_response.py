"""A JSON body, written the same way whatever the host application does with its own JSON."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Response


def json_response(value: Any, status: int = 200) -> Response:  # noqa: ANN401  # whatever msgspec can write
    """Answer with `value` as JSON, which no cache may keep."""
    response = Response(msgspec.json.encode(value) + b"\n", status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
