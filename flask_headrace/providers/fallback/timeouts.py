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


class _Silence(BaseException):
    """Ends the wait. Not an `Exception`: the SDKs take those for their own connection's."""


class AttemptTimeout:
    """The wait for one model's answer.

    Args:
        model: How messages name it.
        first_token: Seconds to its first token; None for ever.
        stall: Seconds that it may be silent after that; None for ever.
    """

    __slots__ = ("_first_token", "_has_begun", "_is_waiting", "_model", "_since", "_stall", "_timer", "_waiter")

    def __init__(self, model: str, first_token: float | None, stall: float | None) -> None:
        self._model = model
        self._first_token, self._stall = first_token, stall
        self._since = time.monotonic()
        self._is_waiting = self._has_begun = False
        self._waiter = gevent.getcurrent()
        self._timer: Any = None

    def wait_for(self, batches: Iterator[list[Event] | StreamMetadata]) -> Iterator[list[Event] | StreamMetadata]:
        """Yield what comes, as it comes.

        Raises:
            FirstTokenTimeout: nothing came in time.
            IdleTimeout: it fell silent.
        """
        self._arm()
        try:
            while (batch := self._next(batches)) is not None:
                yield batch
                if is_token(batch):
                    # Only now: a slow reader is not the model's fault.
                    self._has_begun = True
                    self._since = time.monotonic()
                elif self._is_over():
                    # One that says nothing and never waits is never found waiting.
                    raise self._timeout()
        finally:
            if self._timer is not None:
                self._timer.stop()
                self._timer.close()

    def _next(self, batches: Iterator[list[Event] | StreamMetadata]) -> list[Event] | StreamMetadata | None:
        self._is_waiting = True
        try:
            return next(batches, None)
        except _Silence:
            raise self._timeout() from None
        finally:
            self._is_waiting = False

    def _limit(self) -> float | None:
        return self._stall if self._has_begun else self._first_token

    def _is_over(self) -> bool:
        limit = self._limit()
        return limit is not None and time.monotonic() >= self._since + limit

    def _left(self) -> float | None:
        limit = self._limit()
        # Who is not waited for has all its time still before it.
        return limit if limit is None or not self._is_waiting else self._since + limit - time.monotonic()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.close()
        # After the first token another limit holds, which may be the shorter one.
        limits = [limit for limit in (self._left(), self._stall) if limit is not None]
        self._timer = gevent.get_hub().loop.timer(max(0.0005, min(limits))) if limits else None
        if self._timer is not None:
            self._timer.start(self._look)

    def _look(self) -> None:
        left = self._left()
        if left is not None and left <= 0:
            self._waiter.throw(_Silence())
        else:
            self._arm()

    def _timeout(self) -> FirstTokenTimeout | IdleTimeout:
        if self._has_begun:
            return IdleTimeout(f"{self._model} sent nothing for {self._stall or 0:.3g} s in the middle of its answer.")
        return FirstTokenTimeout(f"{self._model} sent no token within {self._first_token or 0:.3g} s.")
