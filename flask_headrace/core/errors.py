"""Everything that can go wrong, as one tree of two levels.

Each class has a stable `code` for programs, the HTTP status that it has before the first byte, and whether asking again
can help. A message is for people: it carries the offending value and says what to do, and never a key, a header or an
upstream's raw body. This file imports nothing of ours.
"""

from __future__ import annotations


class HeadraceError(Exception):
    """The root of the tree.

    Args:
        message: One or two sentences for people.
        retry_after: Seconds to wait before asking again, where known.
    """

    code = "internal"
    status = 500
    retryable = False
    partial_text = ""
    """What had come of the answer, where it is given as a whole."""
    has_no_usage = False
    """Whether the model has done nothing, where this comes before its first token."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message, self.retry_after = message, retry_after


class ConfigurationError(HeadraceError):
    """A setting is wrong; raised while the application starts."""

    code = "configuration"


class RequestError(HeadraceError):
    """The reader asked for something that it cannot have."""

    code = "invalid_request"
    has_no_usage = True
    status = 400


class UpstreamError(HeadraceError):
    """The model's server did not answer as it should."""

    code = "upstream_failed"
    status = 502
    retryable = True


class LimitError(HeadraceError):
    """A limit of this service was reached."""

    code = "limit_reached"
    status = 503
    retryable = True


class InternalError(HeadraceError):
    """A mistake of ours; the message carries a reference that stands in the log beside the stack trace."""


class InvalidRequest(RequestError):
    """The body is not what the endpoint reads."""


class Unauthorized(RequestError):
    """No key, or one that is not known here."""

    code = "unauthorized"
    status = 401


class Forbidden(RequestError):
    """The request comes from a web site that may not ask here."""

    code = "forbidden"
    status = 403


class StreamNotFound(RequestError):
    """There is no such stream for the one who asks, or not any more."""

    code = "stream_not_found"
    status = 404


class StreamConflict(RequestError):
    """A stream of that id is there, and answers another question."""

    code = "stream_conflict"
    status = 409


class StreamCancelled(RequestError):
    """The answer was stopped before it was whole."""

    code = "cancelled"
    status = 409

    def __init__(self, reason: str) -> None:
        super().__init__(f"The answer was stopped before it was whole ({reason}).")


class NotSupported(RequestError):
    """This process cannot do that."""

    code = "not_supported"
    status = 501


class ModelNotFound(RequestError):
    """No provider that is set up here offers the model."""

    code = "model_not_found"
    status = 404


class SchemaNotFound(RequestError):
    """No JSON Schema of that name is kept here."""

    code = "schema_not_found"
    status = 404


class BodyTooLarge(RequestError):
    """The body is longer than this service reads."""

    code = "body_too_large"
    status = 413


class BodyTimeout(RequestError):
    """The body did not arrive in time."""

    code = "body_timeout"
    status = 408


class AnswerTooLarge(LimitError):
    """The answer is too long to be given in one piece."""

    code = "answer_too_large"
    status = 502
    retryable = False


class StreamLimitExceeded(LimitError):
    """This worker already has as many open streams as it may."""

    code = "too_many_streams"


class ShuttingDown(LimitError):
    """The worker is about to leave."""

    code = "shutting_down"


class ChecksBusy(LimitError):
    """So many schemas are being checked that there was no turn for another."""

    code = "checks_busy"


class StoreUnavailable(LimitError):
    """The store of resumable streams cannot be reached, or is full."""

    code = "store_unavailable"


class ResumptionLost(LimitError):
    """What kept a stream was away or full, or has lost a part of it: it cannot be followed from elsewhere any more."""

    code = "not_resumable"
    retryable = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or "This stream cannot be followed here: its store was away, full, or lost a part.")


class AnswerReplaced(ResumptionLost):
    """A reader has a part of an answer whose stream was lost, and the stream of that id holds another answer by now."""

    status = 410


class WorkerLost(LimitError):
    """The worker that filled a stream has died."""

    code = "worker_lost"

    def __init__(self) -> None:
        super().__init__("The worker that gave this answer has died in the middle of it. Ask again.")


class MaxDurationExceeded(LimitError):
    """The answer took longer than an answer may."""

    code = "max_duration"
    status = 504


class ModelUnavailable(UpstreamError):
    """The embedded model is not there, not yet there, or just being restarted."""

    code = "model_unavailable"
    has_no_usage = True
    status = 503


class UpstreamConnectionError(UpstreamError):
    """No connection to the upstream came about."""

    code = "upstream_unreachable"
    has_no_usage = True


class UpstreamProtocolError(UpstreamError):
    """The upstream answered with something that is not an answer, or broke off in the middle."""

    code = "upstream_broken"


class UpstreamStatusError(UpstreamError):
    """The upstream refused the request with an HTTP status or an error of its own.

    Args:
        status: The HTTP status for the reader: the upstream's own for 4xx and 529, 502 otherwise.
        code: What kind of refusal it was.
        is_too_long: Whether the question has more tokens than the model can hold.
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
    """The model called a tool with arguments that are no JSON object, or are cut off."""

    code = "tool_arguments_invalid"


class FallbackMismatch(UpstreamError):
    """The model broke off in the middle of its answer, and what another one says differs from what was sent."""

    code = "answer_diverged"


class SchemaValidationError(UpstreamError):
    """The answer is whole, and does not fit the schema that it was asked for with."""

    code = "answer_invalid"


class SourceError(UpstreamError):
    """What fills a stream, such as a generator of the application's, told of a failure in its own words."""

    def __init__(self, message: str, *, code: str, retryable: bool) -> None:
        super().__init__(message)
        self.code, self.retryable = code, retryable


class ConnectTimeout(UpstreamError):
    """The upstream's address did not accept a connection in time."""

    code = "connect_timeout"
    has_no_usage = True
    status = 504


class FirstTokenTimeout(UpstreamError):
    """The upstream took the request and sent no token in time."""

    code = "first_token_timeout"
    status = 504


class IdleTimeout(UpstreamError):
    """The upstream fell silent in the middle of its answer."""

    code = "stall_timeout"
    status = 504
