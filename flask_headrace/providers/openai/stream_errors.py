"""Errors that OpenAI's two APIs, and compatible servers, send inside a stream. Pure."""

from __future__ import annotations

from typing import Any

from ...core.errors import UpstreamError, UpstreamStatusError
from ..http.sdk_errors import INSUFFICIENT_QUOTA, status_error
from ..redaction import redact

_REQUEST_ERROR_PREFIXES = (
    "invalid_", "image_", "empty_image_", "unsupported_image_", "failed_to_download_image", "context_length_exceeded",
    "bio_policy", "misalignment_policy", "data_residency",
)  # fmt: skip
"""Prefixes of the codes of errors that the same request would cause again."""


def stream_error(upstream: str, error: Any) -> UpstreamError:  # noqa: ANN401  # servers send objects, and strings
    """Return an `UpstreamError` for an error that was sent inside the stream: an object, or a string."""
    fields = error if isinstance(error, dict) else {"message": error}
    code, message = fields.get("code"), redact(fields.get("message"))
    if isinstance(code, int) and 400 <= code < 600:
        return status_error(upstream, code, message)
    is_final = str(code).startswith(_REQUEST_ERROR_PREFIXES)
    usual = "rate_limited" if code == "rate_limit_exceeded" else "upstream_failed"
    return UpstreamStatusError(
        f"{upstream} failed in the middle of its answer: {message or 'it did not say why'}",
        status=400 if is_final else 502,
        code="upstream_invalid_request" if is_final else usual,
        retryable=not is_final and code != INSUFFICIENT_QUOTA,
        is_too_long=code == "context_length_exceeded",
    )
