"""One timer for all the waits of one stream.

The waits that a stream may be in change with each token, so the timer is not moved along: it goes off when the earliest
of them could be over, looks, and is set again. It knows due times and what to do when they pass, not what they mean.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from gevent import get_hub

Deadline: TypeAlias = tuple[float, Callable[[], object]]
"""A moment of the monotonic clock (seconds) and what is to be done once it has passed, without blocking."""


class TimeoutScheduler:
    """Call what is due.

    Args:
        dues: Gives the waits that are under way now.
        longest_blind: Seconds after which to look again at the latest, since a wait may begin at any time: the
            shortest of all limits, or None where there is no limit at all.
    """

    __slots__ = ("_deadlines", "_is_running", "_max_check_interval", "_timer")

    def __init__(self, deadlines: Callable[[], Iterable[Deadline]], max_check_interval: float | None) -> None:
        self._deadlines = deadlines
        self._max_check_interval = max_check_interval
        self._is_running = False
        self._timer: Any = None

    def start(self) -> None:
        """Begin to look, or begin again; does nothing where that has begun."""
        if self._max_check_interval is not None and not self._is_running:
            self._is_running = True
            self._set_timer(self._max_check_interval)

    def stop(self) -> None:
        """Look no more, until `start`. May be called twice, and from what is called when due."""
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
            for due, act in list(self._deadlines()):
                if due <= time.monotonic():
                    act()
        finally:
            # What was called may have stopped this, and begun it again with a timer of its own.
            if self._timer is timer:
                timer.close()
                self._reset_timer()

    def _reset_timer(self) -> None:
        now = time.monotonic()
        waits = [due - now for due, _ in self._deadlines()]
        if self._max_check_interval is not None:
            self._set_timer(min([self._max_check_interval, *waits]))
