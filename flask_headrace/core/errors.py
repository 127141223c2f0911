"""All errors of Headrace, as one tree of two levels.

`status` is the HTTP status of an error before the first byte of a response. A message is for people: it contains the
offending value and says what to do, never a key, a header or an upstream's raw body. This file imports no other module.
"""

from __future__ import annotations


class HeadraceError(Exception):
    """Base class of all errors of Headrace.

    Args:
        message: One or two sentences for people.
        retry_after: Seconds after which the client should retry; None if unknown.

    `code` names the error for programs; `retryable` says whether the same request can succeed later.
    """

    code = "internal"
    status = 500
    retryable = False
    partial_text = ""
    """The text received before the error, if the client asked for the whole answer in one response."""
    has_no_usage = False
    """Whether a request that fails with this error before its first token used no tokens."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message, self.retry_after = message, retry_after


class ConfigurationError(HeadraceError):
    """A setting is invalid. Raised while the application starts."""

    code = "configuration"


class RequestError(HeadraceError):
    """The request cannot be fulfilled as it is."""

    code = "invalid_request"
    has_no_usage = True
    status = 400


class UpstreamError(HeadraceError):
    """The upstream (the server of the model) failed."""

    code = "upstream_failed"
    status = 502
    retryable = True


class LimitError(HeadraceError):
    """The request reached a limit of this service."""

    code = "limit_reached"
    status = 503
    retryable = True


class InternalError(HeadraceError):
    """A bug in this service or the application. The log has the traceback under the reference in the message."""


class InvalidRequest(RequestError):
    """The request's body or one of its fields is invalid."""


class Unauthorized(RequestError):
    """The request has no API key, or an unknown one."""

    code = "unauthorized"
    status = 401


class Forbidden(RequestError):
    """The request comes from a web site (its `Origin`) that is not allowed to use this service."""

    code = "forbidden"
    status = 403


class StreamNotFound(RequestError):
    """The client has no stream of this id, or the stream has expired."""

    code = "stream_not_found"
    status = 404


class StreamConflict(RequestError):
    """A stream of this id exists and answers another request: choose another id."""

    code = "stream_conflict"
    status = 409


class StreamCancelled(RequestError):
    """The stream was cancelled, for `reason` (a `CancelReason`), before its answer was complete."""

    code = "cancelled"
    status = 409

    def __init__(self, reason: str) -> None:
        super().__init__(f"The answer was stopped before it was complete ({reason}).")


class NotSupported(RequestError):
    """This process does not support the requested operation."""

    code = "not_supported"
    status = 501


class ModelNotFound(RequestError):
    """No configured provider offers the model."""

    code = "model_not_found"
    status = 404


class SchemaNotFound(RequestError):
    """No JSON Schema of this name is configured."""

    code = "schema_not_found"
    status = 404


class BodyTooLarge(RequestError):
    """The request's body is longer than this service accepts."""

    code = "body_too_large"
    status = 413


class BodyTimeout(RequestError):
    """The request's body did not arrive within `HEADRACE_BODY_TIMEOUT` seconds."""

    code = "body_timeout"
    status = 408


class AnswerTooLarge(LimitError):
    """The answer is too long to be returned in one response."""

    code = "answer_too_large"
    status = 502
    retryable = False


class StreamLimitExceeded(LimitError):
    """This worker, or one owner on it, has the maximum number of open streams."""

    code = "too_many_streams"


class ShuttingDown(LimitError):
    """The worker is shutting down."""

    code = "shutting_down"


class ChecksBusy(LimitError):
    """Too many JSON Schemas are being checked at the same time: send the request again later."""

    code = "checks_busy"


class StoreUnavailable(LimitError):
    """The store of resumable streams is unreachable or full."""

    code = "store_unavailable"


class ResumptionLost(LimitError):
    """The stream can no longer be resumed: its store was unreachable or full, or has lost some of its events."""

    code = "not_resumable"
    retryable = False

    def __init__(self, message: str = "") -> None:
        super().__init__(
            message or "This stream cannot be resumed: its store was unreachable or full, or lost a part of it."
        )


class AnswerReplaced(ResumptionLost):
    """The store has lost the stream of which the reader has events, and the id now belongs to another answer."""

    status = 410


class WorkerLost(LimitError):
    """The worker that produced the stream has died."""

    code = "worker_lost"

    def __init__(self) -> None:
        super().__init__("The worker that produced this answer died before its end. Send the request again.")


class MaxDurationExceeded(LimitError):
    """The answer took longer than `HEADRACE_MAX_DURATION` seconds."""

    code = "max_duration"
    status = 504


class ModelUnavailable(UpstreamError):
    """The embedded model is not installed, still loading, or restarting."""

    code = "model_unavailable"
    has_no_usage = True
    status = 503


class UpstreamConnectionError(UpstreamError):
    """No connection to the upstream could be established."""

    code = "upstream_unreachable"
    has_no_usage = True


class UpstreamProtocolError(UpstreamError):
    """The upstream sent an invalid response, or closed the connection before the end of its answer."""

    code = "upstream_broken"


class UpstreamStatusError(UpstreamError):
    """The upstream rejected the request. `status` is the upstream's own for 4xx and 529, 502 otherwise.

    `is_too_long` says that the request has more tokens than the model's context window.
    """

    code = "upstream_rejected"
    has_no_usage = True

    def __init__(  # noqa: PLR0913  # by name
        self,
        message: str,
        *,
        status: int,
        code: str,
        retryable: bool,
        retry_after: float | None = None,
        is_too_long: bool = False,
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.status, self.code, self.retryable, self.is_too_long = status, code, retryable, is_too_long


class InvalidToolArguments(UpstreamError):
    """The model called a tool with arguments that are not a JSON object, or are truncated."""

    code = "tool_arguments_invalid"


class FallbackMismatch(UpstreamError):
    """The model failed within its answer, and the answer of the fallback differs from the text already sent."""

    code = "answer_diverged"


class SchemaValidationError(UpstreamError):
    """The answer is complete and does not match the requested JSON Schema."""

    code = "answer_invalid"


class SourceError(UpstreamError):
    """The stream's source, such as a generator of the application, yielded this `Failed` event of its own."""

    def __init__(self, message: str, *, code: str, retryable: bool) -> None:
        super().__init__(message)
        self.code, self.retryable = code, retryable


class ConnectTimeout(UpstreamError):
    """The upstream did not accept a connection within `HEADRACE_CONNECT_TIMEOUT` seconds."""

    code = "connect_timeout"
    has_no_usage = True
    status = 504


class FirstTokenTimeout(UpstreamError):
    """The upstream sent no token within `HEADRACE_FIRST_TOKEN_TIMEOUT` seconds, or within its alias's own limit."""

    code = "first_token_timeout"
    status = 504


class IdleTimeout(UpstreamError):
    """The upstream sent nothing for `HEADRACE_STALL_TIMEOUT` seconds within its answer."""

    code = "stall_timeout"
    status = 504
