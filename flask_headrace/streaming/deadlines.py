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

    __slots__ = ("_dues", "_is_looking", "_longest_blind", "_timer")

    def __init__(self, dues: Callable[[], Iterable[Deadline]], longest_blind: float | None) -> None:
        self._dues = dues
        self._longest_blind = longest_blind
        self._is_looking = False
        self._timer: Any = None

    def start(self) -> None:
        """Begin to look, or begin again; does nothing where that has begun."""
        if self._longest_blind is not None and not self._is_looking:
            self._is_looking = True
            self._arm(self._longest_blind)

    def stop(self) -> None:
        """Look no more, until `start`. May be called twice, and from what is called when due."""
        self._is_looking = False
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None

    def _arm(self, seconds: float) -> None:
        self._timer = get_hub().loop.timer(max(seconds, 0.0005))
        self._timer.start(self._look)

    def _look(self) -> None:
        timer = self._timer
        try:
            for due, act in list(self._dues()):
                if due <= time.monotonic():
                    act()
        finally:
            # What was called may have stopped this, and begun it again with a timer of its own.
            if self._timer is timer:
                timer.close()
                self._arm_anew()

    def _arm_anew(self) -> None:
        now = time.monotonic()
        waits = [due - now for due, _ in self._dues()]
        if self._longest_blind is not None:
            self._arm(min([self._longest_blind, *waits]))
