"""Timeouts of one attempt: to its first token, and from each token to the next.

Each attempt has one timer. Tokens do not reset it: when it fires, it compares the clock, and starts again if needed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gevent

from ...core.errors import FirstTokenTimeout, IdleTimeout
from ...core.events import Event, ProviderEvent, StreamMetadata, Usage


def is_token(batch: list[Event] | StreamMetadata) -> bool:
    """Whether a batch contains a part of the answer, and not only a `Usage` or a description of the answer."""
    if not isinstance(batch, list) or not batch:
        return False
    return type(batch[0]) not in _DESCRIPTIONS or any(_is_part(event) for event in batch)


_DESCRIPTIONS = {Usage, ProviderEvent}


def _is_part(event: Event) -> bool:
    return event.is_content if isinstance(event, ProviderEvent) else not isinstance(event, Usage)


class _TimedOut(BaseException):
    """Interrupts the wait. Not an `Exception`: the SDKs would take that for an error of their own connection."""


class AttemptTimeout:
    """Limits the time that one model may be silent.

    Args:
        model: Names the model in messages.
        first_token_timeout: Seconds to the first token; None for no limit.
        idle_timeout: Seconds from each token to the next; None for no limit.
    """

    __slots__ = (
        "_first_token_timeout",
        "_has_first_token",
        "_idle_timeout",
        "_is_waiting",
        "_model",
        "_timer",
        "_waiter",
        "_waiting_since",
    )

    def __init__(self, model: str, first_token_timeout: float | None, idle_timeout: float | None) -> None:
        self._model = model
        self._first_token_timeout, self._idle_timeout = first_token_timeout, idle_timeout
        self._waiting_since = time.monotonic()
        self._is_waiting = self._has_first_token = False
        self._waiter = gevent.getcurrent()
        self._timer: Any = None

    def iterate(self, batches: Iterator[list[Event] | StreamMetadata]) -> Iterator[list[Event] | StreamMetadata]:
        """Yield the batches of an answer as they arrive.

        Raises:
            FirstTokenTimeout: no token arrived in time.
            IdleTimeout: no further token arrived in time.
        """
        self._start_timer()
        try:
            while (batch := self._next(batches)) is not None:
                yield batch
                if is_token(batch):
                    # Only after the yield: the time that a slow reader takes is not the model's.
                    self._has_first_token = True
                    self._waiting_since = time.monotonic()
                elif self._is_expired():
                    # A model that sends batches without tokens, and never waits, is not interrupted by the timer.
                    raise self._timeout_error()
        finally:
            if self._timer is not None:
                self._timer.stop()
                self._timer.close()

    def _next(self, batches: Iterator[list[Event] | StreamMetadata]) -> list[Event] | StreamMetadata | None:
        self._is_waiting = True
        try:
            return next(batches, None)
        except _TimedOut:
            raise self._timeout_error() from None
        finally:
            self._is_waiting = False

    def _current_timeout(self) -> float | None:
        return self._idle_timeout if self._has_first_token else self._first_token_timeout

    def _is_expired(self) -> bool:
        limit = self._current_timeout()
        return limit is not None and time.monotonic() >= self._waiting_since + limit

    def _remaining(self) -> float | None:
        limit = self._current_timeout()
        # While the reader holds the batch, the model's time does not run.
        return limit if limit is None or not self._is_waiting else self._waiting_since + limit - time.monotonic()

    def _start_timer(self) -> None:
        if self._timer is not None:
            self._timer.close()
        # After the first token the idle timeout applies, which may be the shorter one.
        limits = [limit for limit in (self._remaining(), self._idle_timeout) if limit is not None]
        self._timer = gevent.get_hub().loop.timer(max(0.0005, min(limits))) if limits else None
        if self._timer is not None:
            self._timer.start(self._on_timer)

    def _on_timer(self) -> None:
        left = self._remaining()
        if left is not None and left <= 0:
            self._waiter.throw(_TimedOut())
        else:
            self._start_timer()

    def _timeout_error(self) -> FirstTokenTimeout | IdleTimeout:
        if self._has_first_token:
            return IdleTimeout(
                f"{self._model} sent nothing for {self._idle_timeout or 0:.3g} s in the middle of its answer."
            )
        return FirstTokenTimeout(f"{self._model} sent no token within {self._first_token_timeout or 0:.3g} s.")
