"""Failures in the words of Anthropic's API, whether they come with a status or inside a stream. Pure."""

from __future__ import annotations

from typing import Any

from ..errors import HeadraceError

CODES = {
    "invalid_request_error": (
        "invalid_request", "upstream_invalid_request", "body_too_large", "upstream_too_large", "stream_conflict",
        "not_supported", "method_not_allowed",
    ),
    "authentication_error": ("unauthorized", "upstream_unauthorized"),
    "permission_error": ("forbidden", "upstream_forbidden"),
    "not_found_error": ("not_found", "model_not_found", "stream_not_found", "upstream_not_found"),
    "rate_limit_error": ("rate_limited",),
    "overloaded_error": ("upstream_overloaded", "too_many_streams", "shutting_down", "store_unavailable"),
    "timeout_error": (
        "body_timeout", "upstream_timeout", "connect_timeout", "first_token_timeout", "stall_timeout", "max_duration",
    ),
}  # fmt: skip
"""Which of our codes each of the protocol's types of error stands for. All others are an `api_error`."""

_TYPES = {code: kind for kind, codes in CODES.items() for code in codes}


def refusal(error: HeadraceError) -> dict[str, Any]:
    """Return the body of a response with an error's own status."""
    return failure(error.code, error.message)


def failure(code: str, message: str) -> dict[str, Any]:
    """Return a failure. The official SDKs show our code as `error_code`."""
    error = {"type": _TYPES.get(code, "api_error"), "message": message, "details": {"error_code": code}}
    return {"type": "error", "error": error}
