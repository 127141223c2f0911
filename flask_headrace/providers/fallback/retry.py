"""What follows from a failure before the first token: whom to ask next, when, and for how long at all.

Values and a clock; it asks nobody and waits for nothing.
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
"""How an attempt fails: at the model's, or because its provider has no words for the question."""

INITIAL_RETRY_DELAY, MAX_RETRY_DELAY = 0.25, 8.0
"""Seconds before a model is asked again that has not said when; doubled each time."""

JITTER = 0.25
"""Share of a pause by which it is changed at random, so that those who failed together do not come back together."""

_INVALID_REQUEST_STATUSES = {400, 422}


class RetryDecision(Enum):
    """What is to be done after a failure."""

    RETRY = "ask the same model again"
    FALL_BACK = "ask the next one"
    NEED_LARGER_CONTEXT = "ask the next one that can hold more"
    FAIL = "tell the reader: nobody else would answer that"


def classify(error: Failure) -> RetryDecision:
    """Return what an error calls for."""
    match error:
        case UpstreamStatusError(is_too_long=True):
            return RetryDecision.NEED_LARGER_CONTEXT
        case FallbackMismatch():
            return RetryDecision.FAIL
        case UpstreamStatusError(status=status) if status in _INVALID_REQUEST_STATUSES:
            return RetryDecision.FAIL
        case FirstTokenTimeout() | ConnectTimeout():
            # It was silent, and would be: the reader has waited for it long enough.
            return RetryDecision.FALL_BACK
        case _:
            return RetryDecision.RETRY if error.retryable else RetryDecision.FALL_BACK


def needs_operator(error: Failure) -> bool:
    """Whether an operator must see to it: a key that is not accepted, or a model that is not there."""
    return isinstance(error, UpstreamStatusError) and error.status in {401, 403, 404}


def backoff_delay(attempt: int, retry_after: float | None, random_fraction: float) -> float:
    """Return the seconds before a model is asked again.

    Args:
        attempt: How often it was asked already.
        told: What it has asked for itself (`Retry-After`), in seconds; None for nothing. The pause is never shorter.
        chance: A random number from 0 to 1.
    """
    if retry_after is not None:
        return retry_after * (1 + JITTER * random_fraction)
    delay: float = min(MAX_RETRY_DELAY, INITIAL_RETRY_DELAY * 2 ** (attempt - 1))
    return delay * (1 - JITTER * random_fraction)


class RetryBudget:
    """The time for all attempts that come before one token.

    Args:
        seconds: How much there is.
        clock: Gives the time in seconds, which never goes back.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = clock() + seconds

    def remaining(self) -> float:
        """Return what is left of it."""
        return max(0.0, self._until - self._clock())
