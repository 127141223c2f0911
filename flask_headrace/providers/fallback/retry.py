"""Retry rules: whether a failed attempt is retried, on which model, and after which delay.

Pure except for a clock; nothing here sends requests or waits.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TypeAlias

from ...core.errors import (
    ConnectTimeout,
    FallbackMismatch,
    FirstTokenTimeout,
    InvalidRequest,
    UpstreamError,
    UpstreamStatusError,
)

Failure: TypeAlias = UpstreamError | InvalidRequest
"""Why an attempt failed: an error of the upstream, or a request that the provider's API cannot express."""

INITIAL_RETRY_DELAY, MAX_RETRY_DELAY = 0.25, 8.0
"""Seconds before the first retry of a model that sent no `Retry-After`, doubled each time, and their maximum."""

JITTER = 0.25
"""Share of a delay that is randomised, so that requests that failed together are not retried together."""

_INVALID_REQUEST_STATUSES = {400, 422}


class RetryDecision(Enum):
    """What follows from a failed attempt."""

    RETRY = "try the same model again"
    FALL_BACK = "try the next model"
    NEED_LARGER_CONTEXT = "try the next model with a larger context window"
    FAIL = "report the error: every other model would fail too"


def classify(error: Failure) -> RetryDecision:
    """Return what follows from an error."""
    match error:
        case UpstreamStatusError(is_too_long=True):
            return RetryDecision.NEED_LARGER_CONTEXT
        case FallbackMismatch():
            return RetryDecision.FAIL
        case UpstreamStatusError(status=status) if status in _INVALID_REQUEST_STATUSES:
            return RetryDecision.FAIL
        case FirstTokenTimeout() | ConnectTimeout():
            # The model was silent and would be again: the reader has waited for it long enough.
            return RetryDecision.FALL_BACK
        case _:
            return RetryDecision.RETRY if error.retryable else RetryDecision.FALL_BACK


def needs_operator(error: Failure) -> bool:
    """Whether an operator must correct the configuration: the key is rejected, or the model does not exist."""
    return isinstance(error, UpstreamStatusError) and error.status in {401, 403, 404}


def backoff_delay(attempt: int, retry_after: float | None, random_fraction: float) -> float:
    """Return the seconds to wait before the same model is tried again.

    Args:
        attempt: How often the model was tried already, from 1.
        retry_after: The upstream's `Retry-After` in seconds, or None. The delay is never shorter than that.
        random_fraction: A random number from 0 to 1.
    """
    if retry_after is not None:
        return retry_after * (1 + JITTER * random_fraction)
    delay: float = min(MAX_RETRY_DELAY, INITIAL_RETRY_DELAY * 2 ** (attempt - 1))
    return delay * (1 - JITTER * random_fraction)


class RetryBudget:
    """The time that all attempts together may take before the first token.

    Args:
        seconds: The whole time.
        clock: Returns a monotonic time in seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = clock() + seconds

    def remaining(self) -> float:
        """Return the remaining seconds; 0 if the time is over."""
        return max(0.0, self._until - self._clock())
