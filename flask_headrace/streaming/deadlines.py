"""One timer for all deadlines of one stream.

The deadlines of a stream move with each token, so the timer is not moved along: it fires when the earliest deadline
could have passed, calls what is due, and is set again. The meaning of a deadline is its owner's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from gevent import get_hub

Deadline: TypeAlias = tuple[float, Callable[[], object]]
"""A time of the monotonic clock (seconds), and a callback to call once that time has passed; it must not block."""


class TimeoutScheduler:
    """Calls the callbacks of deadlines that have passed.

    Args:
        deadlines: Returns the current deadlines.
        max_check_interval: Seconds between two checks at most, because a new deadline can appear at any time: the
            shortest of all time limits. None if there are no time limits; then nothing is ever checked.
    """

    __slots__ = ("_deadlines", "_is_running", "_max_check_interval", "_timer")

    def __init__(self, deadlines: Callable[[], Iterable[Deadline]], max_check_interval: float | None) -> None:
        self._deadlines = deadlines
        self._max_check_interval = max_check_interval
        self._is_running = False
        self._timer: Any = None

    def start(self) -> None:
        """Start checking. Does nothing if checking has started."""
        if self._max_check_interval is not None and not self._is_running:
            self._is_running = True
            self._set_timer(self._max_check_interval)

    def stop(self) -> None:
        """Stop checking, until the next `start`. Idempotent; callbacks of deadlines may call it."""
        self._is_running = False
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None

    def _set_timer(self, seconds: float) -> None:
        self._timer = get_hub().loop.timer(max(seconds, 0.0005))
        self._timer.start(self._check)

    def _check(self) -> None:
        timer = self._timer
        try:
            for due, callback in list(self._deadlines()):
                if due <= time.monotonic():
                    callback()
        finally:
            # A callback may have called `stop`, and `start` after it, which sets another timer.
            if self._timer is timer:
                timer.close()
                self._reset_timer()

    def _reset_timer(self) -> None:
        now = time.monotonic()
        waits = [due - now for due, _ in self._deadlines()]
        if self._max_check_interval is not None:
            self._set_timer(min([self._max_check_interval, *waits]))
