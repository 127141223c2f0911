"""How long one attempt is waited for: to its first token, and from one token to the next.

One timer for the attempt, which no token moves: when it goes off it looks, and is set again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gevent

from ...core.errors import FirstTokenTimeout, IdleTimeout
from ...core.events import Event, StreamMetadata, Usage


def is_token(batch: list[Event] | StreamMetadata) -> bool:
    """Whether it has anything of the answer, and is not only what the provider tells of its tokens."""
    return isinstance(batch, list) and bool(batch) and (len(batch) > 1 or type(batch[0]) is not Usage)


class _TimedOut(BaseException):
    """Ends the wait. Not an `Exception`: the SDKs take those for their own connection's."""


class AttemptTimeout:
    """The wait for one model's answer.

    Args:
        model: How messages name it.
        first_token: Seconds to its first token; None for ever.
        stall: Seconds that it may be silent after that; None for ever.
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
        """Yield what comes, as it comes.

        Raises:
            FirstTokenTimeout: nothing came in time.
            IdleTimeout: it fell silent.
        """
        self._start_timer()
        try:
            while (batch := self._next(batches)) is not None:
                yield batch
                if is_token(batch):
                    # Only now: a slow reader is not the model's fault.
                    self._has_first_token = True
                    self._waiting_since = time.monotonic()
                elif self._is_expired():
                    # One that says nothing and never waits is never found waiting.
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
        # Who is not waited for has all its time still before it.
        return limit if limit is None or not self._is_waiting else self._waiting_since + limit - time.monotonic()

    def _start_timer(self) -> None:
        if self._timer is not None:
            self._timer.close()
        # After the first token another limit holds, which may be the shorter one.
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
                f"{self._model} fell silent for {self._idle_timeout or 0:.3g} s in the middle of its answer."
            )
        return FirstTokenTimeout(f"{self._model} sent no token within {self._first_token_timeout or 0:.3g} s.")
