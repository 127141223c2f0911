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

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 8.0
"""Seconds before a model is asked again that has not said when; doubled each time."""

JITTER = 0.25
"""Share of a pause by which it is changed at random, so that those who failed together do not come back together."""

_FAULTS_OF_THE_QUESTION = {400, 422}


class RetryDecision(Enum):
    """What is to be done after a failure."""

    AGAIN = "ask the same model again"
    NEXT = "ask the next one"
    ROOMIER = "ask the next one that can hold more"
    TELL = "tell the reader: nobody else would answer that"


def classify(error: Failure) -> RetryDecision:
    """Return what an error calls for."""
    match error:
        case UpstreamStatusError(is_too_long=True):
            return RetryDecision.ROOMIER
        case FallbackMismatch():
            return RetryDecision.TELL
        case UpstreamStatusError(status=status) if status in _FAULTS_OF_THE_QUESTION:
            return RetryDecision.TELL
        case FirstTokenTimeout() | ConnectTimeout():
            # It was silent, and would be: the reader has waited for it long enough.
            return RetryDecision.NEXT
        case _:
            return RetryDecision.AGAIN if error.retryable else RetryDecision.NEXT


def is_fault_of_ours(error: Failure) -> bool:
    """Whether an operator must see to it: a key that is not accepted, or a model that is not there."""
    return isinstance(error, UpstreamStatusError) and error.status in {401, 403, 404}


def backoff_delay(attempt: int, told: float | None, chance: float) -> float:
    """Return the seconds before a model is asked again.

    Args:
        attempt: How often it was asked already.
        told: What it has asked for itself (`Retry-After`), in seconds; None for nothing. The pause is never shorter.
        chance: A random number from 0 to 1.
    """
    if told is not None:
        return told * (1 + JITTER * chance)
    usual: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
    return usual * (1 - JITTER * chance)


class RetryBudget:
    """The time for all attempts that come before one token.

    Args:
        seconds: How much there is.
        clock: Gives the time in seconds, which never goes back.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = clock() + seconds

    def left(self) -> float:
        """Return what is left of it."""
        return max(0.0, self._until - self._clock())
