"""A circuit breaker: stops requests to a model that fails or is slow, and probes whether it has recovered.

One breaker belongs to one model of a worker, is shared by all chains that contain the model, and is thread-safe. It
uses a clock and the outcomes of attempts, and depends on no model.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Literal, TypeAlias

BreakerState: TypeAlias = Literal["closed", "open", "probing"]
"""`closed`: all requests pass; `open`: none passes; `probing`: one request is testing the model."""

PROBE_INTERVAL = 10.0
"""Seconds for which the breaker stays open before it lets one request probe the model."""

FAILURE_WINDOW = 60.0
"""Seconds for which a failure counts."""

MAX_RECORDED_ATTEMPTS = 10
"""The number of latest attempts that count."""

FAILURE_THRESHOLD = 5
"""Failures among those attempts that open the breaker."""


class CircuitBreaker:
    """Gives out permits for attempts, and stops giving them while too many attempts fail.

    Args:
        clock: Returns a monotonic time in seconds.

    Attributes:
        outcomes: Number of attempts by outcome: an error's code, or a word of the caller's, such as `slow`.
        on_change: Called with the outcome of an attempt, or with None if only the state has changed.
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
        """The state now; see `BreakerState`."""
        if self._next_probe_at is None:
            return "closed"
        return "open" if self._probe is None else "probing"

    @property
    def retry_after(self) -> float:
        """Seconds until the breaker gives out the next permit; 0 if it may do so now."""
        at = self._next_probe_at
        return 0.0 if at is None else max(0.0, at - self._clock())

    def acquire(self) -> BreakerPermit | None:
        """Return a permit for one attempt, or None if the model must not be called now. The caller must release it."""
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
    """Permission for one attempt, which records its outcome. After a failure, further outcomes are ignored."""

    __slots__ = ("_breaker", "_has_failed")

    def __init__(self, breaker: CircuitBreaker) -> None:
        self._breaker = breaker
        self._has_failed = False

    def succeed(self, outcome: str) -> None:
        """Record that the model works.

        Args:
            outcome: The word under which `CircuitBreaker.outcomes` counts the attempt.
        """
        if not self._has_failed:
            self._breaker._record(self, outcome, is_failure=False)

    def fail(self, outcome: str) -> None:
        """Record that the model failed, under the word `outcome`; see `succeed`."""
        if not self._has_failed:
            self._has_failed = True
            self._breaker._record(self, outcome, is_failure=True)

    def release(self) -> None:
        """End the attempt. A probe without an outcome leaves the breaker open. Idempotent."""
        self._breaker._release(self)
