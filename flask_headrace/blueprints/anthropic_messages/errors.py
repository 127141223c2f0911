"""Failures in the words of Anthropic's API, whether they come with a status or inside a stream. Pure."""

from __future__ import annotations

from typing import Any

from ...core.errors import HeadraceError

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
_BY_STATUS = {
    401: "authentication_error", 403: "permission_error", 404: "not_found_error", 413: "request_too_large",
    429: "rate_limit_error", 529: "overloaded_error",
}  # fmt: skip


def refusal(error: HeadraceError) -> dict[str, Any]:
    """Return the body of a response with an error's own status."""
    if error.status == 429:
        return _failure("rate_limit_error", error.code, error.message)
    usual = "invalid_request_error" if 400 <= error.status < 500 else "api_error"
    kind = _TYPES.get(error.code) or _BY_STATUS.get(error.status, usual)
    return _failure(kind, error.code, error.message)


def failure(code: str, message: str) -> dict[str, Any]:
    """Return a failure inside a stream. The official SDKs show our code as `error_code`."""
    return _failure(_TYPES.get(code, "api_error"), code, message)


def _failure(kind: str, code: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message, "details": {"error_code": code}}}
