"""Errors in the form of each protocol: bodies of error responses, and errors inside a stream. Pure.

All forms are in this module because a request to an unknown path below `/v1` has no endpoint, but is answered in the
form of its client's protocol.
"""

from __future__ import annotations

from typing import Any

from ...core.errors import HeadraceError

_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}

ANTHROPIC_ERROR_TYPES = {
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
"""The error `code`s of this service, by Anthropic's error type. All other codes are an `api_error`."""

_ANTHROPIC_TYPES = {code: error_type for error_type, codes in ANTHROPIC_ERROR_TYPES.items() for code in codes}
_ANTHROPIC_TYPES_BY_STATUS = {
    401: "authentication_error", 403: "permission_error", 404: "not_found_error", 413: "request_too_large",
    429: "rate_limit_error", 529: "overloaded_error",
}  # fmt: skip


def native_error_body(error: HeadraceError) -> dict[str, Any]:
    """Return the body of an error response in the native form, with the text received before the error, if any."""
    body: dict[str, Any] = {"error": {"code": error.code, "message": error.message}}
    return {**body, "text": error.partial_text} if error.partial_text else body


def openai_error_body(error: HeadraceError) -> dict[str, Any]:
    """Return the body of an error response in OpenAI's form."""
    default_type = "invalid_request_error" if error.status < 500 else "server_error"
    return _openai_error(_OPENAI_TYPES.get(error.status, default_type), error.code, error.message)


def openai_stream_error(code: str, message: str) -> dict[str, Any]:
    """Return an error inside a stream in OpenAI's form.

    Args:
        code: The error's stable code.
        message: The message for people.
    """
    return _openai_error("server_error", code, message)


def _openai_error(error_type: str, code: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": error_type, "param": None, "code": code}}


def anthropic_error_body(error: HeadraceError, request_id: str | None = None) -> dict[str, Any]:
    """Return the body of an error response in Anthropic's form.

    Args:
        error: The error.
        request_id: The id of the request; None to omit it.
    """
    if error.status == 429:
        return _anthropic_error("rate_limit_error", error.code, error.message, request_id)
    default_type = "invalid_request_error" if 400 <= error.status < 500 else "api_error"
    error_type = _ANTHROPIC_TYPES.get(error.code) or _ANTHROPIC_TYPES_BY_STATUS.get(error.status, default_type)
    return _anthropic_error(error_type, error.code, error.message, request_id)


def anthropic_stream_error(code: str, message: str, request_id: str | None = None) -> dict[str, Any]:
    """Return an error inside a stream in Anthropic's form; Anthropic's SDKs expose `code` as `error_code`.

    Args:
        code: The error's stable code.
        message: The message for people.
        request_id: The id of the request; None to omit it.
    """
    return _anthropic_error(_ANTHROPIC_TYPES.get(code, "api_error"), code, message, request_id)


def _anthropic_error(error_type: str, code: str, message: str, request_id: str | None) -> dict[str, Any]:
    error = {"type": error_type, "message": message, "details": {"error_code": code}}
    return {"type": "error", "error": error, **({} if request_id is None else {"request_id": request_id})}
