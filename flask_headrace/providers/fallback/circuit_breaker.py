"""A circuit breaker: keeps questions away from a model that fails or is slow, and finds out when it is well again.

One for each model of a worker, whichever chains it stands in, and whichever threads ask. It knows a clock and how
attempts ended, not models.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Literal, TypeAlias

BreakerState: TypeAlias = Literal["closed", "open", "probing"]
"""All may ask; nobody may; one does, to find out."""

PROBE_INTERVAL = 10.0
"""Seconds for which it is open before one may ask again."""

FAILURE_WINDOW = 60.0
"""Seconds for which it is remembered how an attempt ended."""

MAX_RECORDED_ATTEMPTS = 10
"""Attempts that are remembered."""

FAILURE_THRESHOLD = 5
"""Failures among them that open it."""


class CircuitBreaker:
    """Says who may ask.

    Args:
        clock: Gives the time in seconds, which never goes back.

    Attributes:
        outcomes: How many attempts ended how: by which error's code, or as those who asked call it.
        on_change: Called with the outcome of an attempt, or with None where only the state has changed.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.outcomes: Counter[str] = Counter()
        self.on_change: Callable[[str | None], object] = lambda _: None
        self._clock = clock
        self._lock = threading.Lock()
        self._recent: deque[tuple[float, bool]] = deque(maxlen=MAX_RECORDED_ATTEMPTS)
        self._probe: BreakerPermit | None = None
        self._next_probe_at: float | None = None

    def __repr__(self) -> str:
        return f"<CircuitBreaker {self.state}, {dict(self.outcomes)}>"

    @property
    def state(self) -> BreakerState:
        """Whether the model may be asked."""
        if self._next_probe_at is None:
            return "closed"
        return "open" if self._probe is None else "probing"

    @property
    def retry_after(self) -> float:
        """Seconds until the next one may ask; 0 where anybody may now."""
        at = self._next_probe_at
        return 0.0 if at is None else max(0.0, at - self._clock())

    def acquire(self) -> BreakerPermit | None:
        """Let one ask, or return None. Who was let in tells how it went, and leaves."""
        with self._lock:
            if self._next_probe_at is None:
                return BreakerPermit(self)
            now = self._clock()
            if self._probe is not None or now < self._next_probe_at:
                return None
            self._next_probe_at = now + PROBE_INTERVAL
            probe = self._probe = BreakerPermit(self)
        self.on_change(None)
        return probe

    def _record(self, permit: BreakerPermit, outcome: str, *, is_failure: bool) -> None:
        with self._lock:
            self.outcomes[outcome] += 1
            if permit is self._probe:
                self._probe = None
                self._recent.clear()
                self._next_probe_at = self._clock() + PROBE_INTERVAL if is_failure else None
            elif self._next_probe_at is None:
                self._recent.append((self._clock(), is_failure))
                if self._is_failing():
                    self._next_probe_at = self._clock() + PROBE_INTERVAL
        self.on_change(outcome)

    def _release(self, permit: BreakerPermit) -> None:
        with self._lock:
            is_probe = permit is self._probe
            if is_probe:
                self._probe = None
        if is_probe:
            self.on_change(None)

    def _is_failing(self) -> bool:
        begin = self._clock() - FAILURE_WINDOW
        return sum(is_failure and at >= begin for at, is_failure in self._recent) >= FAILURE_THRESHOLD


class BreakerPermit:
    """The leave to ask once. A failure is told once: one that was slow, and then breaks off, has failed already."""

    __slots__ = ("_breaker", "_has_failed")

    def __init__(self, breaker: CircuitBreaker) -> None:
        self._breaker = breaker
        self._has_failed = False

    def succeed(self, outcome: str) -> None:
        """Tell that the model works, and how it went."""
        if not self._has_failed:
            self._breaker._record(self, outcome, is_failure=False)

    def fail(self, outcome: str) -> None:
        """Tell that it does not, and how."""
        if not self._has_failed:
            self._has_failed = True
            self._breaker._record(self, outcome, is_failure=True)

    def release(self) -> None:
        """Go; where nothing was told, nothing is known. May be called twice."""
        self._breaker._release(self)
