"""The OpenAPI schema of an error in OpenAI's two protocols. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ERROR_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "description": "Why a request failed.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "code"],
            "properties": {
                "message": {"type": "string", "description": "For people."},
                "type": {"type": "string", "description": "OpenAI's error type."},
                "param": {"type": "null"},
                "code": {"type": "string", "description": "Stable, for programs."},
            },
        }
    },
}
"""The JSON Schema of an error's body."""
