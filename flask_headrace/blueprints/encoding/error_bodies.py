"""Errors in the words of each protocol: bodies of responses with an error's status, and failures inside a stream. Pure.

All of them stand here, since a request to an unknown path below `/v1` belongs to no protocol's endpoint and is answered
in that protocol's words all the same.
"""

from __future__ import annotations

from typing import Any

from ...core.errors import HeadraceError

_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}

ANTHROPIC_CODES = {
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
"""Which of our codes each of Anthropic's error types stands for. All others are an `api_error`."""

_ANTHROPIC_TYPES = {code: kind for kind, codes in ANTHROPIC_CODES.items() for code in codes}
_ANTHROPIC_TYPES_BY_STATUS = {
    401: "authentication_error", 403: "permission_error", 404: "not_found_error", 413: "request_too_large",
    429: "rate_limit_error", 529: "overloaded_error",
}  # fmt: skip


def native_error_body(error: HeadraceError) -> dict[str, Any]:
    """Return the body of an error response in the native form."""
    written: dict[str, Any] = {"error": {"code": error.code, "message": error.message}}
    return {**written, "text": error.partial_text} if error.partial_text else written


def openai_error_body(error: HeadraceError) -> dict[str, Any]:
    """Return the body of an error response in OpenAI's form."""
    usual = "invalid_request_error" if error.status < 500 else "server_error"
    return _openai_error(_OPENAI_TYPES.get(error.status, usual), error.code, error.message)


def openai_failure(code: str, message: str) -> dict[str, Any]:
    """Return a failure inside a stream in OpenAI's form."""
    return _openai_error("server_error", code, message)


def _openai_error(kind: str, code: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic_error_body(error: HeadraceError) -> dict[str, Any]:
    """Return the body of an error response in Anthropic's form."""
    if error.status == 429:
        return _anthropic_error("rate_limit_error", error.code, error.message)
    usual = "invalid_request_error" if 400 <= error.status < 500 else "api_error"
    kind = _ANTHROPIC_TYPES.get(error.code) or _ANTHROPIC_TYPES_BY_STATUS.get(error.status, usual)
    return _anthropic_error(kind, error.code, error.message)


def anthropic_failure(code: str, message: str) -> dict[str, Any]:
    """Return a failure inside a stream in Anthropic's form, whose SDKs show our code as `error_code`."""
    return _anthropic_error(_ANTHROPIC_TYPES.get(code, "api_error"), code, message)


def _anthropic_error(kind: str, code: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message, "details": {"error_code": code}}}
