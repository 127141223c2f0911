"""How an error of OpenAI's two protocols is described at /openapi.json. Values, and no more."""

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
                "type": {"type": "string", "description": "What kind of failure it is, in OpenAI's words."},
                "param": {"type": "null"},
                "code": {"type": "string", "description": "Stable, for programs."},
            },
        }
    },
}
"""How a failure is described."""
